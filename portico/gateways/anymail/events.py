"""Events of providers' webhooks: verified, and read as facts about one of our mails.

django-anymail reads the events of each provider into one form. What it does not tell apart is read from the event
itself by `event_details`: above all whether the mailbox does not exist, or the receiving server refused us.
"""

import hashlib
import importlib
import json
import warnings
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.http import HttpRequest

from portico import enhanced_status_codes
from portico.gateways.anymail import event_details, svix_signature
from portico.gateways.anymail.event_details import Details
from portico.gateways.anymail.provider_url import ProviderAccount
from portico.gateways.anymail.providers import AMAZON_SES, Provider
from portico.gateways.anymail.transport import TAG, aws_client

_WORDS_LENGTH = 300


class SignatureInvalid(Exception):
    """The request does not prove that it comes from the provider."""


class PayloadInvalid(Exception):
    """The request comes from the provider, but is no event that can be read."""


class ProviderEventKind(StrEnum):
    """The fact that an event states about a mail; the values are those of delivery reports."""

    DELIVERED = "delivered"
    DELAYED = "delayed"
    FAILED = "failed"
    # The provider did not even try: the address is on its own list.
    REJECTED = "rejected"
    COMPLAINED = "complained"
    AUTO_REPLIED = "auto_replied"


# By django-anymail's event types. The others (opened, clicked, queued, …) are not facts about delivery.
_KINDS = {
    "delivered": ProviderEventKind.DELIVERED,
    "deferred": ProviderEventKind.DELAYED,
    "bounced": ProviderEventKind.FAILED,
    "failed": ProviderEventKind.FAILED,
    "rejected": ProviderEventKind.FAILED,
    "complained": ProviderEventKind.COMPLAINED,
    "autoresponded": ProviderEventKind.AUTO_REPLIED,
}


@dataclass(frozen=True)
class ProviderEvent:
    """An event about the mail with this tag. `key` is the same each time the provider sends the event.

    `status_code` is an enhanced status code (RFC 3463) or empty; `happened_at` is None if the event does not say.
    """

    tag: str
    key: str
    kind: ProviderEventKind
    status_code: str
    words: str
    remote_server: str
    happened_at: datetime | None


def read(request: HttpRequest, account: ProviderAccount, *, secret: str) -> list[ProviderEvent]:
    """Returns the events about mails of ours in the request; others, such as opened mails, are left out.

    Raises SignatureInvalid and PayloadInvalid.
    """
    exceptions, provider = importlib.import_module("anymail.exceptions"), account.provider
    try:
        view = _view(account, secret)
        if provider.hook_option:
            view.run_validators(request)
        else:
            svix_signature.verify(request.body, request.headers, secret=secret)
    except (exceptions.AnymailWebhookValidationFailure, svix_signature.Mismatch) as error:
        raise SignatureInvalid(str(error)) from error
    except ValueError as error:  # Signed events of which the signature itself is malformed.
        raise SignatureInvalid("The signature is malformed.") from error
    try:
        events = view.parse_events(request)
        found = [_read(event, provider) for event in events]
    except (
        *(exceptions.AnymailError, exceptions.AnymailConfigurationError),
        *(ValueError, KeyError, TypeError, AttributeError, IndexError),
        *_library_errors(provider),
    ) as error:
        raise PayloadInvalid(type(error).__name__) from error
    return [event for event in found if event is not None]


def _library_errors(provider: Provider) -> tuple[type[Exception], ...]:
    """Returns the errors of AWS's library, which confirms the subscription of the webhook."""
    if provider.name != AMAZON_SES:
        return ()
    errors = importlib.import_module("botocore.exceptions")
    return (errors.BotoCoreError, errors.ClientError)


def _view(account: ProviderAccount, secret: str) -> Any:  # Any: a view of django-anymail, which has no types.
    provider = account.provider
    view_class = getattr(importlib.import_module(provider.hook_module), provider.hook_view)
    # A view that has no other secret warns; the request is verified by us before.
    options: dict[str, Any] = {provider.hook_option: secret} if provider.hook_option else {}  # Any: as in AWS.
    if provider.name == AMAZON_SES:
        # It confirms the subscription of its own webhook, once.
        options["client_params"] = aws_client(account)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return view_class(**options)


def _read(event: Any, provider: Provider) -> ProviderEvent | None:  # Any: django-anymail's own event.
    details = event_details.of(provider.name, event.esp_event)
    kind = ProviderEventKind.DELAYED if details.is_delay else _KINDS.get(event.event_type)
    tag = _tag_of(event, provider)
    if kind is None or details.is_ignored or not isinstance(tag, str):
        return None
    words = details.words or event.mta_response or event.description or ""
    if kind is ProviderEventKind.FAILED and details.is_on_providers_list:
        kind = ProviderEventKind.REJECTED
    return ProviderEvent(
        tag=tag,
        key=_key(event, provider),
        kind=kind,
        status_code=_status_code(kind, details, str(words)),
        words=str(words)[:_WORDS_LENGTH],
        remote_server=str(event.recipient or "").rpartition("@")[2].lower(),
        happened_at=event.timestamp,
    )


def _tag_of(event: Any, provider: Provider) -> object:  # Any: as above.
    """Returns the tag that we sent with the mail, or whatever stands in its place."""
    if provider.has_metadata:
        return event.metadata.get(TAG) if isinstance(event.metadata, dict) else None
    # The only one that we send.
    return next(iter(event.tags), None) if isinstance(event.tags, list) else None


def _status_code(kind: ProviderEventKind, details: Details, words: str) -> str:
    """Returns the code that the provider states, else the one in the server's reply, else the one of its reason.

    Providers state 5.0.0 also where the reply itself is clearer.
    """
    if kind not in {ProviderEventKind.FAILED, ProviderEventKind.DELAYED}:
        return ""
    codes = enhanced_status_codes.all_in(f"{details.status_code} {words}")
    clear = [code for code in codes if not code.endswith(".0.0")]
    likely = [details.likely_code] if kind is ProviderEventKind.FAILED and details.likely_code else []
    return next(iter([*clear, *likely, *codes]), "")


def _key(event: Any, provider: Provider) -> str:  # Any: as above.
    """Returns the provider's id of the event, if it is one for ever, else a digest of the event.

    A repeated event has the same content; Mailgun signs it again, with another token.
    """
    if event.event_id and provider.name in _LASTING_IDS:
        return str(event.event_id)[:128]
    content = {name: value for name, value in event.esp_event.items() if name != "signature"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


_LASTING_IDS = {AMAZON_SES, "mailersend", "sendgrid", "resend", "sparkpost", "mailtrap"}
