"""Near misses: requests for a sign-in email with an address that is nearly a client's."""

from django.db import models

from portico.domain.access.models.accounts import PortalAccess
from portico.domain.access.models.links import SignInRequest
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class NearMiss(PracticeRow):
    """A request whose address differs in a letter or two from that of a client who has not signed in.

    Shown to staff only. The typed address is read from the request, with which the row is deleted.
    """

    client = models.ForeignKey(
        Client,
        models.PROTECT,
        related_name="near_misses",
        db_index=False,  # The index below begins with it.
    )
    # The client's own, or that of a contact.
    access = models.ForeignKey(
        PortalAccess,
        models.PROTECT,
        related_name="near_misses",
        db_index=False,  # The index below begins with it.
    )
    request = models.ForeignKey(SignInRequest, models.PROTECT, related_name="near_misses")
    distance = models.PositiveSmallIntegerField()
    at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="access_nearmiss_client"),
            SamePractice("access", name="access_nearmiss_access"),
            SamePractice("request", name="access_nearmiss_request"),
            models.UniqueConstraint(fields=("request", "client"), name="access_nearmiss_once_a_client"),
        )
        indexes = (
            models.Index(fields=("client", "-id"), name="access_near_misses_of_client"),
            models.Index(fields=("access", "-id"), name="access_near_misses_of_access"),
        )

    def __str__(self) -> str:
        return str(self.pk)
