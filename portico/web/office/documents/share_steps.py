"""`Share` on a client's Overview: Client Items, Compose Email, Review & Send."""

from collections.abc import Sequence
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Language
from portico.domain.documents.models import TemplateVersion
from portico.domain.documents.sharing import document_mails, packet_sharing, shareable
from portico.domain.documents.sharing.packet_sharing import PacketInput
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import form_keys, lookups
from portico.web.office.documents.recipients import PossibleRecipient
from portico.web.office.documents.share_form import CHANGED, ShareForm
from portico.web.office.roles import CLIENT_EDITORS

# The page that each button leads to.
ITEMS, EMAIL, REVIEW, SEND = "items", "email", "review", "send"


@office_page(*CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def share(request: OfficeRequest, ref: str) -> HttpResponse:
    """Shows the steps one after the other; only the last button shares something."""
    client = lookups.get_client(request, ref)
    if request.method != "POST":
        audit_log.record(AuditAction.SHARING_VIEWED, practice=request.practice, client=client, by=request.actor)
        return _page(request, ShareForm(client), ITEMS)
    wanted = request.POST.get("action", "")
    form = ShareForm(client, request.POST)
    if wanted not in (EMAIL, REVIEW, SEND):
        return _page(request, form, ITEMS)
    form.require_choice()
    if form.errors.keys() & {"recipients", "documents"}:
        return _page(request, form, ITEMS, HTTPStatus.UNPROCESSABLE_CONTENT)
    if wanted == EMAIL:
        return _page(request, form, EMAIL)
    form.require_texts()
    if form.errors:
        return _page(request, form, EMAIL, HTTPStatus.UNPROCESSABLE_CONTENT)
    if wanted == REVIEW:
        return _page(request, form, REVIEW)
    return _send(request, form)


def _send(request: OfficeRequest, form: ShareForm) -> HttpResponse:
    entries = [
        PacketInput(person.access, versions, form.text_for(person))
        for person, versions in _versions_by_person(request, form)
        if versions
    ]
    if not entries:
        # Archived while the form was checked.
        form.add_error("documents", CHANGED)
        return _page(request, form, ITEMS, HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        shared_packets = packet_sharing.share_with(entries, form_key=form_keys.key_of(request), by=request.actor)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return _page(request, form, REVIEW, HTTPStatus.CONFLICT)
    notices = _notices_of(entries)
    if mails := sum(packet.email is not None for packet in shared_packets):
        notices.append(ngettext("The email is on its way.", "The emails are on their way.", mails))
    messages.success(request, " ".join(notices))
    return redirect("office:client", ref=form.client.ref)


def _notices_of(entries: Sequence[PacketInput]) -> list[str]:
    """Returns a sentence for each number of documents, with the people who got so many."""
    names = dict[int, list[str]]()
    for each in entries:
        names.setdefault(len(each.versions), []).append(each.access.holder_name())
    return [
        ngettext(
            "%(number)d document was shared with %(names)s.",
            "%(number)d documents were shared with %(names)s.",
            number,
        )
        % {"number": number, "names": get_text_list(people, _("and"))}
        for number, people in names.items()
    ]


def _versions_by_person(
    request: OfficeRequest, form: ShareForm
) -> list[tuple[PossibleRecipient, list[TemplateVersion]]]:
    """Returns each recipient with what they get, which may be nothing."""
    versions = shareable.versions_of(request.practice, form.cleaned_data["documents"])
    found = list[tuple[PossibleRecipient, list[TemplateVersion]]]()
    for person in form.chosen_people:
        refs = form.documents_for(person)
        found.append((person, [each for each in versions if each.template.ref in refs]))
    return found


def _page(request: OfficeRequest, form: ShareForm, step: str, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    context: dict[str, object] = {
        "client": form.client,
        "form": form,
        "step": step,
        "form_key": form_keys.key_of(request),
        "placeholders": document_mails.PLACEHOLDERS,
        "sender_address": settings.EMAIL_FROM,
    }
    if step == ITEMS:
        context["rows"] = [(each, form.asked_for(each), form.is_open_for_all(each.ref)) for each in form.offered]
        context["hidden"] = form.hidden("recipients", "documents")
    elif step == EMAIL:
        letters, context["languages"] = form.sent_letters, dict(Language.choices)
        context["editors"] = [(each, form[each.subject], form[each.message]) for each in letters]
        context["hidden"] = form.hidden(*(name for each in letters for name in (each.subject, each.message)))
    else:
        context |= _review(request, form) | {"hidden": form.hidden()}
    return render(request, f"office/documents/share/{step}.html", context, status=status)


def _review(request: OfficeRequest, form: ShareForm) -> dict[str, object]:
    letters = []
    for person, versions in _versions_by_person(request, form):
        with translation.override(person.access.holder_language):
            letter = document_mails.filled_in(form.text_for(person), person.access, versions)
        letters.append((person, letter, len(versions)))
    chosen = [each for each in form.offered if each.ref in form.cleaned_data["documents"]]
    return {"letters": letters, "chosen": chosen, "minutes": sum(each.minutes for each in chosen)}
