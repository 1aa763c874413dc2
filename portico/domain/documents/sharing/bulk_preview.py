"""Sharing documents with many people: who gets which of them, and who is left out and why."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from portico.domain.access import access_lookups, eligibility, guardians
from portico.domain.access.eligibility import Purpose
from portico.domain.access.eligibility_steps import CheckedFact
from portico.domain.access.models import LeftOutReason, PortalAccess
from portico.domain.access.onboarding import bulk_selection
from portico.domain.access.onboarding.bulk_selection import NoClientChosen, Selection, TooManyClients
from portico.domain.access.onboarding.run_creation import PlannedItem
from portico.domain.clients.models import Client, Relationship
from portico.domain.documents.models import COMPLETE_STATES, OPEN_STATES, DocumentRequest, Recipients, TemplateVersion
from portico.domain.practices.models import Practice
from portico.plumbing import tokens

REASONS = {
    CheckedFact.NOT_ARCHIVED: LeftOutReason.ARCHIVED,
    CheckedFact.RELATIONSHIP_CURRENT: LeftOutReason.NO_RECIPIENT,
    CheckedFact.ACCESS_ON: LeftOutReason.ACCESS_OFF,
    CheckedFact.ADDRESS_CHOSEN: LeftOutReason.NO_ADDRESS,
    CheckedFact.ADDRESS_OPEN: LeftOutReason.NO_ADDRESS,
    CheckedFact.SIGNS_DOCUMENTS: LeftOutReason.NOT_SIGNING,
    CheckedFact.EMAIL_OK: LeftOutReason.NO_EMAIL_OK,
    CheckedFact.MAIL_NOT_STOPPED: LeftOutReason.MAIL_STOPPED,
}


@dataclass(frozen=True)
class ShareSelection:
    """The chosen clients, documents and recipients. `asks_again`: also people who completed these versions."""

    selection: Selection
    versions: tuple[TemplateVersion, ...]
    recipients: Recipients
    asks_again: bool = False

    @property
    def text(self) -> str:
        """The selection as text, equal for two submissions of one form."""
        refs = [version.ref for version in self.versions]
        return repr((self.selection.text, refs, str(self.recipients), self.asks_again))


@dataclass(frozen=True)
class EarlierRequests:
    """The earlier requests of an access: the ids of templates still open, and of versions completed."""

    open_templates: set[int] = field(default_factory=set)
    completed_versions: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class PlannedRecipient:
    """A person of the run with the versions that they get; `versions` is empty if `item.left_out` is set."""

    item: PlannedItem
    access: PortalAccess | None
    versions: tuple[TemplateVersion, ...] = ()


@dataclass(frozen=True)
class SharePreview:
    """The effect of a run, by the name of the client."""

    planned: list[PlannedRecipient]

    @property
    def shared(self) -> list[PlannedRecipient]:
        return [each for each in self.planned if each.item.left_out is None]

    @property
    def left_out(self) -> dict[LeftOutReason, list[PlannedItem]]:
        items = [each.item for each in self.planned]
        by_reason = {reason: [each for each in items if each.left_out is reason] for reason in LeftOutReason}
        return {reason: people for reason, people in by_reason.items() if people}

    @property
    def languages(self) -> dict[str, int]:
        """The number of emails in each language, the most frequent first."""
        used = Counter(each.access.holder_language for each in self.shared if each.access is not None)
        return dict(used.most_common())

    @property
    def digest(self) -> str:
        """Changes when other people would get something, or one of them other documents."""
        ids = sorted(
            (each.access.pk, [version.pk for version in each.versions])
            for each in self.shared
            if each.access is not None
        )
        return tokens.fingerprint(repr(ids), purpose="document run")


def preview(practice: Practice, choice: ShareSelection) -> SharePreview:
    """Returns what a run with this choice would do now. Raises NoClientChosen, TooManyClients."""
    own = bulk_selection.accesses_of(practice, chosen_ids(practice, choice.selection))
    of_contacts = {} if choice.recipients == Recipients.CLIENT else _accesses_of_contacts(own)
    asked = earlier_requests_of([each.client.pk for each in own], choice.versions)
    lacking = guardians.lacking(own)
    planned = list[PlannedRecipient]()
    for access in own:
        for each in _people(access, of_contacts, choice.recipients):
            if isinstance(each, PlannedItem):
                planned.append(PlannedRecipient(each, None))
                continue
            is_lacking = each.is_own and each.client.pk in lacking
            reason, versions = decide(
                each, choice.versions, asked[each.pk], asks_again=choice.asks_again, lacks_guardian=is_lacking
            )
            planned.append(PlannedRecipient(PlannedItem(each.client, each.relationship, reason), each, versions))
    return SharePreview(planned)


def chosen_ids(practice: Practice, selection: Selection) -> Collection[int]:
    """Returns the ids of the chosen clients. Raises NoClientChosen, TooManyClients."""
    ids = bulk_selection.ids_of(practice, selection)
    if not ids:
        raise NoClientChosen
    if len(ids) > bulk_selection.MAX_CLIENTS:
        raise TooManyClients
    return ids


def decide(
    access: PortalAccess,
    versions: Sequence[TemplateVersion],
    asked: EarlierRequests,
    *,
    asks_again: bool,
    lacks_guardian: bool,
) -> tuple[LeftOutReason | None, tuple[TemplateVersion, ...]]:
    """Returns the versions that the access gets, or the reason why it gets none.

    `access` may be unsaved; it has its client, and the versions have their templates. `lacks_guardian`: the access is
    a minor's own, without a guardian.
    """
    if lacks_guardian and not access.client.is_archived_now:
        return LeftOutReason.NO_GUARDIAN, ()
    broken = eligibility.first_broken(access, Purpose.DOCUMENT_MAIL)
    if broken is not None:
        return REASONS[broken.fact], ()
    current = [each for each in versions if each.template.archived_at is None]
    if not current:
        return LeftOutReason.DOCUMENT_ARCHIVED, ()
    not_open = [each for each in current if each.template_id not in asked.open_templates]
    wanted = tuple(each for each in not_open if asks_again or each.pk not in asked.completed_versions)
    if wanted:
        return None, wanted
    return LeftOutReason.COMPLETED if len(not_open) == len(current) else LeftOutReason.STILL_OPEN, ()


def earlier_requests_of(
    clients: Collection[int], versions: Sequence[TemplateVersion]
) -> defaultdict[int | None, EarlierRequests]:
    """Returns the earlier requests for these documents to the clients and their contacts, by the id of the access."""
    asked = defaultdict[int | None, EarlierRequests](EarlierRequests)
    requests = DocumentRequest.objects.filter(client__in=list(clients), state__in=(*OPEN_STATES, *COMPLETE_STATES))
    of_templates = requests.filter(version__template__in=[each.template_id for each in versions])
    for access, state, template, version in of_templates.values_list("access", "state", "version__template", "version"):
        if state in OPEN_STATES:
            asked[access].open_templates.add(template)
        else:
            asked[access].completed_versions.add(version)
    return asked


def _people(
    own: PortalAccess, of_contacts: dict[int, list[PortalAccess]], recipients: Recipients
) -> Iterator[PortalAccess | PlannedItem]:
    """Yields the accesses of a client's recipients; an item that says so if there are none."""
    if recipients != Recipients.CONTACTS:
        yield own
    found = of_contacts.get(own.client.pk, [])
    yield from found
    if recipients == Recipients.CONTACTS and not found:
        yield PlannedItem(own.client, left_out=LeftOutReason.NO_RECIPIENT)


def _accesses_of_contacts(own: Sequence[PortalAccess]) -> dict[int, list[PortalAccess]]:
    """Returns by the id of the client the accesses, which may be unsaved, of contacts who may sign documents."""
    clients: dict[int, Client] = {each.client.pk: each.client for each in own}
    found = defaultdict[int, list[PortalAccess]](list)
    rows = Relationship.objects.current().filter(client__in=list(clients))
    for relationship in rows.select_related("contact", "access__address").order_by("id"):
        client = clients[relationship.client_id]
        saved: PortalAccess | None = getattr(relationship, "access", None)
        access = saved or access_lookups.new_access(client, relationship)
        access.client, access.relationship = client, relationship
        if access.signs_documents:
            found[client.pk].append(access)
    return found
