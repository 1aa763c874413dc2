"""A practice's Stripe keys, and the last known state of its Stripe account."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice
from portico.plumbing.security import encryption


class StripeKey(PracticeRow):
    """An encrypted secret key. A replaced key is kept for read access while payments are open.

    A seeded key has no account id, because Stripe was never asked for it.
    """

    ref = RefField()
    encrypted_secret = models.BinaryField()
    # The last four characters, enough to recognize the key at Stripe.
    ending = models.CharField(max_length=4)
    account_id = models.CharField(max_length=64, blank=True)
    livemode = models.BooleanField()
    entered_at = models.DateTimeField(default=clock.now, editable=False)
    replaced_at = models.DateTimeField(null=True)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(
                fields=("practice",), condition=Q(replaced_at__isnull=True), name="practices_stripekey_one_current"
            ),
        )

    def __str__(self) -> str:
        return self.ref

    def encrypt(self, secret: str) -> None:
        self.encrypted_secret = encryption.encrypt(secret.encode(), bound_to=self._binding)
        self.ending = secret[-4:]

    def decrypted(self) -> str:
        """Returns the decrypted key. Raises encryption.DecryptionFailed."""
        return encryption.decrypt(bytes(self.encrypted_secret), bound_to=self._binding).decode()

    @property
    def _binding(self) -> str:
        return f"stripe-key:{self.practice_id}:{self.ref}"


class PaymentProblem(models.TextChoices):
    """The problem that prevents card payments, as last reported by Stripe."""

    NONE = "", _("None")
    KEY_REFUSED = "key_refused", _("Stripe doesn’t accept the key")
    KEY_RESTRICTED = "key_restricted", _("The key lacks permissions")
    KEY_UNREADABLE = "key_unreadable", _("The key can’t be decrypted")
    CHARGES_OFF = "charges_off", _("Charges are disabled for the account")
    CURRENCY = "currency", _("The account has a different currency")


class OnlinePayments(PracticeRow):
    """The online payment settings of a practice; one row, created with the first key."""

    ref = RefField()
    key = models.ForeignKey(StripeKey, models.PROTECT, null=True, related_name="+")
    account_name = models.CharField(max_length=200, blank=True)
    country = models.CharField(max_length=2, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    # When Stripe was last asked about the account; set for a seeded key too.
    checked_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=20, choices=PaymentProblem.choices, blank=True)
    encrypted_webhook_secret = models.BinaryField(null=True)
    # Stripe's id of the endpoint, if Portico created it.
    webhook_id = models.CharField(max_length=64, blank=True)
    webhook_saved_at = models.DateTimeField(null=True)
    # When the worker last began to look for charges, refunds and disputes without an event.
    reconciled_at = models.DateTimeField(null=True)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("key", name="practices_onlinepayments_key"),
            models.UniqueConstraint(fields=("practice",), name="practices_onlinepayments_one_a_practice"),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def clock_ahead(self) -> timedelta:
        """The difference by which our clock is ahead of Stripe's; negative if it is slow.

        Needs a row from `payment_readiness.online_payments_of`.
        """
        return timedelta(seconds=self.__dict__["clock_ahead_seconds"])

    @property
    def has_webhook(self) -> bool:
        return self.encrypted_webhook_secret is not None

    def encrypt_webhook_secret(self, secret: str) -> None:
        self.encrypted_webhook_secret = encryption.encrypt(secret.encode(), bound_to=self._binding)
        self.webhook_saved_at = clock.now()

    def delete_webhook(self) -> None:
        self.encrypted_webhook_secret, self.webhook_id, self.webhook_saved_at = None, "", None

    def mark_webhook_missing(self) -> None:
        """Deletes the secret of a webhook that no longer exists at Stripe; the id stays to show that it is missing."""
        self.encrypted_webhook_secret, self.webhook_saved_at = None, None

    @property
    def is_webhook_missing(self) -> bool:
        return bool(self.webhook_id) and not self.has_webhook

    def webhook_secret(self) -> str:
        """Returns the decrypted secret, empty if there is none. Raises encryption.DecryptionFailed."""
        if self.encrypted_webhook_secret is None:
            return ""
        return encryption.decrypt(bytes(self.encrypted_webhook_secret), bound_to=self._binding).decode()

    @property
    def _binding(self) -> str:
        return f"stripe-webhook-secret:{self.practice_id}:{self.ref}"
