"""Saved cards and Stripe customers. Card numbers are never stored."""

from django.db import models
from django.db.models import Q

from portico.domain.access.models import PortalAccount
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class StripeCustomer(PracticeRow):
    """The Stripe customer of a portal account in one Stripe account and mode. Stripe receives no health details."""

    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="stripe_customers")
    stripe_account_id = models.CharField(max_length=64)
    livemode = models.BooleanField()
    customer_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    # When we found it deleted at Stripe. The row stays, because cards refer to it; a new row replaces it.
    gone_at = models.DateTimeField(null=True)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("account", name="billing_stripecustomer_account"),
            models.UniqueConstraint(
                fields=("account", "stripe_account_id", "livemode"),
                condition=Q(gone_at=None),
                name="billing_stripecustomer_one_a_mode",
            ),
            models.UniqueConstraint(fields=("practice", "customer_id"), name="billing_stripecustomer_one_an_id"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class SavedCardQuerySet(RowQuerySet["SavedCard"]):
    def active(self) -> "SavedCardQuerySet":
        return self.filter(removed_at=None)


class SavedCard(PracticeRow):
    """A saved card by its Stripe payment method, with the text of the consent that was given."""

    ref = RefField()
    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="saved_cards")
    customer = models.ForeignKey(StripeCustomer, models.PROTECT, related_name="cards")
    payment_method_id = models.CharField(max_length=64)
    brand = models.CharField(max_length=20)
    last4 = models.CharField(max_length=4)
    # Stripe's, equal for all payment methods with the same number; empty for cards saved before it was stored.
    fingerprint = models.CharField(max_length=64, blank=True)
    expires_month = models.PositiveSmallIntegerField()
    expires_year = models.PositiveSmallIntegerField()
    consent_text = models.CharField(max_length=500)
    consented_at = models.DateTimeField()
    created_at = models.DateTimeField(default=clock.now, editable=False)
    removed_at = models.DateTimeField(null=True)
    # When it was detached at Stripe too.
    detached_at = models.DateTimeField(null=True)

    objects = SavedCardQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("account", name="billing_savedcard_account"),
            SamePractice("customer", name="billing_savedcard_customer"),
            models.UniqueConstraint(fields=("practice", "payment_method_id"), name="billing_savedcard_one_a_method"),
            models.CheckConstraint(condition=~Q(consent_text=""), name="billing_savedcard_with_consent"),
            models.CheckConstraint(
                condition=Q(expires_month__gte=1, expires_month__lte=12), name="billing_savedcard_month"
            ),
        )
        indexes = (
            models.Index(fields=("account", "-id"), name="billing_cards_of_account"),
            models.Index(
                fields=("id",),
                condition=Q(removed_at__isnull=False, detached_at=None),
                name="billing_cards_to_detach",
            ),
        )

    def __str__(self) -> str:
        return self.ref
