"""What was chosen in a form before its session had ended, on the same page again: to look over and press once more."""

from django.http import QueryDict

from portico.domain.access.sign_in import saved_forms
from portico.plumbing import form_recovery
from portico.plumbing.security.encryption import DecryptionFailed
from portico.web.guards import SAVED_FORM_PARAMETER
from portico.web.http.request_types import PortalRequest


def saved_fields(request: PortalRequest) -> QueryDict | None:
    """What the address says was kept, for this mailbox, page and client alone; None for anything else, or too old."""
    ref = request.GET.get(SAVED_FORM_PARAMETER, "")
    kept = saved_forms.find(request.account, ref, path=request.path, client=request.client) if ref else None
    if kept is None:
        return None
    try:
        posted = form_recovery.fields_of(kept)
    except DecryptionFailed:
        return None
    found = QueryDict(mutable=True)
    for field in posted:
        found.appendlist(field.name, field.value)
    return found
