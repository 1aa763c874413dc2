"""The filters of the audit log."""

from typing import Any, cast

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from portico.plumbing.actors import ActorKind
from portico.plumbing.text.input_validation import LineField


class EntryFilter(models.TextChoices):
    ACTS = "", _("What was done")
    VIEWS = "views", _("Seen by staff")
    EVERYTHING = "everything", _("Everything")


ANY_ACTOR = [("", _("Everybody"))]
ACTOR_KINDS = [
    (ActorKind.CLIENT.value, _("Clients")),
    (ActorKind.SYSTEM.value, _("Portico itself")),
    (ActorKind.OPERATOR.value, _("The operator")),
    (ActorKind.ANONYMOUS.value, _("Not signed in")),
]


class AuditLogForm(forms.Form):
    """`who` is a staff member's ref or a kind of actor; `before` is the ref of an entry."""

    who = forms.ChoiceField(label=_("Who"), required=False)
    what = forms.ChoiceField(label=_("What"), choices=EntryFilter.choices, required=False)
    client = LineField(label=_("Client"), max_length=320, required=False)
    before = forms.SlugField(max_length=26, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, staff: list[tuple[str, str]]) -> None:  # Any: Django's own.
        super().__init__(data)
        cast(forms.ChoiceField, self.fields["who"]).choices = [*ANY_ACTOR, *staff, *ACTOR_KINDS]
