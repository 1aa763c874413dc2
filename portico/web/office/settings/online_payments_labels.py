"""Labels of `Settings` > `Online Payments`: the status pill, the setup steps, the account's facts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from babel import Locale
from babel.dates import format_timedelta
from django.utils.translation import gettext as _

from portico.domain.practices.models import CardState, OnlinePayments, PaymentProblem, Practice
from portico.web import formatting

ENGLISH = Locale("en")


@dataclass(frozen=True)
class StatusPill:
    tone: str
    icon: str
    label: str


@dataclass(frozen=True)
class SetupStep:
    """One setup step. `state` is "done", "stop" (broken) or "ahead"; a broken one may link to where it is fixed."""

    state: str
    label: str
    instructions: str = ""
    at: datetime | None = None
    url: str = ""
    url_label: str = ""


@dataclass(frozen=True)
class AccountFact:
    name: str
    value: str


def pill(practice: Practice) -> StatusPill:
    match practice.card_state:
        case CardState.LIVE:
            return StatusPill("good", "check", _("Ready"))
        case CardState.TEST:
            return StatusPill("wait", "flask-conical", _("Test mode"))
        case CardState.NEEDS_ATTENTION:
            return StatusPill("bad", "triangle-alert", _("Needs attention"))
    return StatusPill("quiet", "circle-dashed", _("Not set up"))


def steps(payments: OnlinePayments, practice: Practice) -> list[SetupStep]:
    """Returns the setup steps in order: done ones, the broken one if any, and those ahead of it."""
    key = payments.key
    if key is None:
        return []
    keys_entered = SetupStep(
        "done", _("Keys entered"), _("Secret key ending %(ending)s") % {"ending": key.ending}, at=key.entered_at
    )
    account_verified = SetupStep("done", _("Account verified"), _account_label(payments), at=payments.checked_at)
    charges_enabled = SetupStep("done", _("Charges enabled"), at=payments.checked_at)
    can_pay = SetupStep("done", _("Clients can pay"), _("Clients with card payment turned on"))
    chain = [keys_entered, account_verified, charges_enabled, can_pay]
    broken = _broken_step(payments, practice)
    if broken is None:
        return chain
    index, step = broken
    # The currency has no step of its own and is inserted before the last one. Any other problem replaces its step.
    resume_at = index if payments.problem == PaymentProblem.CURRENCY else index + 1
    return [*chain[:index], step, *(SetupStep("ahead", ahead.label) for ahead in chain[resume_at:])]


def broken_step_label(payments: OnlinePayments, practice: Practice) -> str:
    """Returns in a few words why clients cannot pay; empty if they can."""
    broken = _broken_step(payments, practice)
    return broken[1].label if broken else ""


def clock_problem(payments: OnlinePayments) -> str:
    """Returns a sentence that says by how much this server's clock is wrong; empty if it is right."""
    ahead = payments.clock_ahead
    if not ahead:
        return ""
    offset = format_timedelta(abs(ahead), granularity="minute", threshold=2, locale=ENGLISH)
    if ahead < timedelta():
        message = _("The server’s clock is %(by)s slow. New card payments can fail until it is corrected.")
    else:
        message = _("The server’s clock is %(by)s fast. New card payments can fail until it is corrected.")
    return message % {"by": offset}


def facts(payments: OnlinePayments) -> list[AccountFact]:
    live = payments.key is not None and payments.key.livemode
    return [
        AccountFact(_("Mode"), _("Live, real money") if live else _("Test, no real money")),
        AccountFact(_("Account"), payments.account_name),
        AccountFact(_("Country"), _country_name(payments)),
        AccountFact(_("Currency"), formatting.currency_name(payments.currency, language="en")),
    ]


def _account_label(payments: OnlinePayments) -> str:
    """Returns a line such as "Alder Street Therapy LLC, United States, US dollar (USD), live"."""
    live = payments.key is not None and payments.key.livemode
    mode = _("live") if live else _("test mode")
    currency = formatting.currency_name(payments.currency, language="en")
    return ", ".join(part for part in (payments.account_name, _country_name(payments), currency, mode) if part)


def _country_name(payments: OnlinePayments) -> str:
    return str(ENGLISH.territories.get(payments.country, payments.country))


def _broken_step(payments: OnlinePayments, practice: Practice) -> tuple[int, SetupStep] | None:
    """Returns the index of the broken step and the step to show there; None if clients can pay."""
    match payments.problem:
        case PaymentProblem.KEY_REFUSED:
            instructions = _(
                "The key was replaced or revoked in Stripe. Clients can see their invoices, but card payment is off."
            )
            return 1, _new_key_step(_("Stripe no longer accepts this key"), instructions)
        case PaymentProblem.KEY_RESTRICTED:
            instructions = _(
                "This is a restricted key. Give it more permissions in Stripe, or enter a secret key instead."
            )
            return 1, _new_key_step(_("This key lacks permissions"), instructions)
        case PaymentProblem.KEY_UNREADABLE:
            instructions = _("FIELD_KEYS has changed since the key was saved. Enter the key again.")
            return 1, _new_key_step(_("The key can’t be decrypted"), instructions)
        case PaymentProblem.CHARGES_OFF:
            instructions = _("Stripe needs more information about the practice. Open Stripe to see what is missing.")
            label = _("Charges are not enabled for this Stripe account")
            return 2, SetupStep(
                "stop", label, instructions, url="https://dashboard.stripe.com/", url_label=_("Open Stripe")
            )
        case PaymentProblem.CURRENCY:
            names = {"account": payments.currency or "?", "practice": practice.currency}
            label = _("The account’s currency is not %(practice)s") % names
            instructions = _(
                "The practice bills in %(practice)s, but the Stripe account uses %(account)s. Enter the key of "
                "an account in %(practice)s."
            )
            return 3, _new_key_step(label, instructions % names)
    return None


def _new_key_step(label: str, instructions: str) -> SetupStep:
    return SetupStep("stop", label, instructions, url="#keys", url_label=_("Enter the new key"))
