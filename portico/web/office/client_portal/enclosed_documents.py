"""The field in which staff check the documents that are shared with an invitation."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from portico.domain.access.onboarding.invitation_text import EnclosedDocuments
from portico.domain.documents.sharing.shareable import ShareableDocument

WITHDRAWN_MEANWHILE = _("The list of documents has changed. Check it again.")


def field() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=_("Documents to complete"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": WITHDRAWN_MEANWHILE},
    )


def offer(form: forms.Form, documents: Sequence[ShareableDocument], *, may_sign: bool = True) -> None:
    """Offers the documents in the form. Those of the welcome packet are checked that were not shared with the person.

    None is checked for a person who may not sign documents.
    """
    choices = [(each.ref, each.title) for each in documents]
    cast(forms.MultipleChoiceField, form.fields["documents"]).choices = choices
    form.initial.setdefault("documents", [each.ref for each in documents if may_sign and each.is_proposed])


def announced(form: forms.Form, documents: Sequence[ShareableDocument]) -> EnclosedDocuments | None:
    """Returns what the mail would say with the form's current input; None if there is nothing to complete."""
    checked: Any = form["documents"].value() or ()  # Any: what a browser sent.
    counted = [each for each in documents if each.is_open or each.ref in checked]
    if not counted:
        return None
    return EnclosedDocuments(len(counted), sum(each.minutes for each in counted))
