"""The practice's list of documents at its full size: each filter, pages far on, and the documents of one client."""

from collections.abc import Iterator
from functools import partial

from benchmarks.lists.client_lists import LookUp
from portico.domain.access.models import PortalAccess
from portico.domain.documents import client_documents, practice_documents
from portico.domain.documents.completion import portal_requests
from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.practice_documents import Filter
from portico.domain.documents.sharing import shareable
from portico.domain.practices.models import Practice


def look_ups(practice: Practice, one: PortalAccess) -> Iterator[LookUp]:
    """Each way to look at documents; `one` is an access with many of them."""
    rows = DocumentRequest.objects.filter(practice=practice)
    middle = rows.order_by("id")[rows.count() // 2].ref
    for chosen in Filter:
        find = partial(practice_documents.list_for, practice, chosen)
        yield LookUp(f"documents, {chosen}", find)
        yield LookUp(f"documents, {chosen}, a page far on", partial(find, before=middle))
    yield LookUp("documents, one client's for staff", partial(client_documents.list_for, one.client))
    yield LookUp("documents, one client's in the portal", partial(portal_requests.list_for, one, "en"))
    yield LookUp("documents, what is left for one client", partial(portal_requests.progress, one))
    yield LookUp("documents, what may be shared", partial(shareable.list_for, practice, one))
