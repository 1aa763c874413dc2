"""A new client with everything at once: addresses and consent, access, and the invitation."""

from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portico.domain.access import access_grants
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import Invitation
from portico.domain.access.onboarding import invitation_text, invitations
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.clients import registration
from portico.domain.clients.client_input import ClientInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import form_keys
from portico.plumbing.actors import Actor


@dataclass(frozen=True)
class Welcomed:
    """The client, the invitation if one was sent, and whether this press made them or an earlier one did."""

    client: Client
    invitation: Invitation | None
    is_new: bool


def welcome(
    practice: Practice,
    entry: ClientInput,
    access: AccessInput | None,
    text: InvitationText | None,
    *,
    form_key: str,
    by: Actor,
) -> Welcomed:
    """Creates a client; with `access` lets the first address sign in, with `text` too sends the invitation.

    All or nothing. `access.address` is not looked at: the rows it could name are made here. `press` is the form's
    own random key: the same press again gives the first one's client.
    Raises FormSentBefore, addresses.AddressTwice, inviting.NotMailable.
    """
    content = (entry, access, text)
    earlier = _made_by(practice, form_key, content)
    if earlier is not None:
        return earlier
    try:
        with transaction.atomic():
            welcomed = _make(practice, entry, access, text, form_key=form_key, by=by)
            form_keys.keep(welcomed.client, form_key, content, kind="client")
            return welcomed
    except IntegrityError:
        # Two presses at once: the other one was first, and holds the key.
        earlier = _made_by(practice, form_key, content)
        if earlier is None:
            raise
        return earlier


def _make(
    practice: Practice,
    entry: ClientInput,
    access: AccessInput | None,
    text: InvitationText | None,
    *,
    form_key: str,
    by: Actor,
) -> Welcomed:
    client = registration.create(practice, entry, by=by, form_key=form_key)
    if access is None:
        return Welcomed(client, None, is_new=True)
    first = client.email_addresses.open().order_by("pk").first()
    access = replace(access, address=first.ref if first else None)
    if text is None:
        access_grants.save_access(client, access, version=None, by=by)
        return Welcomed(client, None, is_new=True)
    text = _in_language_of(client, text)
    sent = invitations.send(client, access, text, form_key=form_key, version=None, by=by)
    return Welcomed(client, sent.invitation, is_new=True)


def _in_language_of(client: Client, text: InvitationText) -> InvitationText:
    """The form opens with a default text before the language is chosen: left as it was, it follows the language."""
    defaults = invitation_text.defaults_of(client.practice)
    return defaults[client.language] if text in defaults.values() else text


def _made_by(practice: Practice, form_key: str, content: object) -> Welcomed | None:
    rows = Client.objects.filter(practice=practice)
    client = form_keys.made_before(rows, form_key, content, kind="client", said=_said)
    if client is None:
        return None
    return Welcomed(client, client.invitations.filter(form_key=form_key).first(), is_new=False)


def _said(client: Client) -> str:
    return _("a new client, %(name)s") % {"name": client.name}
