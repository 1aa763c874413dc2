"""The worker's part of runs: writes the next invitations or documents, as long as few of their mails wait."""

import logging
from typing import Protocol

from django.db import IntegrityError, InterfaceError, OperationalError, transaction

from portico.domain.access import access_grants, access_locks, access_lookups, guardians, mail_stops, portal_states
from portico.domain.access.models import (
    Invitation,
    InvitationRun,
    InvitationRunItem,
    ItemState,
    LeftOutReason,
    PortalAccess,
    RunKind,
)
from portico.domain.access.onboarding import bulk_eligibility, invitation_runs, invitation_text, invitations
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.clients.client_details import ClientConflict
from portico.plumbing import clock, error_locations
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.mail import bulk_rate
from portico.plumbing.models import MailQueue

logger = logging.getLogger(__name__)


class _MailboxStopped(Exception):
    """Rolls back what was saved for a client whose mailbox has just been stopped."""


class WriteInvitation(Protocol):
    """Writes the invitation of a locked access, as `invitations.write` does; a higher step may add to it."""

    def __call__(
        self, access: PortalAccess, text: InvitationText, *, form_key: str, by: Actor, queue: MailQueue
    ) -> Invitation: ...


class ShareDocuments(Protocol):
    """Shares the documents of a run of a higher step with the item's person; returns the reason if it does not.

    In the caller's transaction.
    """

    def __call__(self, item: InvitationRunItem, run: InvitationRun) -> LeftOutReason | None: ...


def _refuse_to_share(item: InvitationRunItem, run: InvitationRun) -> LeftOutReason | None:
    raise AssertionError("A run that shares documents is continued with the function of the step of documents.")


# Written for one run before the next one has its turn.
TURN_SIZE = 5


class RunsInTurn:
    """Continues the runs in progress in turn, so that a long run does not delay those of other practices."""

    def __init__(self, write: WriteInvitation = invitations.write, share: ShareDocuments = _refuse_to_share) -> None:
        self._write = write
        self._share = share
        self._last_run = 0

    def continue_next(self) -> bool:
        """Writes the next invitations of a run. Returns False without any run, and while enough of them wait."""
        run = self._next_run()
        if run is None or bulk_rate.is_held_back():
            return False
        self._last_run = run.pk
        for _number in range(TURN_SIZE):
            if not settle_next(run, self._write, self._share) or bulk_rate.is_held_back():
                break
        return True

    def _next_run(self) -> InvitationRun | None:
        runs = InvitationRun.objects.in_progress().order_by("id")
        following = runs.filter(pk__gt=self._last_run).first()
        if following is not None or not self._last_run:
            return following
        self._last_run = 0
        return runs.first()


def settle_next(
    run: InvitationRun, write: WriteInvitation = invitations.write, share: ShareDocuments = _refuse_to_share
) -> bool:
    """Invites the run's next person or shares with them, or leaves them out. Returns False if it is paused or over.

    Invitation or packet and the item's state are committed together: a killed worker loses nothing and repeats
    nothing.
    """
    try:
        return _settle_waiting(run, write, share)
    except ClientConflict:
        return True  # The client's account was changed at the same moment; the item is still waiting.


@retry_on_deadlock
def _settle_waiting(run: InvitationRun, write: WriteInvitation, share: ShareDocuments) -> bool:
    with transaction.atomic():
        # Other workers, and the buttons of the progress page, wait for this lock.
        run = InvitationRun.objects.locked().get(pk=run.pk)
        if run.is_over or run.is_paused:
            return False
        if not run.requested_by.is_active:
            # Nothing is sent in the name of someone who has left; the page says so, and others may resume it.
            invitation_runs.pause_locked(run, by=Actor.system())
            return False
        item = run.items.waiting().select_related("client", "relationship").order_by("id").first()
        if item is None:
            run.ended_at = clock.now()
            run.save(update_fields=["ended_at"])
            return False
        _settle(item, run, write, share)
    return True


def _settle(item: InvitationRunItem, run: InvitationRun, write: WriteInvitation, share: ShareDocuments) -> None:
    """Writes the item's invitation or shares its documents, or stores the reason why not."""
    outcome = _outcome_of(item, run, write, share)
    if isinstance(outcome, Invitation):
        item.state, item.invitation = ItemState.INVITED, outcome
    elif outcome is None:
        item.state = ItemState.SHARED
    else:
        item.state, item.reason = ItemState.LEFT_OUT, outcome
    item.save(update_fields=["state", "invitation", "reason"])


def _outcome_of(
    item: InvitationRunItem, run: InvitationRun, write: WriteInvitation, share: ShareDocuments
) -> Invitation | LeftOutReason | None:
    """Returns the invitation, None if documents were shared, or the reason; an error must not end the run."""
    try:
        if run.kind == RunKind.SHARE:
            return share(item, run)
        try:
            return _invite(item, run, write)
        except IntegrityError:
            # Another transaction created the mailbox's account at the same moment: now it is found.
            return _invite(item, run, write)
    except (_MailboxStopped, invitations.MailboxComplained):
        return LeftOutReason.MAIL_STOPPED
    except (OperationalError, InterfaceError, ClientConflict):
        raise  # Not an error of this item.
    except Exception as error:  # noqa: BLE001  # Any error in one item must not stop the others.
        location = error_locations.location_of(error)
        logger.warning("invitation_run.item_failed", extra={"item": item.pk, "run": run.pk, "error": location})
        return LeftOutReason.ERROR


def _invite(item: InvitationRunItem, run: InvitationRun, write: WriteInvitation) -> Invitation | LeftOutReason:
    """Decides again, as the preview did, and writes the invitation; changes nothing if the client is left out."""
    by, kind = run.requested_by.actor, RunKind(run.kind)
    relationship = item.relationship
    with access_locks.lock_access(item.client, relationship) as (client, access):
        addresses = [] if relationship or bulk_eligibility.is_set_up(access) else list(client.email_addresses.open())
        stopped = mail_stops.stops_of(addresses)
        taken = access_lookups.mailboxes_of_contacts([client.pk]) if addresses else ()
        waiting = invitations.with_waiting_mail([access]) if kind is RunKind.RESEND else ()
        decision = bulk_eligibility.decide(
            access,
            addresses,
            kind,
            stopped=stopped,
            taken=taken,
            waiting=waiting,
            lacks_guardian=guardians.is_needed(access),
            since=run.created_at,
        )
        if decision.left_out is not None:
            return decision.left_out
        if decision.turned_on is not None:
            access_grants.apply(access, decision.turned_on, by=by)
            if access.mail_stopped_at is not None:
                # The mailbox was stopped before its account was locked: access is not turned on.
                raise _MailboxStopped
        text = invitation_text.default_of(client.practice, access.holder_language)
        # Unique for each person, so that the database, too, refuses a second invitation of this run.
        form_key = f"run:{run.ref}" if relationship is None else f"run:{run.ref}:{relationship.ref}"
        invitation = write(access, text, form_key=form_key, by=by, queue=MailQueue.BULK)
        portal_states.store(access)
    return invitation
