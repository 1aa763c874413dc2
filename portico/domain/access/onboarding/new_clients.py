"""New clients: creating the client, its portal access and its invitation in one step."""

from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import Invitation
from portico.domain.access.onboarding import bulk_client_creation, invitation_text, invitations
from portico.domain.access.onboarding.bulk_client_creation import NewClient
from portico.domain.access.onboarding.invitation_text import EnclosedDocuments, InvitationText
from portico.domain.clients import registration
from portico.domain.clients.client_input import ClientInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import form_keys
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock


@dataclass(frozen=True)
class CreatedClient:
    """The client, and the invitation if one was sent; `is_new` is False if an earlier submission made them."""

    client: Client
    invitation: Invitation | None
    is_new: bool


@retry_on_deadlock
def create(
    practice: Practice,
    entry: ClientInput,
    access: AccessInput | None,
    text: InvitationText | None,
    *,
    form_key: str,
    by: Actor,
    enclosed: EnclosedDocuments | None = None,
) -> CreatedClient:
    """Creates a client; given `access`, lets the first address sign in; given `text` too, sends the invitation.

    Atomic. The invitation says what there is to complete of `enclosed`; the caller shares it. `access.address` is
    ignored, because the addresses are created here. `form_key` is the form's random key: submitting the same form
    again returns the first client.
    Raises FormSentBefore, email_addresses.DuplicateAddress, invitations.CannotSendInvitation.
    """
    content = (entry, access, text, *((enclosed.chosen,) if enclosed is not None and enclosed.chosen else ()))
    earlier = _find_earlier(practice, form_key, content)
    if earlier is not None:
        return earlier
    try:
        with transaction.atomic():
            created = _create(practice, entry, access, text, form_key=form_key, by=by, enclosed=enclosed)
            form_keys.store(created.client, form_key, content, kind="client")
            return created
    except IntegrityError:
        # The form was submitted twice at once, and the other submission was saved first.
        earlier = _find_earlier(practice, form_key, content)
        if earlier is None:
            raise
        return earlier


def _create(
    practice: Practice,
    entry: ClientInput,
    access: AccessInput | None,
    text: InvitationText | None,
    *,
    form_key: str,
    by: Actor,
    enclosed: EnclosedDocuments | None,
) -> CreatedClient:
    if access is None or text is None:
        new = NewClient(entry, access, next(iter(entry.addresses), None))
        (client,) = bulk_client_creation.create_all(practice, [new], by=by, form_key=form_key)
        return CreatedClient(client, None, is_new=True)
    client = registration.create(practice, entry, by=by, form_key=form_key)
    first = client.email_addresses.open().order_by("pk").first()
    access = replace(access, address=first.ref if first else None)
    text = _in_language_of(client, text)
    sent = invitations.send(client, access, text, form_key=form_key, version=None, by=by, enclosed=enclosed)
    return CreatedClient(client, sent.invitation, is_new=True)


def _in_language_of(client: Client, text: InvitationText) -> InvitationText:
    """Returns the default text in the client's language if `text` is an unchanged default, else `text` itself.

    The form shows a default text before the language is chosen.
    """
    defaults = invitation_text.defaults_of(client.practice)
    return defaults[client.language] if text in defaults.values() else text


def _find_earlier(practice: Practice, form_key: str, content: object) -> CreatedClient | None:
    rows = Client.objects.filter(practice=practice)
    client = form_keys.find_result(rows, form_key, content, kind="client", describe=_summary)
    if client is None:
        return None
    return CreatedClient(client, client.invitations.filter(form_key=form_key).first(), is_new=False)


def _summary(client: Client) -> str:
    return _("a new client, %(name)s") % {"name": client.name}
