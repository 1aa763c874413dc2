"""Hands mails to a provider's API and returns its reply to each."""

import importlib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from portico.gateways.anymail import provider_url, replies
from portico.gateways.anymail.provider_url import ProviderAccount
from portico.gateways.anymail.providers import AMAZON_SES
from portico.gateways.smtp.replies import SmtpReply

# Seconds to connect, and to wait for the response; together less than the worker's lease on a mail.
TIMEOUT = (10, 20)
# The name under which a mail's tag comes back with events about it.
TAG = "portico_mail"
# Header fields that the provider does not write itself. Message-ID and Date are its own, unless it accepts ours.
_KEPT_FIELDS = ("Auto-Submitted",)


@dataclass(frozen=True)
class AnymailTransport:
    """An account at a provider. Sending does not raise for failures of the provider: the reply reports them."""

    account: ProviderAccount

    def send(
        self, message: bytes, *, sender: str, recipient: str, envelope_id: str = "", plain_sender: str = ""
    ) -> SmtpReply:
        """Sends the message, as `AnymailConnection.send` does."""
        with self.open() as connection:
            return connection.send(
                message, sender=sender, recipient=recipient, envelope_id=envelope_id, plain_sender=plain_sender
            )

    @contextmanager
    def open(self) -> "Iterator[AnymailConnection]":
        """Yields a connection for several mails in quick succession; opened by the first one, closed at the end."""
        connection = AnymailConnection(self.account)
        try:
            yield connection
        finally:
            connection.close()


def transport(url: str) -> AnymailTransport:
    """Returns the transport for EMAIL_URL. Raises ValueError, with a message, if it names no provider."""
    return AnymailTransport(provider_url.parse(url))


class AnymailConnection:
    """One HTTP session for several mails."""

    def __init__(self, account: ProviderAccount) -> None:
        self._account = account
        self._backend: Any = None  # Any: a backend of django-anymail, which has no types.

    def send(
        self, message: bytes, *, sender: str, recipient: str, envelope_id: str = "", plain_sender: str = ""
    ) -> SmtpReply:
        """Sends the message. Not to be called inside a database transaction.

        The provider has its own envelope sender, so `sender` and `plain_sender` are not used. `envelope_id` is passed
        as metadata, which comes back with each event about the mail, and with nothing else.
        """
        exceptions = importlib.import_module("anymail.exceptions")
        provider = self._account.provider
        mail = _built(message, self._account, recipient=recipient, tag=envelope_id)
        try:
            self._opened().send_messages([mail])
        except exceptions.AnymailRecipientsRefused as error:
            is_malformed = mail.anymail_status.status == {"invalid"}
            return replies.refused_recipient(provider.label, _text_of(error), is_malformed=is_malformed)
        except exceptions.AnymailAPIError as error:
            if error.response is None:
                return replies.from_no_response(error)
            if isinstance(error.response, dict):
                return replies.from_aws(error.response)
            return replies.from_status(error.response.status_code, _text_of(error))
        except exceptions.AnymailError as error:
            return replies.unsupported(provider.label, str(error.args[0]))
        return replies.taken(provider.label, str(mail.anymail_status.message_id))

    def close(self) -> None:
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def _opened(self) -> Any:  # Any: as above.
        if self._backend is None:
            self._backend = _backend(self._account)
            self._backend.open()
        return self._backend


def _backend(account: ProviderAccount) -> Any:  # Any: as above.
    provider = account.provider
    backend = importlib.import_module(provider.backend_module)
    if provider.name == AMAZON_SES:
        configuration_set = account.options.get("configuration_set")
        return backend.EmailBackend(client_params=aws_client(account), configuration_set_name=configuration_set)
    options = dict(account.options) | {provider.key_option: account.token}
    if provider.second_key_option:
        options[provider.second_key_option] = account.secret
    with warnings.catch_warnings():
        # django-anymail warns that it is no longer tested against SendGrid's own service. Neither is Portico.
        warnings.simplefilter("ignore")
        return backend.EmailBackend(api_url=account.api_url, timeout=TIMEOUT, **options)


def aws_client(account: ProviderAccount) -> dict[str, Any]:  # Any: values of several types.
    """Returns the options of AWS's library for the account. It would repeat a request that got no answer."""
    connecting, reading = TIMEOUT
    return {
        "aws_access_key_id": account.token,
        "aws_secret_access_key": account.secret,
        "region_name": account.options["region"],
        "endpoint_url": account.api_url or None,
        "config": {"connect_timeout": connecting, "read_timeout": reading, "retries": {"total_max_attempts": 1}},
    }


def _built(raw: bytes, account: ProviderAccount, *, recipient: str, tag: str) -> Any:  # Any: as above.
    """Returns the message in the form of the backends, which build the provider's request from its parts."""
    mail_module = importlib.import_module("anymail.message")
    parsed = message_from_bytes(raw, policy=policy.default)
    provider = account.provider
    kept = _KEPT_FIELDS if provider.takes_header_fields else ()
    headers = {name: str(parsed[name]) for name in kept if name in parsed}
    if provider.keeps_message_id:
        headers |= {"Message-ID": str(parsed["Message-ID"]), **provider.headers}
    mail = mail_module.AnymailMessage(
        subject=str(parsed["Subject"]),
        body=_content(parsed, "plain"),
        from_email=_mailbox(parsed, "From"),
        # The address of the envelope: a header field may have another form of it.
        to=[_mailbox(parsed, "To", address=recipient)],
        reply_to=[_mailbox(parsed, "Reply-To")] if "Reply-To" in parsed else [],
        headers=headers,
    )
    if html := _content(parsed, "html"):
        mail.attach_alternative(html, "text/html")
    for part in parsed.iter_attachments():
        mail.attach(part.get_filename(), part.get_payload(decode=True), part.get_content_type())
    if tag and provider.has_metadata:
        mail.metadata = {TAG: tag}
    elif tag:
        mail.tags = [tag]
    if provider.tracks_unless_told:
        mail.track_opens = mail.track_clicks = False
    return mail


def _content(parsed: EmailMessage, subtype: str) -> str:
    part = parsed.get_body((subtype,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


def _mailbox(parsed: EmailMessage, field: str, *, address: str = "") -> str:
    """Returns the name, always in quotes, and the address; not by `Address`, which refuses a non-ASCII local part."""
    (mailbox,) = parsed[field].addresses
    name = re.sub(r'(["\\])', r"\\\1", mailbox.display_name)
    address = address or mailbox.addr_spec
    return f'"{name}" <{address}>' if name else address


def _text_of(error: Any) -> str:  # Any: as above.
    """Returns the text of the provider's response, without our request, which an error's own text may contain."""
    return str(error.response.text) if error.response is not None else str(error.args[0])
