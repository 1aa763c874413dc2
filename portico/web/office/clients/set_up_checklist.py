"""The list of what a new owner sets up, above the list of clients: its steps with their links, and closing it."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from portico.domain.billing import set_up_checklist
from portico.domain.billing.set_up_checklist import SetUpStep
from portico.domain.practices import practice_settings
from portico.domain.practices.models import Role
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest

# The page, its link, and what to do there.
STEPS = {
    SetUpStep.DETAILS: (
        "office:settings_practice",
        gettext_lazy("Practice details"),
        gettext_lazy("Enter the phone number and postal address. Clients see them on pages, emails and invoices."),
    ),
    SetUpStep.EMAILS: (
        "office:settings_emails",
        gettext_lazy("Emails"),
        gettext_lazy("Check sender and reply-to. The step is done once the mail server has accepted a first email."),
    ),
    SetUpStep.TEAM: (
        "office:team",
        gettext_lazy("Team"),
        gettext_lazy("Optional: invite your colleagues, each with a role."),
    ),
    SetUpStep.SERVICES: (
        "office:services",
        gettext_lazy("Products and services"),
        gettext_lazy("Enter what you charge for, with prices."),
    ),
    SetUpStep.PAYMENTS: (
        "office:online_payments",
        gettext_lazy("Online Payments"),
        gettext_lazy("Connect your Stripe account, so that clients can pay by card."),
    ),
    SetUpStep.CLIENT: (
        "office:create_client",
        gettext_lazy("First client"),
        gettext_lazy("Create a client, turn on Client Portal Access and send the invitation."),
    ),
}


@dataclass(frozen=True)
class SetUpRow:
    """A step as shown in the list."""

    step: SetUpStep
    page: str
    name: str
    words: str
    is_done: bool


def rows_for(request: OfficeRequest) -> list[SetUpRow]:
    """Returns the steps for an owner while one is left and the list is open; otherwise an empty list."""
    if request.staff.role != Role.OWNER:
        return []
    steps = set_up_checklist.open_steps(request.practice)
    return [_row(step, is_done=is_done) for step, is_done in steps.items()]


def _row(step: SetUpStep, *, is_done: bool) -> SetUpRow:
    page, name, words = STEPS[step]
    return SetUpRow(step, page, str(name), str(words), is_done)


@office_page(Role.OWNER)
@require_POST
def close(request: OfficeRequest) -> HttpResponse:
    practice_settings.close_set_up(request.practice, by=request.actor)
    messages.success(request, _("The list is closed. Everything in it is also in Settings."))
    return redirect("office:clients")
