"""Events of each provider, as its documentation shows them, about a mail with a tag; and requests that carry them.

Sources are named in portico/gateways/anymail/event_details.py.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import RequestFactory

from portico.gateways.anymail import provider_url, svix_signature
from portico.gateways.anymail.provider_url import ProviderAccount
from portico.gateways.anymail.providers import PROVIDERS
from portico.gateways.anymail.transport import TAG

type Json = dict[str, Any]  # Any: JSON.

AT = 1_780_142_400
BASIC = "portico:a-password-of-20-signs"
MAILGUN_KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
MAILERSEND_SECRET = "gYqg9nJdVzqMcOqyKMXS2fA5jvXk1uYz"
MAILTRAP_SECRET = "8d1d8a6ec0e5fd0c3a0e6c9ee8bd2f6d"
RESEND_SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()
_SENDGRID_KEY = ec.derive_private_key(4242, ec.SECP256R1())
SENDGRID_PUBLIC_KEY = base64.b64encode(
    _SENDGRID_KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()

SECRETS = {
    "amazon-ses": BASIC,
    "brevo": BASIC,
    "mailersend": MAILERSEND_SECRET,
    "mailgun": MAILGUN_KEY,
    "mailjet": BASIC,
    "mailtrap": MAILTRAP_SECRET,
    "postmark": BASIC,
    "resend": RESEND_SECRET,
    "sendgrid": SENDGRID_PUBLIC_KEY,
    "sparkpost": BASIC,
}
TOPIC = "arn:aws:sns:us-east-1:123456789012:portal"
TIME = "2026-05-30T12:00:01.000Z"
GONE = "550 5.1.1 The email account that you tried to reach does not exist."
DISTRUST = "550 5.7.26 This mail is unauthenticated, which poses a security risk."
FULL = "552 5.2.2 The recipient's mailbox is full."
SLOW = "451 4.3.0 Temporary server error. Please try again later"


@dataclass(frozen=True)
class Recorded:
    """The body of a request about a mail, and what it says: kind and status code; an empty kind for nothing."""

    provider: str
    name: str
    body: Any  # Any: JSON.
    kind: str
    code: str = ""
    words: str = ""

    def __str__(self) -> str:
        return f"{self.provider} {self.name}"


def all_events(tag: str) -> list[Recorded]:
    """Returns every recorded event, about the mail with this tag."""
    return [
        *_postmark(tag),
        *_sendgrid(tag),
        *_mailgun(tag),
        *_brevo(tag),
        *_mailersend(tag),
        *_mailjet(tag),
        *_resend(tag),
        *_sparkpost(tag),
        *_mailtrap(tag),
        *_amazon_ses(tag),
    ]


def _postmark(tag: str) -> list[Recorded]:
    def bounce(kind: str, details: str = "", **more: object) -> Json:
        return {
            "RecordType": "Bounce", "MessageStream": "outbound", "ID": 4323372036854775807, "Type": kind,
            "TypeCode": 1, "Name": kind, "Tag": "", "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
            "Metadata": {TAG: tag}, "ServerID": 23, "Description": "The server was unable to deliver your message.",
            "Details": details, "Email": "ana@mail.example", "From": "portal@portico.example",
            "BouncedAt": "2026-05-30T12:00:00.2735393-00:00", "DumpAvailable": True, "Inactive": True,
            "CanActivate": True, "Subject": "Hello", "Content": "",
        } | more  # fmt: skip

    delivery = {
        "RecordType": "Delivery", "ServerID": 23, "MessageStream": "outbound",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483", "Recipient": "ana@mail.example", "Tag": "",
        "DeliveredAt": "2026-05-30T12:00:00-00:00", "Details": "smtp;250 2.0.0 OK", "Metadata": {TAG: tag},
    }  # fmt: skip
    opened = {"RecordType": "Open", "FirstOpen": True, "Recipient": "ana@mail.example", "Metadata": {TAG: tag}}
    suppressed = {
        "RecordType": "SubscriptionChange", "Recipient": "ana@mail.example", "SuppressSending": True,
        "SuppressionReason": "HardBounce", "ChangedAt": "2026-05-30T12:00:00Z", "Metadata": {TAG: tag},
    }  # fmt: skip
    return [
        Recorded("postmark", "delivered", delivery, "delivered"),
        Recorded("postmark", "gone", bounce("HardBounce", f"smtp;{GONE}"), "failed", "5.1.1", GONE),
        Recorded("postmark", "gone without a code", bounce("HardBounce"), "failed", "", "unable to deliver"),
        Recorded("postmark", "distrust", bounce("Blocked", f"smtp;{DISTRUST}"), "failed", "5.7.26", DISTRUST),
        Recorded("postmark", "blocked without a code", bounce("Blocked"), "failed", "5.7.1"),
        Recorded("postmark", "DMARC", bounce("DMARCPolicy"), "failed", "5.7.1"),
        Recorded("postmark", "malformed", bounce("BadEmailAddress"), "failed", "5.1.3"),
        Recorded("postmark", "full", bounce("SoftBounce", "smtp;552 5.2.2 Over quota"), "failed", "5.2.2"),
        Recorded("postmark", "slow", bounce("Transient", f"smtp;{SLOW}"), "delayed", "4.3.0", SLOW),
        Recorded("postmark", "on its list", bounce("ManuallyDeactivated"), "rejected"),
        Recorded("postmark", "away", bounce("AutoResponder", "I am away."), "auto_replied"),
        Recorded("postmark", "spam", bounce("SpamComplaint", RecordType="SpamComplaint", TypeCode=512), "complained"),
        Recorded("postmark", "opened", opened, ""),
        Recorded("postmark", "suppressed after a bounce", suppressed, ""),
    ]


def _sendgrid(tag: str) -> list[Recorded]:
    def event(kind: str, **more: object) -> list[Json]:
        return [
            {
                "email": "ana@mail.example", "timestamp": AT, "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
                "event": kind, "category": [], "sg_event_id": "rbtnWrG1DVDGGGFHFyun0A==",
                "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", TAG: tag,
            } | more
        ]  # fmt: skip

    return [
        Recorded("sendgrid", "delivered", event("delivered", response="250 OK"), "delivered"),
        Recorded(
            "sendgrid", "gone", event("bounce", type="bounce", status="5.0.0", reason=GONE), "failed", "5.1.1", GONE
        ),
        Recorded(
            "sendgrid",
            "unexplained",
            event("bounce", type="bounce", status="5.0.0", reason="500 no"),
            "failed",
            "5.0.0",
        ),
        Recorded(
            "sendgrid",
            "distrust",
            event("bounce", type="blocked", status="5.0.0", reason="554 spam"),
            "failed",
            "5.7.1",
        ),
        Recorded("sendgrid", "slow", event("deferred", response=SLOW, attempt="5"), "delayed", "4.3.0", SLOW),
        Recorded(
            "sendgrid", "full", event("bounce", type="bounce", status="5.2.2", reason=FULL), "failed", "5.2.2", FULL
        ),
        Recorded("sendgrid", "on its list", event("dropped", reason="Bounced Address", status="5.0.0"), "rejected"),
        Recorded("sendgrid", "malformed", event("dropped", reason="Invalid"), "failed", "5.1.3"),
        Recorded("sendgrid", "not sent", event("dropped", reason="Spam Content"), "failed", "5.3.0"),
        Recorded("sendgrid", "spam", event("spamreport"), "complained"),
        Recorded("sendgrid", "opened", event("open"), ""),
    ]


def _mailgun(tag: str) -> list[Recorded]:
    def event(kind: str, **more: object) -> Json:
        facts = {
            "event": kind, "id": "G9Bn5sl1TC6nu79C8C0bwg", "timestamp": AT + 0.25, "recipient": "ana@mail.example",
            "recipient-domain": "mail.example", "log-level": "info", "tags": [], "flags": {}, "envelope": {},
            "message": {"headers": {"message-id": "20130503182626.18666.16540@portico.example"}},
            "user-variables": {TAG: tag},
        }  # fmt: skip
        return {"event-data": facts | more}

    def failed(reason: str, severity: str = "permanent", **status: object) -> Json:
        return event("failed", severity=severity, reason=reason, **{"delivery-status": {"code": 550, **status}})

    return [
        Recorded(
            "mailgun",
            "delivered",
            event("delivered", **{"delivery-status": {"code": 250, "message": "OK"}}),
            "delivered",
        ),
        Recorded("mailgun", "gone", failed("bounce", message=GONE), "failed", "5.1.1", GONE),
        Recorded(
            "mailgun", "gone by code", failed("bounce", message="no", **{"enhanced-code": "5.1.1"}), "failed", "5.1.1"
        ),
        Recorded("mailgun", "distrust", failed("bounce", message=DISTRUST), "failed", "5.7.26", DISTRUST),
        Recorded("mailgun", "full", failed("bounce", message=FULL, code=552), "failed", "5.2.2", FULL),
        Recorded("mailgun", "on its list", failed("suppress-bounce", message="", code=605), "rejected"),
        Recorded("mailgun", "complained before", failed("suppress-complaint", code=607), "rejected"),
        Recorded("mailgun", "slow", failed("generic", "temporary", message=SLOW), "delayed", "4.3.0", SLOW),
        Recorded(
            "mailgun", "not sent", event("rejected", reject={"reason": "Sandbox", "description": ""}), "failed", "5.3.0"
        ),
        Recorded("mailgun", "spam", event("complained"), "complained"),
        Recorded("mailgun", "opened", event("opened"), ""),
    ]


def _brevo(tag: str) -> list[Recorded]:
    def event(kind: str, **more: object) -> Json:
        return {
            "event": kind, "email": "ana@mail.example", "id": 26224, "date": "2026-05-30 12:00:00", "ts": AT,
            "message-id": "<201798300811.5787683@relay.domain.com>", "ts_event": AT, "ts_epoch": AT * 1000,
            "subject": "Hello", "X-Mailin-custom": json.dumps({TAG: tag}), "sending_ip": "185.41.28.109",
        } | more  # fmt: skip

    return [
        Recorded("brevo", "delivered", event("delivered"), "delivered"),
        Recorded("brevo", "gone", event("hard_bounce", reason=GONE), "failed", "5.1.1", GONE),
        Recorded("brevo", "distrust", event("hard_bounce", reason=DISTRUST), "failed", "5.7.26", DISTRUST),
        Recorded("brevo", "unexplained", event("hard_bounce", reason="server is down"), "failed", ""),
        Recorded("brevo", "gave up", event("soft_bounce", reason="server is down"), "failed", "4.4.7"),
        Recorded("brevo", "full", event("soft_bounce", reason=FULL), "failed", "5.2.2", FULL),
        Recorded("brevo", "slow", event("deferred", reason=SLOW), "delayed", "4.3.0", SLOW),
        Recorded("brevo", "malformed", event("invalid_email"), "failed", "5.1.3"),
        Recorded("brevo", "on its list", event("blocked"), "rejected"),
        Recorded("brevo", "not sent", event("error", reason="account"), "failed", "5.3.0"),
        Recorded("brevo", "spam", event("spam"), "complained"),
        Recorded("brevo", "requested", event("request"), ""),
    ]


def _mailersend(tag: str) -> list[Recorded]:
    def activity(kind: str, morph: Json | None = None, *, number: int = 1) -> Json:
        mail = {
            "object": "email", "id": "63fd1c1de225707fa905f0a8", "created_at": TIME, "from": "portal@portico.example",
            "subject": "Hello", "status": "sent", "tags": [tag],
            "message": {"object": "message", "id": "63fd1c1d5f010335ed07066b", "created_at": TIME},
            "recipient": {"object": "recipient", "id": "63f3bb19", "email": "ana@mail.example", "created_at": TIME},
        }  # fmt: skip
        data: Json = {"object": "activity", "id": f"63fd1c1d31b9c750540fe8{number}", "type": kind, "created_at": TIME}
        data |= {"email": mail, "morph": morph, "template_id": ""}
        return {
            "type": f"activity.{kind}", "domain_id": "a", "created_at": TIME, "webhook_id": "b",
            "url": "https://portal.example/hooks/mail/mailersend/", "data": data,
        }  # fmt: skip

    def bounce(kind: str, reason: str, number: int) -> Json:
        return activity(kind, {"object": "recipient_bounce", "reason": reason}, number=number)

    complaint = {"object": "spam_complaint", "reason": None}
    no_domain, unknown = "Host or domain name not found", "Unknown reason"
    return [
        Recorded("mailersend", "delivered", activity("delivered"), "delivered"),
        Recorded("mailersend", "unexplained", bounce("hard_bounced", unknown, 2), "failed", "", unknown),
        Recorded("mailersend", "no domain", bounce("hard_bounced", no_domain, 3), "failed", "5.1.2", no_domain),
        Recorded("mailersend", "gone", bounce("hard_bounced", GONE, 4), "failed", "5.1.1", GONE),
        Recorded("mailersend", "gave up", bounce("soft_bounced", unknown, 5), "failed", "4.4.7"),
        Recorded("mailersend", "full", bounce("soft_bounced", FULL, 7), "failed", "5.2.2", FULL),
        Recorded("mailersend", "slow", bounce("deferred", SLOW, 6), "delayed", "4.3.0", SLOW),
        Recorded("mailersend", "spam", activity("spam_complaint", complaint), "complained"),
        Recorded("mailersend", "opened", activity("opened", {"object": "open"}), ""),
        Recorded("mailersend", "sent", activity("sent"), ""),
    ]


def _mailjet(tag: str) -> list[Recorded]:
    def event(kind: str, **more: object) -> list[Json]:
        return [
            {
                "event": kind, "time": AT, "MessageID": 13792286917004336, "email": "ana@mail.example",
                "mj_campaign_id": 7276, "mj_contact_id": 320, "customcampaign": "", "CustomID": "",
                "Payload": json.dumps({TAG: tag}),
            } | more
        ]  # fmt: skip

    def bounce(error: str, *, hard: bool = True, kind: str = "bounce") -> list[Json]:
        return event(kind, blocked=False, hard_bounce=hard, error_related_to="recipient", error=error, comment="")

    return [
        Recorded("mailjet", "delivered", event("sent", smtp_reply="sent (250 2.0.0 OK)"), "delivered"),
        Recorded("mailjet", "gone", bounce("user unknown"), "failed", "5.1.1", "user unknown"),
        Recorded("mailjet", "no domain", bounce("invalid domain"), "failed", "5.1.2"),
        Recorded("mailjet", "full", bounce("quota exceeded", hard=False), "failed", "5.2.2"),
        Recorded("mailjet", "distrust", bounce("policy issue", hard=False), "failed", "5.7.1"),
        Recorded("mailjet", "slow", bounce("greylisted", hard=False), "delayed", ""),
        Recorded("mailjet", "on its list", bounce("preblocked", kind="blocked"), "rejected"),
        Recorded("mailjet", "spam", event("spam", source="JMRPP"), "complained"),
        Recorded("mailjet", "opened", event("open"), ""),
    ]


def _resend(tag: str) -> list[Recorded]:
    def event(kind: str, **more: object) -> Json:
        data = {
            "created_at": "2026-05-30 11:59:59+00", "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
            "from": "Alder Street <portal@portico.example>", "to": ["ana@mail.example"], "subject": "Hello",
            "headers": [{"name": "X-Metadata", "value": json.dumps({TAG: tag})}],
        }  # fmt: skip
        return {"type": kind, "created_at": "2026-05-30T12:00:00.000Z", "data": data | more}

    def bounce(kind: str, subtype: str) -> Json:
        return event("email.bounced", bounce={"message": "A hard bounce message.", "type": kind, "subType": subtype})

    return [
        Recorded("resend", "delivered", event("email.delivered"), "delivered"),
        Recorded("resend", "gone", bounce("Permanent", "NoEmail"), "failed", "5.1.1"),
        Recorded("resend", "unexplained", bounce("Permanent", "General"), "failed", ""),
        Recorded("resend", "full", bounce("Transient", "MailboxFull"), "failed", "5.2.2"),
        Recorded("resend", "gave up", bounce("Transient", "General"), "failed", "4.4.7"),
        Recorded("resend", "on its list", bounce("Permanent", "Suppressed"), "rejected"),
        Recorded("resend", "slow", event("email.delivery_delayed"), "delayed"),
        Recorded("resend", "spam", event("email.complained"), "complained"),
        Recorded("resend", "opened", event("email.opened"), ""),
    ]


def _sparkpost(tag: str) -> list[Recorded]:
    def event(kind: str, **more: object) -> list[Json]:
        facts = {
            "type": kind, "event_id": "92356927693813856", "message_id": "000443ee14578172be22", "timestamp": str(AT),
            "transmission_id": "65832150921904138", "rcpt_to": "ana@mail.example", "raw_rcpt_to": "ana@mail.example",
            "rcpt_meta": {TAG: tag}, "routing_domain": "mail.example", "ip_address": "127.0.0.1",
        }  # fmt: skip
        return [{"msys": {"message_event": facts | more}}]

    def bounce(bounce_class: str, reply: str, kind: str = "bounce") -> list[Json]:
        return event(kind, bounce_class=bounce_class, error_code="550", reason=reply, raw_reason=reply)

    return [
        Recorded("sparkpost", "delivered", event("delivery"), "delivered"),
        Recorded("sparkpost", "gone", bounce("10", GONE), "failed", "5.1.1", GONE),
        Recorded("sparkpost", "gone later", bounce("10", "550 no such user", "out_of_band"), "failed", "5.1.1"),
        Recorded("sparkpost", "distrust", bounce("50", "554 blocked"), "failed", "5.7.1"),
        Recorded("sparkpost", "full", bounce("22", "552 full"), "failed", "5.2.2"),
        Recorded("sparkpost", "slow", bounce("70", SLOW, "delay"), "delayed", "4.3.0", SLOW),
        Recorded(
            "sparkpost", "on its list",
            event("policy_rejection", reason="550 5.7.1 recipient address suppressed due to policy"), "rejected",
        ),
        Recorded("sparkpost", "spam", event("spam_complaint"), "complained"),
        Recorded("sparkpost", "away", bounce("60", "", "out_of_band"), "auto_replied"),
        Recorded("sparkpost", "ping", [{"msys": {}}], ""),
    ]  # fmt: skip


def _mailtrap(tag: str) -> list[Recorded]:
    def event(kind: str, **more: object) -> Json:
        facts = {
            "event": kind, "message_id": "ce7d6f9e-6f1c-4a6d-8c62-5c1e4a2f5b3d", "sending_stream": "transactional",
            "email": "ana@mail.example", "timestamp": AT, "event_id": "9b2a6d2e-0f2f-4a69-9c4f-1b5e8a1d6f7a",
            "custom_variables": {TAG: tag},
        }  # fmt: skip
        return {"events": [facts | more]}

    return [
        Recorded("mailtrap", "delivered", event("delivery"), "delivered"),
        Recorded(
            "mailtrap", "gone", event("bounce", response=GONE, bounce_category="badmailbox"), "failed", "5.1.1", GONE
        ),
        Recorded("mailtrap", "distrust", event("bounce", response=DISTRUST), "failed", "5.7.26", DISTRUST),
        Recorded("mailtrap", "slow", event("soft bounce", response=SLOW), "delayed", "4.3.0", SLOW),
        Recorded("mailtrap", "full", event("bounce", response=FULL), "failed", "5.2.2", FULL),
        Recorded("mailtrap", "on its list", event("reject", reason="Recipient in suppression list"), "rejected"),
        Recorded("mailtrap", "not sent", event("reject", reason="Daily limit"), "failed", "5.3.0"),
        Recorded("mailtrap", "spam", event("spam"), "complained"),
        Recorded("mailtrap", "account suspended", event("suspension"), ""),
    ]


def _amazon_ses(tag: str) -> list[Recorded]:
    def event(kind: str, **more: object) -> Json:
        mail = {
            "timestamp": "2026-05-30T12:00:00.000Z", "source": "portal@portico.example",
            "messageId": "EXAMPLE7c191be45", "destination": ["ana@mail.example"], "headersTruncated": False,
            "headers": [{"name": "X-Metadata", "value": json.dumps({TAG: tag})}],
        }  # fmt: skip
        return {"eventType": kind, "mail": mail} | more

    def bounce(kind: str, subtype: str, status: str = "", reply: str = "") -> Json:
        recipient = {"emailAddress": "ana@mail.example", "action": "failed", "status": status, "diagnosticCode": reply}
        return event("Bounce", bounce={"bounceType": kind, "bounceSubType": subtype, "bouncedRecipients": [recipient]})

    delivery = {"recipients": ["ana@mail.example"], "smtpResponse": "250 2.0.0 OK", "reportingMTA": "a8-50.example"}
    complaint = {"complainedRecipients": [{"emailAddress": "ana@mail.example"}], "complaintFeedbackType": "abuse"}
    delayed = {"emailAddress": "ana@mail.example", "status": "4.3.0", "diagnosticCode": SLOW}
    delay = {"delayType": "TransientCommunicationFailure", "delayedRecipients": [delayed]}
    return [
        Recorded("amazon-ses", "delivered", event("Delivery", delivery=delivery), "delivered"),
        Recorded(
            "amazon-ses", "gone", bounce("Permanent", "General", "5.1.1", f"smtp; {GONE}"), "failed", "5.1.1", GONE
        ),
        Recorded("amazon-ses", "slow", event("DeliveryDelay", deliveryDelay=delay), "delayed", "4.3.0", SLOW),
        Recorded("amazon-ses", "gone by subtype", bounce("Permanent", "NoEmail"), "failed", "5.1.1"),
        Recorded("amazon-ses", "unexplained", bounce("Permanent", "General"), "failed", ""),
        Recorded("amazon-ses", "full", bounce("Transient", "MailboxFull"), "failed", "5.2.2"),
        Recorded("amazon-ses", "gave up", bounce("Transient", "General"), "failed", "4.4.7"),
        Recorded("amazon-ses", "distrust", bounce("Transient", "General", "5.7.26", DISTRUST), "failed", "5.7.26"),
        Recorded("amazon-ses", "on its list", bounce("Permanent", "OnAccountSuppressionList"), "rejected"),
        Recorded("amazon-ses", "not sent", event("Reject", reject={"reason": "Bad content"}), "failed", "5.6.0"),
        Recorded("amazon-ses", "spam", event("Complaint", complaint=complaint), "complained"),
        Recorded("amazon-ses", "sent", event("Send", send={}), ""),
    ]


def account_at(provider: str) -> ProviderAccount:
    """Returns an account at the provider."""
    login = "key:secret" if PROVIDERS[provider].second_key_option else "key"
    return provider_url.parse(f"anymail+{provider}://{login}@{'?region=us-east-1' * (provider == 'amazon-ses')}")


def request_with(provider: str, body: Any, *, secret: str = "", token: str = "one") -> Any:  # Any: JSON; a request.
    """Returns the provider's request with this body, signed with the secret, or with that of SECRETS."""
    if provider == "mailgun":
        body = _mailgun_signed(body, secret or MAILGUN_KEY, token)
    if provider == "amazon-ses":
        body = {
            "Type": "Notification",
            "MessageId": token,
            "TopicArn": TOPIC,
            "Message": json.dumps(body),
            "Timestamp": TIME,
        }
    raw = json.dumps(body).encode()
    headers = _headers(provider, raw, secret or SECRETS[provider])
    return RequestFactory().post(f"/hooks/mail/{provider}/", raw, content_type="application/json", headers=headers)


