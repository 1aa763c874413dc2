"""Requests for delivery reports (DSN, RFC 3461), whose parameters aiosmtpd refuses."""

from aiosmtpd.smtp import SMTP

MAIL_PARAMETERS = ("RET=", "ENVID=")
RCPT_PARAMETERS = ("NOTIFY=", "ORCPT=")


class DsnSmtp(SMTP):
    """aiosmtpd's server, which also accepts the parameters of DSN, and adds them unchanged to the envelope's options.

    The handler announces them: `handle_EHLO` returns `with_dsn(responses)`.
    """

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        rest, parameters = _split(arg, MAIL_PARAMETERS)
        await super().smtp_MAIL(rest)
        if self.envelope is not None:
            self.envelope.mail_options += parameters

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        rest, parameters = _split(arg, RCPT_PARAMETERS)
        await super().smtp_RCPT(rest)
        if self.envelope is not None:
            self.envelope.rcpt_options += parameters


def with_dsn(responses: list[str]) -> list[str]:
    """Returns the lines of the reply to EHLO, with DSN before the last one."""
    return [*responses[:-1], "250-DSN", responses[-1]]


def parameter(options: list[str], name: str) -> str:
    """Returns the value of a parameter such as "ENVID", or ""."""
    start = f"{name}="
    return next((each[len(start) :] for each in options if each.upper().startswith(start)), "")


def _split(arg: str | None, names: tuple[str, ...]) -> tuple[str | None, list[str]]:
    """Returns the argument of a command without these parameters, and the parameters."""
    words = (arg or "").split(" ")
    parameters = [word for word in words if word.upper().startswith(names)]
    return (" ".join(word for word in words if word not in parameters) if arg is not None else None), parameters
