"""Phone numbers of a client or a contact."""

from portico.domain.clients.client_input import PhoneInput
from portico.domain.clients.models import Client, Contact, PhoneNumber


def save_phones(owner: Client | Contact, entries: tuple[PhoneInput, ...]) -> bool:
    """Replaces the owner's numbers by the entries. Returns True if any changed. In the caller's transaction."""
    wanted = _kinds_by_number(entries)
    present = {phone.number: phone for phone in owner.phone_numbers.all()}
    gone = [phone.pk for number, phone in present.items() if number not in wanted]
    changed = bool(gone)
    owner.phone_numbers.filter(pk__in=gone).delete()
    for number, kind in wanted.items():
        phone = present.get(number)
        if phone is not None and phone.kind == kind:
            continue
        changed = True
        owner.phone_numbers.update_or_create(number=number, defaults={"kind": kind, "practice_id": owner.practice_id})
    return changed


def new_phones(owner: Client | Contact, entries: tuple[PhoneInput, ...]) -> list[PhoneNumber]:
    """Builds the numbers of a new client or contact, unsaved."""
    kinds = _kinds_by_number(entries)
    owned = {"client": owner} if isinstance(owner, Client) else {"contact": owner}
    return [PhoneNumber(practice=owner.practice, number=each, kind=kinds[each], **owned) for each in kinds]


def _kinds_by_number(entries: tuple[PhoneInput, ...]) -> dict[str, str]:
    return {entry.number: entry.kind for entry in entries}
