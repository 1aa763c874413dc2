"""`Remind`: who gets an email about documents that they have still to complete, and its text."""

from collections import defaultdict
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from portico.domain.access.onboarding import bulk_selection
from portico.domain.access.onboarding.run_creation import PlannedItem
from portico.domain.clients.models import Language
from portico.domain.documents.practice_documents import Filter
from portico.domain.documents.sharing import reminder_mail, reminders_by_hand
from portico.domain.documents.sharing.document_mails import MINUTES, NUMBER_OF_DOCUMENTS
from portico.domain.documents.sharing.reminders_by_hand import ChosenDocuments, ReminderRecipient
from portico.plumbing.refusals import Refused
from portico.plumbing.text import input_validation
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import names_shown
from portico.web.office.base_form import posted
from portico.web.office.documents.mail_texts_form import MailTextsForm
from portico.web.office.invitations import chosen_clients
from portico.web.office.invitations.run_preview import MAX_DIGEST
from portico.web.office.names_shown import NamesShown
from portico.web.office.roles import CLIENT_EDITORS


@office_page(*CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: OfficeRequest) -> HttpResponse:
    """Shows who gets a reminder of the documents in the query, and sends it."""
    chosen = _chosen(request)
    try:
        recipients = reminders_by_hand.recipients_of(request.practice, chosen)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("office:document_list")
    if not recipients:
        messages.error(request, _("Check at least one document that is not completed yet."))
        return redirect("office:document_list")
    able = [each for each in recipients if not each.reason]
    languages = [code for code in Language.values if code in {each.access.holder_language for each in able}]
    form = RemindForm({code: reminder_mail.default_text(code) for code in Language.values}, posted(request))
    if request.method != "POST":
        return _page(request, form, recipients, languages)
    if form.is_valid():
        form.require_texts(languages)
    if form.errors:
        return _page(request, form, recipients, languages, HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        emails = reminders_by_hand.send(
            request.practice,
            chosen,
            texts=form.texts_for(languages),
            shown=request.POST.get("shown", "")[:MAX_DIGEST],
            by=request.actor,
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return _page(request, form, recipients, languages, HTTPStatus.CONFLICT)
    sent = ngettext("%(number)d reminder is on its way.", "%(number)d reminders are on their way.", len(emails))
    messages.success(request, sent % {"number": len(emails)})
    return redirect("office:document_list")


class RemindForm(MailTextsForm):
    """The text of the reminder. The numbers are counted when it is sent, so that a subject can't contain them."""

    def clean(self) -> None:
        for name in self.fields:
            text = self.cleaned_data.get(name) or ""
            used = [each for each in (NUMBER_OF_DOCUMENTS, MINUTES) if each in text]
            if name.startswith("subject") and used:
                self.add_error(name, _("Use %(word)s in the message, not in the subject.") % {"word": used[0]})


def _chosen(request: OfficeRequest) -> ChosenDocuments:
    """Returns the documents in the query: those checked, or all of the list."""
    if request.GET.get("chosen") == chosen_clients.ALL:
        return ChosenDocuments(show=Filter.STUCK if request.GET.get("show") == Filter.STUCK else Filter.WAITING)
    refs = request.GET.getlist("document")[: bulk_selection.MAX_CLIENTS]
    return ChosenDocuments(refs=tuple(ref for ref in refs if not input_validation.is_unstorable(ref)))


def _page(
    request: OfficeRequest,
    form: RemindForm,
    recipients: list[ReminderRecipient],
    languages: list[str],
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    by_reason = defaultdict[str, list[PlannedItem]](list)
    for each in recipients:
        by_reason[each.reason].append(PlannedItem(each.access.client, each.access.relationship))
    able = by_reason.pop("", [])
    context = {
        "form": form,
        "number": len(reminders_by_hand.mailboxes_of(recipients)),
        "shown": reminders_by_hand.digest_of(recipients),
        "reminded": NamesShown.of(able),
        "parents_apart": names_shown.with_parents_apart(each.client for each in able),
        "left_out": [(reason, NamesShown.of(people)) for reason, people in by_reason.items()],
        "number_left_out": len(recipients) - len(able),
        "editors": form.editors(languages),
        "languages": dict(Language.choices),
        "placeholders": reminder_mail.PLACEHOLDERS,
    }
    return render(request, "office/documents/remind.html", context, status=status)
