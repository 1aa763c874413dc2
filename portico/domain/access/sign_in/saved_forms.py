"""Forms that a client submitted after the session had ended, saved for an hour for the same mailbox."""

from collections.abc import Iterable

from portico.domain.access.models import PortalAccount, PortalSavedForm, PortalSession
from portico.domain.access.sign_in import portal_sessions
from portico.domain.clients.models import Client
from portico.plumbing import form_recovery
from portico.plumbing.database.base_models import RowQuerySet
from portico.plumbing.form_recovery import PostedField


def save(
    session: PortalSession, *, client_ref: str, path: str, fields: Iterable[PostedField]
) -> PortalSavedForm | None:
    """Saves the fields posted to the path after the session timed out, without secrets and card numbers.

    `client_ref` is the ref of the client whose page the form was on. Returns None if no field is left to save, or if
    the session, had it not ended, would not show that client.
    """
    client_id = next(
        (each.client_id for each in portal_sessions.accesses_of(session) if each.client.ref == client_ref), None
    )
    if client_id is None:
        return None
    saved_form = PortalSavedForm(
        practice_id=session.practice_id, account_id=session.account_id, client_id=client_id, path=path
    )
    return form_recovery.save(saved_form, fields, among=_forms_of(session.account))


def find(account: PortalAccount, ref: str, *, path: str, client: Client) -> PortalSavedForm | None:
    """Returns the form that this mailbox posted to the path for this client; None if it has expired or is missing."""
    return form_recovery.unexpired(_forms_of(account)).filter(client=client, ref=ref, path=path).first()


def delete(account: PortalAccount, ref: str) -> None:
    """Deletes the saved form, once it was submitted again."""
    _forms_of(account).filter(ref=ref).delete()


def delete_expired() -> int:
    """Deletes expired forms; a scheduled task. Returns their number."""
    return form_recovery.delete_expired(PortalSavedForm.objects.all())


def _forms_of(account: PortalAccount) -> RowQuerySet[PortalSavedForm]:
    return PortalSavedForm.objects.filter(practice_id=account.practice_id, account=account)
