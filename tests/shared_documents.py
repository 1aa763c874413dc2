"""Documents for tests: a consent and an intake form with branches, published and shared."""

from typing import Any

from portico.domain.access.models import InvitationRun, PortalAccess, PortalSession, RunKind
from portico.domain.access.onboarding import invitation_run_worker
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.domain.access.sign_in import portal_sessions
from portico.domain.clients.models import Client
from portico.domain.documents.completion import drafts, portal_requests, signing
from portico.domain.documents.completion.drafts import OpenedPage
from portico.domain.documents.completion.signatures import Signature, Signer
from portico.domain.documents.forms import canonical_json
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.models import (
    DocumentRequest,
    DocumentTemplate,
    Recipients,
    Submission,
    TemplateKind,
    TemplateVersion,
)
from portico.domain.documents.sharing import bulk_preview, bulk_sharing, document_mails, invitations, packet_sharing
from portico.domain.documents.sharing.bulk_preview import ShareSelection
from portico.domain.documents.templates import version_files
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import tokens
from tests.cast import DESK
from tests.support import files

CONSENT = {
    "en": {"title": "Consent to treatment", "note": "Please read this.", "text": "# Risks\n\nI *agree* to treatment."},
    "es": {"title": "Consentimiento", "note": "", "text": "# Riesgos\n\nAcepto el *tratamiento*."},
}
SIGNATURE = Signature("Ana Abreu", "Self", agrees=True)


def choice(link_id: str, text: str, *options: str, **more: Any) -> dict[str, Any]:  # Any: JSON.
    coded = [{"valueCoding": {"code": f"{link_id}-{n}", "display": label}} for n, label in enumerate(options)]
    return {"linkId": link_id, "type": "choice", "text": text, "answerOption": coded, **more}


def item(link_id: str, item_type: str, text: str, **more: Any) -> dict[str, Any]:  # Any: JSON.
    return {"linkId": link_id, "type": item_type, "text": text, **more}


def when(question: str, code: str) -> dict[str, Any]:  # Any: JSON.
    """Returns the condition that the choice was answered with this code."""
    return {"enableWhen": [{"question": question, "operator": "=", "answerCoding": {"code": code}}]}


def intake(*items: dict[str, Any]) -> dict[str, Any]:  # Any: JSON.
    """Returns the content of a form with these items, or of the intake form with branches on two pages."""
    return {
        "en": {"title": "Intake form", "note": "", "questionnaire": _questionnaire(*items or _english())},
        "es": {"title": "Formulario de ingreso", "note": "", "questionnaire": _questionnaire(*items or _spanish())},
    }


def _questionnaire(*items: dict[str, Any]) -> dict[str, Any]:  # Any: JSON.
    return {"resourceType": "Questionnaire", "status": "active", "item": list(items)}


def every_type() -> list[dict[str, Any]]:  # Any: JSON.
    """Returns items of every type, in a group inside a group and outside."""
    plain = ("boolean", "decimal", "integer", "date", "dateTime", "time", "string", "text")
    asked = [item(f"a-{each}", each, f"A {each}?") for each in plain]
    inner = item("inner", "group", "A group inside", item=[choice("one", "Which one?", "This", "That", required=True)])
    several = choice("several", "Which ones?", "This", "That", "Those", repeats=True)
    other = {**choice("open", "Which one, or another?", "This", "That"), "type": "open-choice"}
    return [
        item("intro", "display", "Please answer."),
        item("all", "group", "All", item=[*asked, inner, several, other]),
    ]


def _english() -> tuple[dict[str, Any], ...]:  # Any: JSON.
    return (
        item("about", "group", "About you", item=[
            item("name", "string", "What do you like to be called?", required=True),
            item("born", "date", "Date of birth"),
            choice("smokes", "Do you smoke?", "No", "Yes", required=True),
            item("daily", "integer", "How many a day?", required=True, **when("smokes", "smokes-1")),
        ]),
        item("health", "group", "Your health", item=[
            choice("allergies", "Allergies", "Nuts", "Pollen", repeats=True),
            item("notes", "text", "Anything else?"),
        ]),
    )  # fmt: skip


def _spanish() -> tuple[dict[str, Any], ...]:  # Any: JSON.
    return (
        item("about", "group", "Sobre usted", item=[
            item("name", "string", "¿Cómo le gusta que le llamen?", required=True),
            item("born", "date", "Fecha de nacimiento"),
            choice("smokes", "¿Fuma?", "No", "Sí", required=True),
            item("daily", "integer", "¿Cuántos al día?", required=True, **when("smokes", "smokes-1")),
        ]),
        item("health", "group", "Su salud", item=[
            choice("allergies", "Alergias", "Nueces", "Polen", repeats=True),
            item("notes", "text", "¿Algo más?"),
        ]),
    )  # fmt: skip


