"""The email providers: how to call each, and what its webhook is verified by.

Left out are Scaleway, whose events django-anymail does not read; Mandrill, which checks a webhook's address before
there is a key to verify its requests with; Postal and Unisender Go, whose events were not compared with their
documentation. Their SMTP servers work.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class HookSecret(StrEnum):
    """The proof that a webhook event comes from the provider; it decides what EMAIL_HOOK_SECRET contains."""

    # HTTP basic authentication: user:password, which are also part of the URL that is entered at the provider.
    BASIC = "basic"
    # A key or secret that the provider shows, with which it signs each event.
    SIGNATURE = "signature"


@dataclass(frozen=True)
class Provider:
    """One provider. `key_option` and `second_key_option` name the options of its backend for the login in EMAIL_URL.

    `hook_option` is the option of its webhook view for the secret; empty if the view does not verify signatures itself.
    """

    name: str
    label: str
    api_url: str
    hook_view: str
    key_option: str = "api_key"
    second_key_option: str = ""
    hook_secret: HookSecret = HookSecret.BASIC
    hook_option: str = "webhook_secret"
    # Options of the backend that EMAIL_URL may set as query parameters; the first is required if `needs_option`.
    options: tuple[str, ...] = ()
    needs_option: bool = False
    # A library that is not installed with Portico.
    library: str = ""
    # Opens and clicks are never tracked. Other providers track only if that is turned on in the account.
    tracks_unless_told: bool = False
    # Whether the provider accepts our Message-ID, and header fields that it needs for this.
    keeps_message_id: bool = False
    # Whether it returns metadata with its events; otherwise the mail's tag is one of the provider's own tags.
    has_metadata: bool = True
    # Whether every account may set other header fields.
    takes_header_fields: bool = True
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def backend_module(self) -> str:
        return f"anymail.backends.{self.name.replace('-', '_')}"

    @property
    def hook_module(self) -> str:
        return f"anymail.webhooks.{self.name.replace('-', '_')}"


# Called through AWS's own library, with other options than the others.
AMAZON_SES = "amazon-ses"
PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider(
            AMAZON_SES,
            "Amazon SES",
            "",
            "AmazonSESTrackingWebhookView",
            second_key_option="secret",
            options=("region", "configuration_set"),
            needs_option=True,
            library="boto3",
        ),
        Provider(
            "brevo",
            "Brevo",
            "https://api.brevo.com/v3/",
            "BrevoTrackingWebhookView",
        ),
        Provider(
            "mailersend",
            "MailerSend",
            "https://api.mailersend.com/v1/",
            "MailerSendTrackingWebhookView",
            key_option="api_token",
            hook_secret=HookSecret.SIGNATURE,
            hook_option="signing_secret",
            tracks_unless_told=True,
            has_metadata=False,
            takes_header_fields=False,
        ),
        Provider(
            "mailgun",
            "Mailgun",
            "https://api.mailgun.net/v3/",
            "MailgunTrackingWebhookView",
            hook_secret=HookSecret.SIGNATURE,
            hook_option="webhook_signing_key",
            options=("sender_domain",),
            tracks_unless_told=True,
            keeps_message_id=True,
        ),
        Provider(
            "mailjet",
            "Mailjet",
            "https://api.mailjet.com/v3.1/",
            "MailjetTrackingWebhookView",
            second_key_option="secret_key",
            tracks_unless_told=True,
        ),
        Provider(
            "mailtrap",
            "Mailtrap",
            "https://send.api.mailtrap.io/api/",
            "MailtrapTrackingWebhookView",
            key_option="api_token",
            hook_secret=HookSecret.SIGNATURE,
            hook_option="tracking_secret",
        ),
        Provider(
            "postmark",
            "Postmark",
            "https://api.postmarkapp.com/",
            "PostmarkTrackingWebhookView",
            key_option="server_token",
            options=("message_stream",),
            tracks_unless_told=True,
            keeps_message_id=True,
            headers={"X-PM-KeepID": "true"},
        ),
        Provider(
            "resend",
            "Resend",
            "https://api.resend.com/",
            "ResendTrackingWebhookView",
            hook_secret=HookSecret.SIGNATURE,
            hook_option="",
        ),
        Provider(
            "sendgrid",
            "SendGrid",
            "https://api.sendgrid.com/v3/",
            "SendGridTrackingWebhookView",
            hook_secret=HookSecret.SIGNATURE,
            hook_option="tracking_webhook_verification_key",
            tracks_unless_told=True,
            keeps_message_id=True,
        ),
        Provider(
            "sparkpost",
            "SparkPost",
            "https://api.sparkpost.com/api/v1/",
            "SparkPostTrackingWebhookView",
            options=("subaccount",),
            tracks_unless_told=True,
        ),
    )
}
