"""The clients chosen in the client list: those with a check mark, or all that its filter shows; and the way back."""

from django.urls import reverse

from portico.domain.access.models import INVITING, RunKind
from portico.domain.access.onboarding import bulk_selection
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.plumbing.text import input_validation
from portico.web.http.request_types import OfficeRequest
from portico.web.office.clients.client_list import ListForm, list_url

# In the query: every client that the list shows, instead of those with a check mark.
ALL = "all"
# In the query: "on" invites the contacts of the chosen clients too.
CONTACTS = "contacts"


def selection_of(request: OfficeRequest, kind: RunKind) -> Selection:
    """Returns the selection in the query. Raises NoClientChosen for an invalid search."""
    with_contacts = kind in INVITING and request.GET.get(CONTACTS) == "on"
    if request.GET.get("chosen") != ALL:
        refs = request.GET.getlist("client")[: bulk_selection.MAX_CLIENTS + 1]
        chosen = tuple(ref for ref in refs if not input_validation.is_unstorable(ref))
        return Selection(kind, refs=chosen, with_contacts=with_contacts)
    form = ListForm(request.GET)
    if not form.is_valid():
        raise bulk_selection.NoClientChosen
    return Selection(kind, listed=form.list_query(request.practice), with_contacts=with_contacts)


def query_with_contacts(request: OfficeRequest, *, included: bool) -> str:
    """Returns the query of the page with the contacts of the chosen clients, or without them."""
    query = request.GET.copy()
    query.pop(CONTACTS, None)
    if included:
        query[CONTACTS] = "on"
    return f"?{query.urlencode()}"


def list_of(request: OfficeRequest) -> str:
    """Returns the address of the list from which the selection came."""
    form = ListForm(request.GET)
    if not form.is_valid():
        return reverse("office:clients")
    return f"{reverse('office:clients')}{list_url(form.list_query(request.practice))}"
