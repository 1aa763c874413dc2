"""What a client chose in a form whose session had ended: kept for an hour, for the same mailbox alone."""

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
    """Keeps what was posted to the path after time had ended the session, without secrets and card numbers.

    `client_ref` names the client whose page the form was on. None when nothing is left, or when the session, had it
    not ended, would not show that client.
    """
    client_id = next(
        (each.client_id for each in portal_sessions.accesses_of(session) if each.client.ref == client_ref), None
    )
    if client_id is None:
        return None
    kept = PortalSavedForm(
        practice_id=session.practice_id, account_id=session.account_id, client_id=client_id, path=path
    )
    return form_recovery.save(kept, fields, among=_of(session.account))


def find(account: PortalAccount, ref: str, *, path: str, client: Client) -> PortalSavedForm | None:
    """What this mailbox posted to the path within the last hour, while it looked at this client."""
    return form_recovery.unexpired(_of(account)).filter(client=client, ref=ref, path=path).first()


def delete(account: PortalAccount, ref: str) -> None:
    """Deletes it once its form was pressed again."""
    _of(account).filter(ref=ref).delete()


def delete_expired() -> int:
    """Deletes what nobody came back for; upkeep calls it. Returns how many."""
    return form_recovery.delete_expired(PortalSavedForm.objects.all())


def _of(account: PortalAccount) -> RowQuerySet[PortalSavedForm]:
    return PortalSavedForm.objects.filter(practice_id=account.practice_id, account=account)
