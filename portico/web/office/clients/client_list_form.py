"""What the list of clients is asked for, in its address."""

from typing import Any

from django import forms

from portico.domain.clients.client_list import ListQuery, Sort
from portico.domain.clients.models import PortalState
from portico.plumbing.text.input_validation import NoCardNumberField, clean_line

ARCHIVED = "archived"
LONGEST_QUERY = 200


class ListForm(forms.Form):
    """Search, filter, sort and place. Whatever makes no sense is left out: the list is shown all the same."""

    q = NoCardNumberField(required=False)
    state = forms.CharField(required=False)
    sort = forms.CharField(required=False)
    after = forms.CharField(required=False)

    def clean_q(self) -> str:
        return clean_line(self.cleaned_data["q"])[:LONGEST_QUERY]

    def clean_state(self) -> str:
        state: str = self.cleaned_data["state"]
        return state if state in {*PortalState.values, ARCHIVED} else ""

    def clean_sort(self) -> Sort:
        sort: str = self.cleaned_data["sort"]
        return Sort(sort) if sort in set(Sort) else Sort.NAME

    @property
    def wanted(self) -> ListQuery:
        """To be asked after `is_valid`, which refuses nothing but a card number."""
        found: dict[str, Any] = self.cleaned_data  # Any: a field's value.
        state = found["state"]
        return ListQuery(
            query=found.get("q", ""),
            state=PortalState(state) if state in PortalState.values else None,
            archived=state == ARCHIVED,
            sort=found["sort"],
            after=found["after"],
        )
