"""Giving the clients of one clinician to another, such as when a clinician leaves."""

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import StaffMember
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.refusals import Refused


class ClinicianDeactivated(Refused):
    message = _("This team member’s account is deactivated. Choose someone else.")


@retry_on_deadlock
def move_clients(former: StaffMember, new: StaffMember, *, by: Actor) -> int:
    """Makes another clinician that of all clients of `former`, archived ones too. Returns the number of clients.

    Each change has its audit entry. Idempotent. Raises ClinicianDeactivated if `new` has left.
    """
    with transaction.atomic():
        # Locked, so that the new clinician cannot be deactivated meanwhile.
        new = StaffMember.objects.locked().select_related("practice").get(pk=new.pk, practice=former.practice_id)
        if not new.is_active:
            raise ClinicianDeactivated
        if new.pk == former.pk:
            return 0
        clients = Client.objects.filter(practice=new.practice, clinician=former)
        moved = list(clients.locked().order_by("pk").only("pk"))
        # By clinician, not by id: a list of ids would have to be split. A client given to `former` since then stays.
        clients.filter(pk__lte=moved[-1].pk if moved else 0).update(clinician=new, version=F("version") + 1)
        audit_log.record_all(
            audit_log.entry(AuditAction.CLIENT_EDITED, practice=new.practice, client=client, by=by, fields="clinician")
            for client in moved
        )
    return len(moved)
