"""`Settings` > `Emails` > `Sender check`: what the DNS says about the sender's domain, and what to put into it."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from portico.domain.maintenance import schedule
from portico.domain.maintenance.models import CheckName, SenderCheck, Verdict
from portico.domain.maintenance.sender_check import checking
from portico.domain.maintenance.sender_check.checking import CHECK_SENDER
from portico.domain.practices.models import Role
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest

TONES = {
    Verdict.OK: ("good", "circle-check"),
    Verdict.WARN: ("wait", "circle-alert"),
    Verdict.BROKEN: ("bad", "circle-alert"),
    Verdict.UNKNOWN: ("quiet", "circle-question-mark"),
}
RECORD_TYPES = {CheckName.MX: "MX"}


@dataclass(frozen=True)
class CheckRow:
    """A check as shown on the page."""

    check: SenderCheck
    tone: str
    icon: str
    record_type: str

    @property
    def found(self) -> list[str]:
        return self.check.found.splitlines()


@office_page(Role.OWNER)
@require_safe
def show(request: OfficeRequest) -> HttpResponse:
    domain = checking.sender_domain()
    context = {
        "domain": domain,
        "sender_address": settings.EMAIL_FROM,
        "rows": [_row(check) for check in SenderCheck.objects.of_domain(domain)],
        "is_checking": schedule.is_pending(CHECK_SENDER),
    }
    return render(request, "office/settings/sender_check.html", context)


@office_page(Role.OWNER)
@require_POST
def check_now(request: OfficeRequest) -> HttpResponse:
    """Makes the check due: a worker runs it within seconds, since DNS may be slow."""
    schedule.make_due(CHECK_SENDER)
    return redirect("office:sender_check")


def _row(check: SenderCheck) -> CheckRow:
    tone, icon = TONES[Verdict(check.verdict)]
    return CheckRow(check, tone, icon, RECORD_TYPES.get(CheckName(check.name), "TXT"))
