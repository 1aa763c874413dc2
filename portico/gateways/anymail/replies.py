"""Replies of providers' APIs, classified by their meaning for a mail as replies of SMTP servers are."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from portico.gateways.smtp.replies import ReplyKind, SmtpReply, Stage, plain_text

# Nothing was processed: the account is limited, or the service is away.
_AWAY = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_ACCOUNT = {HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
_AWS_ACCOUNT_ERRORS = {
    *("AccountSuspendedException", "SendingPausedException", "LimitExceededException"),
    "MailFromDomainNotVerifiedException",
}
# Classes of requests, urllib3 and AWS's library.
_NOT_CONNECTED = {
    *("EndpointConnectionError", "NewConnectionError", "NameResolutionError", "ProxyError"),
    *("ConnectTimeout", "ConnectTimeoutError"),
}
_INPUT = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
# An unverified sender or domain, in the words of each provider. Nothing less is evidence: it delays every mail.
_ABOUT_SENDER = re.compile(
    r"sender|sending domain|\bfrom\.email\b|[`'\"]from[`'\"]|\bfrom (address|field|parameter|email)\b"
    r"|\bnot (been )?verified\b|\bunverified\b",
    re.IGNORECASE,
)


def taken(label: str, message_id: str) -> SmtpReply:
    """Returns the reply for a mail that the provider accepted under this id."""
    return SmtpReply(ReplyKind.TAKEN, Stage.CONTENT, "", plain_text(f"{label} accepted it as {message_id}"))


def refused_recipient(label: str, text: str, *, is_malformed: bool) -> SmtpReply:
    """Returns the reply for an address that the provider does not send to: malformed, or on its own list."""
    kind = ReplyKind.MAILBOX if is_malformed else ReplyKind.LISTED
    return SmtpReply(kind, Stage.RECIPIENT, "5.1.3" if is_malformed else "", plain_text(f"{label}: {text}"))


def unsupported(label: str, text: str) -> SmtpReply:
    """Returns the reply for a mail that the provider's API cannot express; nothing was sent."""
    return SmtpReply(ReplyKind.MESSAGE, Stage.CONTENT, "", plain_text(f"{label}: {text}"))


def from_status(status: int, text: str) -> SmtpReply:
    """Returns the reply for an HTTP status that is no success, with the text of the response."""
    plain = plain_text(text)
    if status in _AWAY:
        return SmtpReply(ReplyKind.OURS, Stage.CONNECT, str(status), plain)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.MULTIPLE_CHOICES:
        # It may have accepted the mail before the error, or its answer to success is not readable.
        return SmtpReply(ReplyKind.LOST, Stage.CONTENT, str(status), plain)
    if status in _INPUT:
        if _ABOUT_SENDER.search(plain):
            return SmtpReply(ReplyKind.OURS, Stage.SENDER, str(status), plain)
        return SmtpReply(ReplyKind.MESSAGE, Stage.CONTENT, str(status), plain)
    stage = Stage.SENDER if status != HTTPStatus.UNAUTHORIZED and _ABOUT_SENDER.search(plain) else Stage.LOGIN
    return SmtpReply(ReplyKind.OURS, stage if status in _ACCOUNT else Stage.CONNECT, str(status), plain)


def from_aws(response: Mapping[str, Any]) -> SmtpReply:  # Any: JSON.
    """Returns the reply for an error of Amazon SES, in the form of AWS's library."""
    error, status = response["Error"], response["ResponseMetadata"]["HTTPStatusCode"]
    text = f"{error.get('Code', '')}: {error.get('Message', '')}"
    if error.get("Code") in _AWS_ACCOUNT_ERRORS:
        return SmtpReply(ReplyKind.OURS, Stage.LOGIN, str(status), plain_text(text))
    return from_status(status, text)


def from_no_response(error: Any) -> SmtpReply:  # Any: an error of requests, which is imported late.
    """Returns the reply for a request without a response. Once connected, the provider may have accepted the mail."""
    cause = error.__cause__ or error
    names = {type(each).__name__ for each in _chain(cause)}
    text = plain_text(str(cause))
    if "SSLError" in names:
        return SmtpReply(ReplyKind.OURS, Stage.TLS, "", text)
    if names & {"NoCredentialsError", "PartialCredentialsError"}:
        return SmtpReply(ReplyKind.OURS, Stage.LOGIN, "", text)
    if names & _NOT_CONNECTED:
        return SmtpReply(ReplyKind.OURS, Stage.CONNECT, "", text)
    return SmtpReply(ReplyKind.LOST, Stage.CONTENT, "", text)


def _chain(error: BaseException) -> "list[BaseException]":
    """Returns the error with those inside: requests wraps urllib3's, which names its own as `reason`."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]  # Any: arguments of any kind.
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
    return found
