"""`Settings` > `Emails` > `Sender check`: what the DNS says about the sender's domain, and what to put into it."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from portico.domain.maintenance import schedule
from portico.domain.maintenance.models import CheckName, CheckReason, SenderCheck, Verdict
from portico.domain.maintenance.sender_check import check_mail, checking
from portico.domain.maintenance.sender_check.checking import CHECK_SENDER
from portico.domain.practices.models import Role
from portico.plumbing import clock, tokens
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import FAILED_STATES
from portico.plumbing.text import mailboxes
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import form_keys
from portico.web.office.base_form import OfficeForm, address_field, refusing_malformed_address

TONES = {
    Verdict.OK: ("good", "circle-check"),
    Verdict.WARN: ("wait", "circle-alert"),
    Verdict.BROKEN: ("bad", "circle-alert"),
    Verdict.UNKNOWN: ("quiet", "circle-question-mark"),
}
# For a worker to send a test email, its server to deliver it, and the worker to read the mailbox.
PATIENCE = timedelta(minutes=3)
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


class TestEmailForm(OfficeForm):
    form_key = form_keys.field()
    address = address_field(gettext_lazy("Email address"), required=True)

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        with refusing_malformed_address():
            return mailboxes.deliverable(address)


@office_page(Role.OWNER)
@require_safe
def show(request: OfficeRequest) -> HttpResponse:
    return _page(request, TestEmailForm(initial={"address": _reports_address()}))


@office_page(Role.OWNER)
@require_POST
def send_test_email(request: OfficeRequest) -> HttpResponse:
    """Sends a test email to any address; whether it arrived, and how, is read there."""
    form = TestEmailForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    form_key = form.cleaned_data["form_key"] or tokens.new_token()
    email = check_mail.send(request.practice, form.cleaned_data["address"], form_key=form_key, by=request.actor)
    messages.success(request, _("The test email is on its way to %(address)s.") % {"address": email.to_address})
    return redirect(reverse("office:sender_check", query={"test": email.ref}))


def _page(request: OfficeRequest, form: TestEmailForm) -> HttpResponse:
    domain = checking.sender_domain()
    checks = {CheckName(check.name): check for check in SenderCheck.objects.of_domain(domain)}
    result = checks.setdefault(CheckName.TEST_EMAIL, _no_result(domain))
    test_email = _test_email(request)
    context = {
        "domain": domain,
        "sender_address": settings.EMAIL_FROM,
        "rows": [_row(check) for check in checks.values()],
        "form": form,
        "reports_address": _reports_address(),
        "test_email": test_email,
        "is_test_on_its_way": test_email is not None and _is_on_its_way(test_email, result),
        "is_checking": schedule.is_pending(CHECK_SENDER),
    }
    return render(request, "office/settings/emails/sender_check.html", context, status=form.page_status)


@office_page(Role.OWNER)
@require_POST
def check_now(request: OfficeRequest) -> HttpResponse:
    """Makes the check due: a worker runs it within seconds, since DNS may be slow."""
    schedule.make_due(CHECK_SENDER)
    return redirect("office:sender_check")


def _reports_address() -> str:
    """Returns the address whose mails Portico reads; empty if people read them."""
    return settings.EMAIL_RETURN_PATH if settings.REPORTS_ARE_COLLECTED else ""


def _no_result(domain: str) -> SenderCheck:
    return SenderCheck(
        domain=domain, name=CheckName.TEST_EMAIL, verdict=Verdict.UNKNOWN, reason=CheckReason.TEST_NOT_BACK
    )


def _test_email(request: OfficeRequest) -> OutgoingEmail | None:
    """Returns the test email that was sent from this page."""
    ref = request.GET.get("test", "")
    if not ref:
        return None
    return OutgoingEmail.objects.filter(practice=request.practice, kind=check_mail.KIND, ref=ref).first()


def _is_on_its_way(email: OutgoingEmail, result: SenderCheck) -> bool:
    """Returns True while the result of this email may still arrive by itself."""
    is_to_portico = email.to_address.lower() == _reports_address().lower()
    is_back = result.known_at is not None and result.known_at >= email.written_at
    has_failed = email.state in FAILED_STATES
    return is_to_portico and not is_back and not has_failed and clock.is_within(email.written_at, PATIENCE)


def _row(check: SenderCheck) -> CheckRow:
    tone, icon = TONES[Verdict(check.verdict)]
    return CheckRow(check, tone, icon, RECORD_TYPES.get(CheckName(check.name), "TXT"))
