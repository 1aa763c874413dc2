"""A client's phone numbers."""

from portico.domain.clients.client_input import PhoneInput
from portico.domain.clients.models import Client, PhoneNumber


def save_phones(client: Client, entries: tuple[PhoneInput, ...]) -> bool:
    """Replaces the client's numbers by the entries. Returns True if any changed. In the caller's transaction."""
    wanted = _kinds_by_number(entries)
    present = {phone.number: phone for phone in client.phone_numbers.all()}
    gone = [phone.pk for number, phone in present.items() if number not in wanted]
    changed = bool(gone)
    client.phone_numbers.filter(pk__in=gone).delete()
    for number, kind in wanted.items():
        phone = present.get(number)
        if phone is not None and phone.kind == kind:
            continue
        changed = True
        PhoneNumber.objects.update_or_create(
            client=client, number=number, defaults={"kind": kind, "practice_id": client.practice_id}
        )
    return changed


def new_phones(client: Client, entries: tuple[PhoneInput, ...]) -> list[PhoneNumber]:
    """Builds the numbers of a new client, unsaved."""
    kinds = _kinds_by_number(entries)
    return [PhoneNumber(practice=client.practice, client=client, number=each, kind=kinds[each]) for each in kinds]


def _kinds_by_number(entries: tuple[PhoneInput, ...]) -> dict[str, str]:
    return {entry.number: entry.kind for entry in entries}
