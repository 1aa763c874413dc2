"""Scheduled tasks, and the results of the sender check."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portico.plumbing import clock
from portico.plumbing.database.base_models import Row, RowQuerySet


class ScheduledTask(Row):
    """The next run of a task. The worker that moves `due_at` forward runs it, so that workers share the schedule."""

    name = models.CharField(max_length=50, unique=True)
    due_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)

    objects = RowQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class CheckName(models.TextChoices):
    """The checks of the sender's domain, in the order in which they are shown."""

    SPF = "spf", "SPF"
    DKIM = "dkim", "DKIM"
    DMARC = "dmarc", "DMARC"
    MX = "mx", "MX"
    # What the server that received a test email stated; the other checks ask the DNS.
    TEST_EMAIL = "test_mail", _("Test email")


class Verdict(models.TextChoices):
    OK = "ok", _("OK")
    WARN = "warn", _("Could be better")
    BROKEN = "broken", _("Needs a fix")
    UNKNOWN = "unknown", _("Not known")


class CheckReason(models.TextChoices):
    """The reason for a verdict, as a sentence for the owner."""

    GOOD = "good", _("The record is OK.")
    NOT_ANSWERED = "not_answered", _("The DNS server did not answer.")
    NO_SPF = "no_spf", _("There is no SPF record, so receiving servers can’t tell your emails from forged ones.")
    SPF_NOT_NEEDED = (
        "spf_not_needed",
        _("There is no SPF record, and none is needed: your email provider sends with its own domain. DKIM counts."),
    )
    SEVERAL_SPF = "several_spf", _("There are several SPF records, so receiving servers ignore all of them. Keep one.")
    SPF_MALFORMED = "spf_malformed", _("The SPF record has an error, so receiving servers ignore it.")
    SPF_TOO_MANY = "spf_too_many", _("The SPF record needs more than 10 DNS lookups, so receiving servers ignore it.")
    SPF_INCLUDE_MISSING = (
        "spf_include_missing",
        _("The SPF record includes a domain without one SPF record, so receiving servers ignore it."),
    )
    SPF_ALLOWS_ALL = "spf_allows_all", _("The SPF record ends in +all, so anyone may send emails in your name.")
    SPF_NO_END = "spf_no_end", _("The SPF record doesn’t end in ~all or -all, so it doesn’t stop forged emails.")
    SPF_OTHER_PROVIDER = "spf_other_provider", _("The SPF record doesn’t name the provider that sends your emails.")
    NO_SELECTOR = (
        "no_selector",
        _(
            "The name of the DKIM key isn’t known. Send a test email to find out, "
            "or ask your system administrator to set DKIM_SELECTOR."
        ),
    )
    NO_DKIM = "no_dkim", _("There is no DKIM key, so receiving servers can’t check your emails’ signature.")
    SEVERAL_DKIM = "several_dkim", _("There are several DKIM keys under one name. Keep the one your provider shows.")
    DKIM_REVOKED = "dkim_revoked", _("The DKIM key was revoked. Add the key your email provider shows.")
    DKIM_MALFORMED = "dkim_malformed", _("The DKIM key has an error. Copy it again from your email provider.")
    DKIM_SHORT_KEY = "dkim_short_key", _("The DKIM key is too short, so receiving servers ignore it. Use 2048 bits.")
    DKIM_WEAK_KEY = "dkim_weak_key", _("The DKIM key is short. Create one of 2048 bits.")
    DKIM_TESTING = "dkim_testing", _("The DKIM key is marked as a test (t=y). Remove the mark.")
    NO_DMARC = "no_dmarc", _("There is no DMARC policy. Some receiving servers ask for one.")
    SEVERAL_DMARC = (
        "several_dmarc",
        _("There are several DMARC policies, so receiving servers ignore all of them. Keep one."),
    )
    DMARC_MALFORMED = "dmarc_malformed", _("The DMARC policy has an error, so receiving servers ignore it.")
    DMARC_MONITORS = "dmarc_monitors", _("The DMARC policy only monitors (p=none): forged emails still arrive.")
    DMARC_NOT_MET = (
        "dmarc_not_met",
        _("The DMARC policy requires SPF or DKIM, and neither is OK. Fix them first."),
    )
    DMARC_NEEDS_DKIM = (
        "dmarc_needs_dkim",
        _("The DMARC policy requires DKIM when an email provider sends your emails, and DKIM isn’t OK. Fix it first."),
    )
    NO_MX = "no_mx", _("No mail server receives emails for this domain, so bounces and replies are lost.")
    MX_BY_ADDRESS = "mx_by_address", _("There is no MX record. Emails go to the domain’s own address.")
    MX_REFUSES = "mx_refuses", _("The MX record says that this domain receives no emails.")
    MX_WITHOUT_ADDRESS = "mx_without_address", _("None of the mail servers in the MX records has an address.")
    TEST_GOOD = "test_good", _("The receiving server trusted the test email.")
    TEST_NOT_BACK = "test_not_back", _("No test email has come back yet.")
    TEST_NO_RESULTS = (
        "test_no_results",
        _("The server that received the test email doesn’t say what it checked. Try a mailbox of another provider."),
    )
    TEST_UNTRUSTED = (
        "test_untrusted",
        _("The result is from a server that isn’t known as yours. Your system administrator can set AUTHSERV_ID."),
    )
    TEST_NOT_SIGNED = (
        "test_not_signed",
        _("SPF passed, but no DKIM signature of your domain did. Emails that are forwarded may be rejected."),
    )
    TEST_NOT_TRUSTED = (
        "test_not_trusted",
        _("Neither SPF nor DKIM passed for your domain, so receiving servers can’t tell your emails from forged ones."),
    )
    TEST_FAILED_DMARC = (
        "test_failed_dmarc",
        _("The test email did not meet the DMARC policy, so receiving servers may reject your emails."),
    )


