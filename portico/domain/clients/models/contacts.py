"""Contacts: people around a client, such as a guardian, a partner or a payer."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.domain.clients.models.clients import Client, Language
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class RelationshipKind(models.TextChoices):
    GUARDIAN = "guardian", _("Guardian")
    PARTNER = "partner", _("Partner")
    PAYER = "payer", _("Payer")
    EMERGENCY = "emergency", _("Emergency contact")
    # One of the two people of a couple.
    MEMBER = "member", _("Member of the couple")
    OTHER = "other", _("Other")


class Contact(PracticeRow):
    """A person around one or several clients, with addresses and phone numbers of their own.

    `also_client` is the client that this person is too; nothing of the two is merged.
    """

    ref = RefField()
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=5, choices=Language.choices, default=Language.ENGLISH)
    also_client = models.ForeignKey(Client, models.PROTECT, null=True, related_name="as_contacts")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("also_client", name="clients_contact_also_client"),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


def is_none_or_current(path: str) -> Q:
    """Returns the condition that the relationship at `path` is none or has not ended.

    `ended_at=None` alone selects the same rows, but where no client has a contact, PostgreSQL expects few of them.
    """
    return Q(**{path: None}) | Q(**{f"{path}__ended_at": None})


class RelationshipQuerySet(RowQuerySet["Relationship"]):
    def current(self) -> "RelationshipQuerySet":
        return self.filter(ended_at=None)

    def guardians(self) -> "RelationshipQuerySet":
        return self.filter(kind=RelationshipKind.GUARDIAN)


class Relationship(PracticeRow):
    """The relationship of a contact to a client. It is ended, never deleted."""

    ref = RefField()
    client = models.ForeignKey(Client, models.PROTECT, related_name="relationships")
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="relationships")
    kind = models.CharField(max_length=10, choices=RelationshipKind.choices)
    began_on = models.DateField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=100, blank=True)
    # When staff decided what happens to a guardian's access as the client comes of age.
    majority_decided_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    # The random key of the form that added the contact, so that submitting it twice adds one.
    form_key = models.CharField(max_length=43, blank=True, editable=False)

    objects = RelationshipQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="clients_relationship_client"),
            SamePractice("contact", name="clients_relationship_contact"),
            models.CheckConstraint(
                condition=Q(kind__in=RelationshipKind.values), name="clients_relationship_known_kind"
            ),
            models.UniqueConstraint(
                fields=("client", "contact"), condition=Q(ended_at=None), name="clients_relationship_one_current"
            ),
            models.UniqueConstraint(
                fields=("client", "form_key"), condition=~Q(form_key=""), name="clients_relationship_one_per_form_key"
            ),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def is_current(self) -> bool:
        return self.ended_at is None

    @property
    def kind_label(self) -> str:
        return str(RelationshipKind(self.kind).label)
