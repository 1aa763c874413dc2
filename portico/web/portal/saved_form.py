"""Forms that were posted after their session had ended, shown again on the same page."""

from django.http import QueryDict

from portico.domain.access.sign_in import saved_forms
from portico.plumbing import form_recovery
from portico.plumbing.security.encryption import DecryptionFailed
from portico.web.guards import SAVED_FORM_PARAMETER
from portico.web.http.request_types import PortalRequest


def saved_fields(request: PortalRequest) -> QueryDict | None:
    """Returns the fields of the saved form named in the URL; None if it is not of this mailbox, page and client."""
    ref = request.GET.get(SAVED_FORM_PARAMETER, "")
    saved = saved_forms.find(request.account, ref, path=request.path, client=request.client) if ref else None
    if saved is None:
        return None
    try:
        posted = form_recovery.fields_of(saved)
    except DecryptionFailed:
        return None
    fields = QueryDict(mutable=True)
    for field in posted:
        fields.appendlist(field.name, field.value)
    return fields