class SenderCheckQuerySet(RowQuerySet["SenderCheck"]):
    def seen_dkim_keys(self, domain: str) -> list[str]:
        """Returns the names of the keys that signed the last test email."""
        row = self.filter(domain=domain, name=CheckName.TEST_EMAIL).first()
        return row.dkim_keys.splitlines() if row is not None else []

    def of_domain(self, domain: str) -> "list[SenderCheck]":
        """Returns the checks of a domain in the order of CheckName; those that never ran are missing."""
        return sorted(self.filter(domain=domain), key=lambda row: CheckName.values.index(row.name))


class SenderCheck(Row):
    """The last known result of one check of the sender's domain, which all practices of the installation share.

    `host` is the name that has or needs the record, `found` what the DNS has and `wanted` what it should have.
    """

    domain = models.CharField(max_length=253)
    name = models.CharField(max_length=10, choices=CheckName.choices)
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    reason = models.CharField(max_length=30, choices=CheckReason.choices)
    # Of a test email: the server that stated the result.
    host = models.CharField(max_length=300, blank=True)
    found = models.TextField(blank=True)
    wanted = models.TextField(blank=True)
    # The names of the DKIM keys that signed the test email, one per line; empty for other checks.
    dkim_keys = models.TextField(blank=True)
    # Of a test email: when it was queued.
    checked_at = models.DateTimeField()
    # When the DNS last answered; null if it never did.
    known_at = models.DateTimeField(null=True)
    # When the verdict was last OK.
    ok_at = models.DateTimeField(null=True)

    objects = SenderCheckQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("domain", "name"), name="upkeep_sendercheck_one_each"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=Verdict.values), name="upkeep_sendercheck_known_verdict"
            ),
        )

    def __str__(self) -> str:
        return f"{self.domain} {self.name}"

    @property
    def is_current(self) -> bool:
        """Returns False if the DNS did not answer at the last check: the verdict is then an earlier one."""
        return self.known_at == self.checked_at
