"""Details of providers' events that django-anymail does not tell apart.

A provider's "bounced" or "rejected" does not say whose fault it was. Only a status code does (RFC 3463), or for some
providers their own word for the reason. A code in the server's reply takes precedence over a `likely_code`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

type Event = Mapping[str, Any]  # Any: JSON.

NO_MAILBOX, NO_DOMAIN, MALFORMED, CLOSED, FULL = "5.1.1", "5.1.2", "5.1.3", "5.2.1", "5.2.2"
TOO_LARGE, CONTENT, POLICY, GAVE_UP = "5.3.4", "5.6.0", "5.7.1", "4.4.7"
# The provider did not send it, for a reason of its own that says nothing about the mailbox.
NOT_SENT = "5.3.0"


@dataclass(frozen=True)
class Details:
    """The details that the event itself states.

    `status_code` is stated by the provider; `likely_code` follows from its reason, for replies without a code.
    """

    status_code: str = ""
    likely_code: str = ""
    words: str = ""
    is_on_providers_list: bool = False
    # The provider still tries, which django-anymail does not know of this event.
    is_delay: bool = False
    # Says nothing new about the mail.
    is_ignored: bool = False


def of(provider: str, event: Event) -> Details:
    """Returns the details of one event of that provider."""
    return _READERS[provider](event)


def _text(event: Event, *names: str) -> str:
    """Returns the first of the values that is not empty, as text."""
    return next((str(event[name]) for name in names if event.get(name)), "")


def _postmark(event: Event) -> Details:
    """https://postmarkapp.com/developer/webhooks/bounce-webhook, and the bounce types in api/bounce-api."""
    if event.get("RecordType") == "SubscriptionChange":
        # Follows a bounce or a complaint, which has its own event.
        return Details(is_ignored=True)
    match event.get("Type"):
        case "HardBounce":
            likely = ""
        case "SoftBounce" | "DnsError":
            likely = GAVE_UP
        case "Blocked" | "DMARCPolicy" | "SpamNotification":
            # The receiving server refuses us; no word about the mailbox.
            likely = POLICY
        case "BadEmailAddress":
            likely = MALFORMED
        case "VirusNotification":
            likely = CONTENT
        case "ManuallyDeactivated":
            return Details(is_on_providers_list=True, words=_text(event, "Description"))
        case _:
            likely = NOT_SENT
    return Details(likely_code=likely, words=_text(event, "Details", "Description"))


def _sendgrid(event: Event) -> Details:
    """https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event."""
    reason = _text(event, "reason")
    if event.get("event") == "dropped":
        if reason in {"Bounced Address", "Spam Reporting Address", "Unsubscribed Address"}:
            return Details(is_on_providers_list=True, words=reason)
        return Details(likely_code=MALFORMED if reason == "Invalid" else NOT_SENT, words=reason)
    if event.get("type") == "blocked":
        # Its `status` is the code of the reply, often 5.0.0 although the reply itself names a policy.
        return Details(likely_code=POLICY, words=reason)
    return Details(status_code=_text(event, "status"), words=_text(event, "response", "reason"))


def _mailgun(event: Event) -> Details:
    """https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure."""
    facts = event.get("event-data", {})
    status = facts.get("delivery-status") or {}
    reason = _text(facts, "reason")
    words = _text(status, "message", "description") or _text(facts.get("reject") or {}, "reason") or reason
    if reason.startswith("suppress-"):
        return Details(is_on_providers_list=True, words=words)
    if facts.get("event") == "rejected":
        return Details(likely_code=NOT_SENT, words=words)
    return Details(status_code=_text(status, "enhanced-code"), words=words)


def _brevo(event: Event) -> Details:
    """https://developers.brevo.com/docs/transactional-webhooks."""
    words = _text(event, "reason")
    match event.get("event"):
        case "blocked":
            return Details(is_on_providers_list=True, words=words)
        case "invalid_email":
            return Details(likely_code=MALFORMED, words=words)
        case "soft_bounce":
            return Details(likely_code=GAVE_UP, words=words)
        case "error":
            return Details(likely_code=NOT_SENT, words=words)
        case _:
            return Details(words=words)


def _mailersend(event: Event) -> Details:
    """https://developers.mailersend.com/api/v1/webhooks.html. A bounce has a reason in words, and no code."""
    activity: Event = event.get("data") or {}
    words = _text(activity.get("morph") or {}, "readable_reason", "reason")
    match activity.get("type"):
        case "soft_bounced":
            return Details(likely_code=GAVE_UP, words=words)
        case "hard_bounced" if words == "Host or domain name not found":
            return Details(likely_code=NO_DOMAIN, words=words)
        case "deferred":
            return Details(words=words, is_delay=True)
        case _:
            return Details(words=words)


