"""Forms that were posted after their session had ended: saved, and read again after the next sign-in."""

from django.http import HttpRequest, QueryDict

from portico.domain.access.models import PortalSession
from portico.domain.access.sign_in import saved_forms as of_clients
from portico.domain.practices.models import StaffMember
from portico.domain.practices.staff import saved_forms as of_staff
from portico.plumbing import form_recovery
from portico.plumbing.form_recovery import PostedField, SavedFormRow
from portico.plumbing.security.encryption import DecryptionFailed
from portico.web import client_mismatch
from portico.web.http.request_types import PortalRequest

# Query parameter with the ref of the saved form.
PARAMETER = "kept"


def save_for_staff(request: HttpRequest, staff: StaffMember) -> str:
    """Saves the posted form and returns its ref; empty if there is nothing to save."""
    fields = form_recovery.posted_fields(request.POST.lists())
    saved = of_staff.save(staff, path=request.get_full_path(), fields=fields)
    return saved.ref if saved else ""


def save_for_client(request: HttpRequest, session: PortalSession) -> str:
    """Saves the posted form and returns its ref; empty if there is nothing to save."""
    fields = [
        field for field in form_recovery.posted_fields(request.POST.lists()) if field.name != client_mismatch.FIELD
    ]
    client_ref = client_mismatch.client_named(request, session.account)
    saved = of_clients.save(session, client_ref=client_ref, path=request.path, fields=fields)
    return saved.ref if saved else ""


def delete_of_client(request: PortalRequest) -> None:
    """Deletes the saved form named in the URL, which is posted now: the page must not show it again."""
    if PARAMETER in request.GET:
        of_clients.delete(request.account, request.GET[PARAMETER])


def find_fields_of_client(request: PortalRequest) -> QueryDict | None:
    """Returns the fields of the saved form named in the URL; None if it is not of this mailbox, page and client.

    None too if staff view the page.
    """
    ref = request.GET.get(PARAMETER, "") if request.client_view is None else ""
    saved = of_clients.find(request.account, ref, path=request.path, client=request.client) if ref else None
    posted = read_fields(saved)
    if posted is None:
        return None
    fields = QueryDict(mutable=True)
    for field in posted:
        fields.appendlist(field.name, field.value)
    return fields


def read_fields(saved: SavedFormRow | None) -> list[PostedField] | None:
    """Returns the fields of the saved form; None without one, or if its encryption key is no longer known."""
    try:
        return form_recovery.fields_of(saved) if saved else None
    except DecryptionFailed:
        return None