def published(
    practice: Practice, kind: TemplateKind, content: dict[str, Any], *, number: int = 1, **more: Any
) -> TemplateVersion:  # Any: JSON, and the template's columns.
    """Publishes a new document with this content; returns its version."""
    template = DocumentTemplate.objects.create(practice=practice, kind=kind, title=content["en"]["title"], **more)
    return new_version(template, content, number=number)


def new_version(template: DocumentTemplate, content: dict[str, Any], *, number: int = 2) -> TemplateVersion:
    """Publishes another version of a document."""
    template.current_version = TemplateVersion.objects.create(
        practice=template.practice,
        template=template,
        number=number,
        content=content,
        digest=canonical_json.digest(content),
        minutes=4,
        published_by="Dr. Naomi Elm",
    )
    template.save(update_fields=["current_version"])
    return template.current_version


def consent(practice: Practice, **more: Any) -> TemplateVersion:  # Any: the template's columns.
    return published(practice, TemplateKind.CONSENT, CONSENT, **more)


def form(practice: Practice, *items: dict[str, Any], **more: Any) -> TemplateVersion:  # Any: as in `intake`.
    return published(practice, TemplateKind.FORM, intake(*items), **more)


def request_for_file(practice: Practice, **more: Any) -> TemplateVersion:  # Any: the template's columns.
    content = {
        "en": {"title": "Insurance card", "note": "Send both sides."},
        "es": {"title": "Tarjeta del seguro", "note": "Envíe ambos lados."},
    }
    return published(practice, TemplateKind.UPLOAD, content, may_be_declined=True, **more)


def file_to_read(practice: Practice, content: bytes = b"") -> TemplateVersion:
    """Publishes a PDF that clients confirm to have read."""
    stated = version_files.stated(files.stored(practice, content, name="Office policies.pdf"))
    return published(practice, TemplateKind.FILE, {"en": {"title": "Office policies", "note": "", "file": stated}})


def shared(access: PortalAccess, *versions: TemplateVersion) -> list[DocumentRequest]:
    """Shares the versions in one packet; returns its requests in their order."""
    packet = packet_sharing.share(access, versions, form_key=tokens.new_token(), by=DESK)
    return list(packet.requests.order_by("position"))


def run_for(
    people: list[Client],
    *versions: TemplateVersion,
    requested_by: StaffMember,
    recipients: Recipients = Recipients.CLIENT,
) -> InvitationRun:
    """Starts a run that shares the versions with these clients of one practice; returns it."""
    practice = requested_by.practice
    choice = ShareSelection(Selection(RunKind.SHARE, refs=tuple(person.ref for person in people)), versions, recipients)
    return bulk_sharing.start(
        practice,
        choice,
        texts=document_mails.texts_of(practice),
        shown=bulk_preview.preview(practice, choice).digest,
        form_key=tokens.new_token(),
        requested_by=requested_by,
    )


def finish_run(run: InvitationRun) -> None:
    """Shares the documents of the run with all of its people, as the worker does."""
    while invitation_run_worker.settle_next(run, invitations.write, bulk_sharing.share_item):
        pass


def signer(access: PortalAccess) -> Signer:
    """Returns a signer in the newest session of the access, which `cast.in_the_portal` started."""
    session = PortalSession.objects.select_related("account").filter(account=access.account).latest("id")
    return Signer(session, "a…a@mail.example", "203.0.113.7")


def saved(request: DocumentRequest, answers: dict[str, list[Answer]], *, number: int = 0, key: str = "page") -> int:
    """Saves the answers as from a page with the draft's number; returns the new number."""
    page = OpenedPage(number, key, 0)
    result = drafts.save(request, answers, page=page, place="", language="en", by=DESK)
    assert result.errors == {}
    return result.draft.number


def signed(request: DocumentRequest, access: PortalAccess, signature: Signature = SIGNATURE) -> Submission:
    """Signs the consent in the newest session of the access."""
    who = signer(access)
    by = portal_sessions.actor_of(who.session)
    found = portal_requests.find(access, request.ref)
    assert found is not None
    return signing.submit(found, language="en", draft_number=0, signature=signature, signer=who, by=by)