# https://dev.mailjet.com/email/guides/webhooks/: the values of `error`.
_MAILJET_CODES = {
    "user unknown": NO_MAILBOX,
    "mailbox inactive": CLOSED,
    "quota exceeded": FULL,
    "invalid domain": NO_DOMAIN,
    "no mail host": NO_DOMAIN,
    "typofix": MALFORMED,
    "relay/access denied": POLICY,
    "sender blocked": POLICY,
    "content blocked": POLICY,
    "policy issue": POLICY,
    "duplicate in campaign": NOT_SENT,
    "greylisted": GAVE_UP,
}
_MAILJET_LISTS = {"preblocked", "blacklisted", "spam reporter"}


def _mailjet(event: Event) -> Details:
    error = _text(event, "error")
    words = _text(event, "comment", "smtp_reply", "error")
    return Details(likely_code=_MAILJET_CODES.get(error, ""), words=words, is_on_providers_list=error in _MAILJET_LISTS)


# Subtypes of bounces at Amazon SES, and at Resend, which sends through it.
# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types
_SES_LISTS = {"Suppressed", "OnAccountSuppressionList"}
_SES_CODES = {
    "NoEmail": NO_MAILBOX,
    "MailboxFull": FULL,
    "MessageTooLarge": TOO_LARGE,
    "ContentRejected": CONTENT,
    "AttachmentRejected": CONTENT,
}


def _resend(event: Event) -> Details:
    """https://resend.com/docs/dashboard/emails/email-bounces."""
    bounce = (event.get("data") or {}).get("bounce") or {}
    words, subtype = _text(bounce, "message"), _text(bounce, "subType")
    if subtype in _SES_LISTS:
        return Details(is_on_providers_list=True, words=words)
    unexplained = "" if bounce.get("type") == "Permanent" else GAVE_UP
    return Details(likely_code=_SES_CODES.get(subtype, unexplained), words=words)


# https://support.sparkpost.com/docs/deliverability/bounce-classification-codes.
_SPARKPOST_CODES = {
    "10": NO_MAILBOX,
    "20": GAVE_UP,
    "21": GAVE_UP,
    "22": FULL,
    "23": TOO_LARGE,
    "24": GAVE_UP,
    "25": NOT_SENT,
    "50": POLICY,
    "51": POLICY,
    "52": POLICY,
    "53": CONTENT,
    "54": POLICY,
    "70": GAVE_UP,
}


def _sparkpost(event: Event) -> Details:
    facts: Event = next(iter(event.get("msys", {}).values()), {})
    words = _text(facts, "raw_reason", "reason")
    if facts.get("type") in {"policy_rejection", "generation_rejection"}:
        return Details(is_on_providers_list="suppress" in words.lower(), likely_code=NOT_SENT, words=words)
    return Details(likely_code=_SPARKPOST_CODES.get(_text(facts, "bounce_class"), ""), words=words)


def _mailtrap(event: Event) -> Details:
    """https://docs.mailtrap.io/email-api-smtp/advanced/webhooks."""
    words = _text(event, "response", "reason")
    match event.get("event"):
        case "reject":
            is_listed = "suppress" in words.lower()
            return Details(is_on_providers_list=is_listed, likely_code=NOT_SENT, words=words)
        case "suspension":
            # The account is suspended; the mail waits.
            return Details(is_ignored=True)
        case _:
            return Details(words=words)


def _amazon_ses(event: Event) -> Details:
    """https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html."""
    kind = event.get("eventType", event.get("notificationType"))
    if kind == "Reject":
        return Details(likely_code=CONTENT, words=_text(event.get("reject") or {}, "reason"))
    if kind == "DeliveryDelay":
        (recipient, *_more) = (event.get("deliveryDelay") or {}).get("delayedRecipients") or [{}]
        return Details(status_code=_text(recipient, "status"), words=_text(recipient, "diagnosticCode"), is_delay=True)
    bounce = event.get("bounce") or {}
    (recipient, *_more) = bounce.get("bouncedRecipients") or [{}]
    words, subtype = _text(recipient, "diagnosticCode"), _text(bounce, "bounceSubType")
    if subtype in _SES_LISTS:
        return Details(is_on_providers_list=True, words=words or subtype)
    unexplained = GAVE_UP if bounce.get("bounceType") == "Transient" else ""
    likely = _SES_CODES.get(subtype, unexplained)
    return Details(status_code=_text(recipient, "status"), likely_code=likely, words=words)


_READERS: dict[str, Callable[[Event], Details]] = {
    "amazon-ses": _amazon_ses,
    "brevo": _brevo,
    "mailersend": _mailersend,
    "mailgun": _mailgun,
    "mailjet": _mailjet,
    "mailtrap": _mailtrap,
    "postmark": _postmark,
    "resend": _resend,
    "sendgrid": _sendgrid,
    "sparkpost": _sparkpost,
}
