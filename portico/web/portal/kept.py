"""What was chosen in a form before its session had ended, on the same page again: to look over and press once more."""

from django.http import QueryDict

from portico.domain.access import kept_posts
from portico.plumbing import keeping
from portico.plumbing.encryption import Undecipherable
from portico.web.guards import KEPT
from portico.web.requests import PortalRequest


def fields(request: PortalRequest) -> QueryDict | None:
    """What the address says was kept, for this mailbox, page and client alone; None for anything else, or too old."""
    ref = request.GET.get(KEPT, "")
    kept = kept_posts.find(request.account, ref, path=request.path, client=request.client) if ref else None
    if kept is None:
        return None
    try:
        posted = keeping.fields_of(kept)
    except Undecipherable:
        return None
    found = QueryDict(mutable=True)
    for field in posted:
        found.appendlist(field.name, field.value)
    return found
