"""The Emails page: the list with each email's status, and one email as it was sent."""

import re
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import models
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from portico.domain.access import mail_stops
from portico.domain.access.sign_in.requests import bursts
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import search_terms
from portico.domain.practices.models import Practice
from portico.plumbing.audit import audit_log
from portico.plumbing.database import keyset_pagination
from portico.plumbing.mail import outbox
from portico.plumbing.mail.reports import report_mailbox_health
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import (
    NOT_DELIVERED_STATES,
    WAITING,
    EmailState,
    OutgoingEmailQuerySet,
)
from portico.plumbing.text import input_validation
from portico.plumbing.text.input_validation import LineField
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import burst_notices, filter_links, fix_urls, menu_counts
from portico.web.office.emails import email_labels
from portico.web.office.roles import may_edit
from portico.web.office.shown_refusals import show_refusal


class EmailFilter(models.TextChoices):
    """The filter chips."""

    ALL = "", gettext_lazy("All")
    NEED_A_LOOK = "look", gettext_lazy("Needs attention")
    WAITING = "waiting", gettext_lazy("Waiting")
    HANDED_OVER = "handed_over", gettext_lazy("Sent")
    DELIVERED = "delivered", gettext_lazy("Delivered")
    NOT_DELIVERED = "not_delivered", gettext_lazy("Not delivered")


class EmailsForm(forms.Form):
    """Search, filter and page; `after` is the ref of the previous page's last row."""

    q = LineField(label=gettext_lazy("Search emails by name or address"), max_length=320, required=False)
    show = forms.ChoiceField(choices=EmailFilter.choices, required=False)
    after = forms.SlugField(max_length=26, required=False)


PAGE_SIZE = 25
# Filter chips stop counting here: larger counts are slow and of no use.
MAX_COUNTED = 1000
PAST_BURSTS = 5


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    practice = request.practice
    form = EmailsForm(request.GET)
    form.is_valid()
    query, shown = form.cleaned_data.get("q", ""), form.cleaned_data.get("show", "")
    emails = _filtered(practice, shown) if not form.errors else OutgoingEmail.objects.none()
    if query:
        emails = _matching(emails, practice, query)
    every_email = OutgoingEmail.objects.filter(practice=practice)
    after = keyset_pagination.position_of(every_email, form.cleaned_data.get("after", ""))
    page = keyset_pagination.newest_first(emails.select_related("client"), after=after, size=PAGE_SIZE)
    filters = {"q": query, "show": shown}
    context = {
        "form": form,
        "query": query,
        "shown": shown,
        "rows": [(email, outbox.kind_label(email.kind), email_labels.status_details(email)) for email in page.rows],
        "chips": _chips(practice, query, shown),
        "next_url": f"?{urlencode({**filters, 'after': page.next_ref})}" if page.next_ref else "",
        "first_url": "" if page.is_first else f"?{urlencode(filters)}",
        "outage": outbox.current_outage(practice),
        "report_problem": report_mailbox_health.current_problem(),
        "past_bursts": [burst_notices.notice_for_past(burst) for burst in bursts.past(practice, limit=PAST_BURSTS)],
        "may_edit": may_edit(request),
        "last_handed_over": _last_handed_over(practice),
    }
    return render(request, "office/emails/index.html", context)


@office_page()
@require_safe
def show(request: OfficeRequest, ref: str) -> HttpResponse:
    email = _get_email(request, ref)
    audit_log.record(
        AuditAction.EMAIL_VIEWED, practice=request.practice, client=email.client, by=request.actor, about=email.ref
    )
    access = mail_stops.access_of_email(email) if email.state in NOT_DELIVERED_STATES else None
    context = {
        "email": email,
        "label": outbox.kind_label(email.kind),
        "known": email_labels.status_details(email),
        "events": email.events.order_by("-id"),
        "sender_address": settings.EMAIL_FROM,
        "can_restart": email.state == EmailState.FAILED,
        "stop": mail_stops.stop_of_access(access),
        "client": email.client,
        "of_access": fix_urls.access_query(access.relationship) if access is not None else "",
        "may_edit": may_edit(request),
    }
    return render(request, "office/emails/show.html", context)


@office_page()
@require_POST
def retry(request: OfficeRequest, ref: str) -> HttpResponse:
    """Queues a failed email again."""
    with show_refusal(request):
        email = outbox.retry(_get_email(request, ref), by=request.actor)
        messages.success(request, _("The email to %(address)s will be sent again.") % {"address": email.to_address})
    return redirect("office:email", ref=ref)


def _get_email(request: OfficeRequest, ref: str) -> OutgoingEmail:
    if input_validation.is_unstorable(ref):
        raise Http404
    emails = OutgoingEmail.objects.filter(practice=request.practice).select_related("client", "practice")
    email = emails.filter(ref=ref).first()
    if email is None:
        raise Http404
    return email


def _filtered(practice: Practice, shown: str) -> OutgoingEmailQuerySet:
    emails = OutgoingEmail.objects.filter(practice=practice)
    match shown:
        case EmailFilter.NEED_A_LOOK:
            return menu_counts.rows(practice)
        case EmailFilter.WAITING:
            return emails.filter(state__in=WAITING)
        case EmailFilter.HANDED_OVER:
            return emails.filter(state=EmailState.HANDED_OVER)
        case EmailFilter.DELIVERED:
            return emails.filter(state=EmailState.DELIVERED)
        case EmailFilter.NOT_DELIVERED:
            return emails.filter(state__in=NOT_DELIVERED_STATES)
        case _:
            return emails


def _matching(emails: OutgoingEmailQuerySet, practice: Practice, query: str) -> OutgoingEmailQuerySet:
    """Returns emails to clients found by the search index, and to former addresses if the query contains @."""
    clients = Q(client_id__in=search_terms.matching(practice, query).values("pk"))
    if "@" not in query:
        return emails.filter(clients)
    clients |= Q(client_id__in=search_terms.clients_ever_with_address(practice, query).values("pk"))
    # A client may have several addresses: match only emails to the one searched for.
    prefix = "" if query.startswith("@") else "(^|[^a-z0-9])"
    return emails.filter(clients, to_address__iregex=prefix + re.escape(query))


def _chips(practice: Practice, query: str, shown: str) -> list[dict[str, object]]:
    return [
        {
            "label": choice.label,
            "url": f"?{urlencode({'q': query, 'show': choice.value})}" if query or choice.value else "?",
            "is_current": choice.value == shown,
            "is_bad": choice is EmailFilter.NEED_A_LOOK,
            # The counts ignore the search, so they are left out beside one.
            "count": "" if query else _count_label(_filtered(practice, choice.value)),
        }
        for choice in EmailFilter
    ]


def _count_label(emails: OutgoingEmailQuerySet) -> str:
    return filter_links.count_label(emails.order_by("-id")[: MAX_COUNTED + 1].count(), most=MAX_COUNTED)


def _last_handed_over(practice: Practice) -> object:
    emails = OutgoingEmail.objects.filter(practice=practice, state=EmailState.HANDED_OVER).order_by("-id")
    return emails.values_list("handed_over_at", flat=True).first()
