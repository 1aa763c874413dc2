"""The query parameters of the client list."""

from typing import Any

from django import forms

from portico.domain.clients.client_list import ListQuery, Sort
from portico.domain.clients.models import PortalState
from portico.plumbing.text.input_validation import NoCardNumberField, clean_line

ARCHIVED = "archived"
MAX_QUERY_LENGTH = 200


class ListForm(forms.Form):
    """Search, filter, sort and position. Ignores invalid values, except that a card number is an error."""

    q = NoCardNumberField(required=False)
    state = forms.CharField(required=False)
    sort = forms.CharField(required=False)
    after = forms.CharField(required=False)

    def clean_q(self) -> str:
        return clean_line(self.cleaned_data["q"])[:MAX_QUERY_LENGTH]

    def clean_state(self) -> str:
        state: str = self.cleaned_data["state"]
        return state if state in {*PortalState.values, ARCHIVED} else ""

    def clean_sort(self) -> Sort:
        sort: str = self.cleaned_data["sort"]
        return Sort(sort) if sort in set(Sort) else Sort.NAME

    @property
    def list_query(self) -> ListQuery:
        """The query; read it after `is_valid`, even if that returns False."""
        cleaned: dict[str, Any] = self.cleaned_data  # Any: a field's value.
        state = cleaned["state"]
        return ListQuery(
            query=cleaned.get("q", ""),
            state=PortalState(state) if state in PortalState.values else None,
            archived=state == ARCHIVED,
            sort=cleaned["sort"],
            after=cleaned["after"],
        )
