"""What the Emails page is asked for in its address."""

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from portico.plumbing.text.input_validation import LineField


class EmailFilter(models.TextChoices):
    """The chips."""

    ALL = "", _("All")
    NEED_A_LOOK = "look", _("Need a look")
    WAITING = "waiting", _("Waiting")
    HANDED_OVER = "handed_over", _("Handed over")
    DELIVERED = "delivered", _("Delivered")
    NOT_DELIVERED = "not_delivered", _("Not delivered")


class EmailsForm(forms.Form):
    """`after` is the ref of the last row of the page before."""

    q = LineField(label=_("Search emails by name or address"), max_length=320, required=False)
    show = forms.ChoiceField(choices=EmailFilter.choices, required=False)
    after = forms.SlugField(max_length=26, required=False)
