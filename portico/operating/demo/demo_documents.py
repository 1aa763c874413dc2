"""The demo's documents: shared with four clients and a mother; one client completed everything; one shared with all."""

from datetime import date

from portico.domain.access import access_lookups
from portico.domain.access.models import PortalAccess, PortalSession, RunKind
from portico.domain.access.onboarding import invitation_run_worker
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.domain.access.sign_in import portal_sessions
from portico.domain.clients.client_list import ClientQuery
from portico.domain.clients.models import Client, Relationship
from portico.domain.documents.completion import drafts, request_states, signing
from portico.domain.documents.completion.drafts import OpenedPage
from portico.domain.documents.completion.signatures import Signature, Signer
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.forms.questionnaire import Item, ItemType
from portico.domain.documents.models import DocumentRequest, DocumentTemplate, Recipients, TemplateKind
from portico.domain.documents.sharing import (
    bulk_preview,
    bulk_sharing,
    document_mails,
    invitations,
    packet_sharing,
    shareable,
)
from portico.domain.documents.sharing.bulk_preview import ShareSelection
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import tokens
from portico.plumbing.actors import Actor

LANGUAGE = "en"
# From a documentation range: https://www.rfc-editor.org/rfc/rfc5737
NETWORK_ADDRESS = "203.0.113.40"
BORN_ON = date(1990, 4, 23)
# By linkId, in the starter set's intake form.
TEXTS = {
    "address": "27 Cedar Lane\nPortland, OR 97205",
    "phone": "(503) 555-0148",
    "emergency-name": "Sam Rivera",
    "emergency-relationship": "Brother",
    "emergency-phone": "(503) 555-0163",
    "concern": "I sleep badly and worry about work.",
    "goals": "To sleep through the night and feel calmer.",
    "conditions": "None.",
}


def share(client: Client, *, by: Actor, relationship: Relationship | None = None) -> None:
    """Shares the welcome packet with the client, or with the contact of the relationship."""
    templates = DocumentTemplate.objects.shareable().filter(practice=client.practice_id, in_welcome_packet=True)
    versions = [each.current_version for each in templates.select_related("current_version") if each.current_version]
    packet_sharing.share(_access_of(client, relationship), versions, form_key=tokens.new_token(), by=by)


def share_with_many(practice: Practice, *, requested_by: StaffMember) -> None:
    """Starts a run that shares the first document outside the welcome packet with all clients, and finishes it."""
    templates = DocumentTemplate.objects.shareable().filter(practice=practice, in_welcome_packet=False)
    versions = shareable.versions_of(practice, [templates[0].ref])
    choice = ShareSelection(Selection(RunKind.SHARE, listed=ClientQuery()), tuple(versions), Recipients.CLIENT)
    run = bulk_sharing.start(
        practice,
        choice,
        texts=document_mails.texts_of(practice),
        shown=bulk_preview.preview(practice, choice).digest,
        form_key=tokens.new_token(),
        requested_by=requested_by,
    )
    while invitation_run_worker.settle_next(run, invitations.write, bulk_sharing.share_item):
        pass


def begin(client: Client) -> None:
    """Signs the first document, opens the others, and fills in a part of the form."""
    access = _access_of(client)
    for position, request in enumerate(_open_requests(access)):
        if request.version.template.kind == TemplateKind.FORM:
            _fill_in(request, access, only=6)
        elif position == 0:
            _sign(request, access)
        else:
            request_states.mark_opened(request, language=LANGUAGE, by=_signer(access)[1])


def complete(client: Client) -> None:
    """Signs and fills in everything, as the client does in the portal."""
    access = _access_of(client)
    for request in _open_requests(access):
        if request.version.template.kind == TemplateKind.FORM:
            _fill_in(request, access)
        _sign(request, access)


def _access_of(client: Client, relationship: Relationship | None = None) -> PortalAccess:
    access = access_lookups.access_of(client, relationship)
    if access is None:
        raise LookupError(f"{client.name} has no portal access.")
    return access


def _open_requests(access: PortalAccess) -> list[DocumentRequest]:
    rows = DocumentRequest.objects.open().filter(access=access).order_by("position")
    return list(rows.select_related("version__template", "client", "practice"))


def _signer(access: PortalAccess) -> tuple[Signer, Actor]:
    session = PortalSession.objects.select_related("account").filter(account=access.account).latest("id")
    address = access.address.address if access.address else ""
    session.client = access.client
    mailbox = f"{address[:1]}…{address[address.index('@') :]}"
    return Signer(session, mailbox, NETWORK_ADDRESS), portal_sessions.actor_of(session)


def _sign(request: DocumentRequest, access: PortalAccess) -> None:
    signer, by = _signer(access)
    draft = drafts.of(request)
    signing.submit(
        request,
        language=LANGUAGE,
        draft_number=draft.number if draft else 0,
        signature=Signature(access.client.name, "Self", agrees=True),
        signer=signer,
        by=by,
    )


def _fill_in(request: DocumentRequest, access: PortalAccess, *, only: int | None = None) -> None:
    """Answers the questions of the form, or as many from the beginning as `only` says."""
    form = drafts.questionnaire_of(request.version, LANGUAGE)
    asked = form.questions[:only]
    answers = {item.link_id: _answer(item, access.client) for item in asked}
    page = OpenedPage(0, tokens.new_ref(), 0)
    by = _signer(access)[1]
    drafts.save(request, answers, page=page, place=asked[-1].link_id, language=LANGUAGE, by=by)


def _answer(item: Item, client: Client) -> list[Answer]:
    """Returns the client's answer to a question of the starter set's intake form; none to one without an answer."""
    if item.options:
        return [item.options[0].answer]
    match item.type:
        case ItemType.BOOLEAN:
            return [{"valueBoolean": False}]
        case ItemType.DATE:
            born_on = client.date_of_birth or BORN_ON
            return [{"valueDate": born_on.isoformat()}]
        case _:
            text = client.called if item.link_id == "preferred-name" else TEXTS.get(item.link_id)
            return [{"valueString": text}] if text else []
