"""The query string of the Emails page: search, filter and page."""

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from portico.plumbing.text.input_validation import LineField


class EmailFilter(models.TextChoices):
    """The filter chips."""

    ALL = "", _("All")
    NEED_A_LOOK = "look", _("Need a look")
    WAITING = "waiting", _("Waiting")
    HANDED_OVER = "handed_over", _("Handed over")
    DELIVERED = "delivered", _("Delivered")
    NOT_DELIVERED = "not_delivered", _("Not delivered")


class EmailsForm(forms.Form):
    """Search, filter and page; `after` is the ref of the previous page's last row."""

    q = LineField(label=_("Search emails by name or address"), max_length=320, required=False)
    show = forms.ChoiceField(choices=EmailFilter.choices, required=False)
    after = forms.SlugField(max_length=26, required=False)
