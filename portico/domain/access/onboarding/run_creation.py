"""Creating a run for many people, once for the form that starts it: of invitations, or of what a higher step shares."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portico.domain.access.models import InvitationRun, InvitationRunItem, ItemState, LeftOutReason, RunKind
from portico.domain.clients.models import Client, Relationship
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import form_keys

FORM_KIND = "invitation_run"


@dataclass(frozen=True)
class PlannedItem:
    """A person of a run: the client, or with `relationship` a contact. `left_out` says why they get nothing."""

    client: Client
    relationship: Relationship | None = None
    left_out: LeftOutReason | None = None

    @property
    def name(self) -> str:
        return self.relationship.contact.name if self.relationship is not None else self.client.name


def create_once(
    practice: Practice, *, form_key: str, content: str, create: Callable[[], InvitationRun]
) -> InvitationRun:
    """Returns what `create` returns, in a transaction; the first run if the same form is submitted again.

    `content` is equal for two submissions of one form. Raises FormSentBefore, and what `create` raises.
    """
    earlier = _find_earlier(practice, form_key, content)
    if earlier is not None:
        return earlier
    try:
        with transaction.atomic():
            run = create()
            form_keys.store(run, form_key, content, kind=FORM_KIND)
            return run
    except IntegrityError:
        # The form was submitted twice at once, and the other submission was saved first.
        earlier = _find_earlier(practice, form_key, content)
        if earlier is None:
            raise
        return earlier


def create(
    practice: Practice, kind: RunKind, planned: Iterable[PlannedItem], *, form_key: str, requested_by: StaffMember
) -> InvitationRun:
    """Creates a run with an item for each person. In the caller's transaction."""
    items = [
        InvitationRunItem(
            practice=practice,
            client=each.client,
            relationship=each.relationship,
            state=ItemState.WAITING if each.left_out is None else ItemState.LEFT_OUT,
            reason=each.left_out or "",
        )
        for each in planned
    ]
    run = InvitationRun.objects.create(
        practice=practice,
        kind=kind,
        requested_by=requested_by,
        form_key=form_key,
        total=sum(each.state == ItemState.WAITING for each in items),
        item_count=len(items),
    )
    for each in items:
        each.run = run
    InvitationRunItem.objects.bulk_create(items, batch_size=1_000)
    return run


def _find_earlier(practice: Practice, form_key: str, content: str) -> InvitationRun | None:
    rows = InvitationRun.objects.filter(practice=practice)
    return form_keys.find_result(rows, form_key, content, kind=FORM_KIND, describe=_summary)


def _summary(run: InvitationRun) -> str:
    if run.kind == RunKind.SHARE:
        return _("documents for %(number)d people") % {"number": run.total}
    return _("invitations to %(number)d clients") % {"number": run.total}
