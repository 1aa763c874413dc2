"""Requests for help that clients send from the entrance or from the portal."""

from django.db import models
from django.db.models import Q

from portico.domain.access.models.accounts import PortalAccess
from portico.domain.clients.models import Client, Language
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class HelpRequestQuerySet(RowQuerySet["HelpRequest"]):
    def open(self) -> "HelpRequestQuerySet":
        return self.filter(done_at=None)

    def counted(self) -> "HelpRequestQuerySet":
        """Filters to open requests within the limit of their address: those that the menu counts."""
        return self.open().filter(is_beyond_limit=False)


class HelpRequest(PracticeRow):
    """A request for help by a client, or by a stranger: name, contact and address are as they were typed.

    Nothing is ever mailed to `contact` or `address`. `client` and `access` are set only if the request came from the
    portal; whose address was typed is looked up each time the list is shown.
    """

    ref = RefField()
    client = models.ForeignKey(Client, models.PROTECT, null=True, related_name="help_requests")
    # By which the person was signed in: the client's own, or that of a contact. Older requests have none.
    access = models.ForeignKey(PortalAccess, models.PROTECT, null=True, related_name="help_requests")
    name = models.CharField(max_length=100)
    contact = models.CharField(max_length=254)
    message = models.TextField(max_length=1000)
    # The address with which they tried to sign in; both are empty if they did not state one.
    address = models.CharField(max_length=254, blank=True)
    mailbox_key = models.CharField(max_length=320, blank=True)
    language = models.CharField(max_length=5, choices=Language.choices)
    # A keyed digest of the form's key and content, so that a form that is sent twice makes one request.
    form_digest = models.CharField(max_length=64)
    # A rate limit of the address, the network or the practice was used up: listed last, not counted, not announced.
    is_beyond_limit = models.BooleanField(default=False)
    asked_at = models.DateTimeField(default=clock.now, editable=False)
    # When the staff members chosen in Settings were notified, or would have been.
    announced_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=100, blank=True)
    # A line for each note.
    note = models.TextField(blank=True)

    objects = HelpRequestQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="access_helprequest_client"),
            SamePractice("access", name="access_helprequest_access"),
            models.UniqueConstraint(fields=("practice", "form_digest"), name="access_helprequest_once"),
        )
        indexes = (
            models.Index(
                fields=("practice", "is_beyond_limit", "-id"),
                condition=Q(done_at=None),
                name="access_open_help_newest",
            ),
            models.Index(
                fields=("practice", "-id"), condition=Q(done_at__isnull=False), name="access_done_help_requests"
            ),
            models.Index(
                fields=("practice",),
                condition=Q(done_at=None, announced_at=None, is_beyond_limit=False),
                name="access_unannounced_help",
            ),
            models.Index(fields=("practice", "announced_at"), name="access_help_announced"),
            models.Index(fields=("asked_at",), condition=Q(done_at=None), name="access_open_help_by_time"),
            models.Index(fields=("done_at",), condition=Q(done_at__isnull=False), name="access_help_by_done"),
        )

    def __str__(self) -> str:
        return self.ref