def _mailgun_signed(body: Json, key: str, token: str) -> Json:
    signature = hmac.new(key.encode(), f"{AT}{token}".encode(), hashlib.sha256).hexdigest()
    return body | {"signature": {"timestamp": str(AT), "token": token, "signature": signature}}


def _headers(provider: str, raw: bytes, secret: str) -> dict[str, str]:
    match provider:
        case "mailgun":
            return {}
        case "amazon-ses":
            login = {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
            return login | {
                "x-amz-sns-message-type": "Notification",
                "x-amz-sns-message-id": json.loads(raw)["MessageId"],
            }
        case "mailersend":
            return {"Signature": hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}
        case "mailtrap":
            return {"Mailtrap-Signature": hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}
        case "resend":
            now = str(int(datetime.now(UTC).timestamp()))
            signature = svix_signature.signature(raw, identifier="msg_1", timestamp=now, secret=secret)
            return {"svix-id": "msg_1", "svix-timestamp": now, "svix-signature": f"v1,other v1,{signature}"}
        case "sendgrid":
            key = _SENDGRID_KEY if secret == SENDGRID_PUBLIC_KEY else ec.derive_private_key(4343, ec.SECP256R1())
            signature = base64.b64encode(key.sign(str(AT).encode() + raw, ec.ECDSA(hashes.SHA256()))).decode()
            return {
                "X-Twilio-Email-Event-Webhook-Signature": signature,
                "X-Twilio-Email-Event-Webhook-Timestamp": str(AT),
            }
        case _:
            return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
