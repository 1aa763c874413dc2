"""The words of `Online Payments`: its pill, the steps until clients can pay, the account's facts."""

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
    words: str


@dataclass(frozen=True)
class SetupStep:
    """`state`: done, stop or ahead; a step that stops says what to do, and may offer a way."""

    state: str
    words: str
    how: str = ""
    at: datetime | None = None
    way: str = ""
    way_words: str = ""


@dataclass(frozen=True)
class Fact:
    name: str
    value: str


def pill(practice: Practice) -> StatusPill:
    match practice.card_state:
        case CardState.LIVE:
            return StatusPill("good", "check", _("Ready"))
        case CardState.TEST:
            return StatusPill("wait", "flask-conical", _("Test mode"))
        case CardState.TROUBLE:
            return StatusPill("bad", "triangle-alert", _("Needs attention"))
    return StatusPill("quiet", "circle-dashed", _("Not set up"))


def steps(payments: OnlinePayments, practice: Practice) -> list[SetupStep]:
    """The chain of facts in order; the first that is broken stops it."""
    key = payments.key
    if key is None:
        return []
    entered = SetupStep(
        "done", _("Keys entered"), _("Secret key ending %(ending)s") % {"ending": key.ending}, at=key.entered_at
    )
    known = SetupStep("done", _("Account verified"), account_of(payments), at=payments.checked_at)
    charging = SetupStep("done", _("Charges enabled"), at=payments.checked_at)
    last = SetupStep("done", _("Clients can pay"), _("Those whose portal access has the tick for it"))
    chain = [entered, known, charging, last]
    stop = _stop(payments, practice)
    if stop is None:
        return chain
    place, step = stop
    # A currency is no link of its own: it stands before the last one. Any other trouble stands in its link's place.
    goes_on = place if payments.trouble == PaymentProblem.CURRENCY else place + 1
    return [*chain[:place], step, *(SetupStep("ahead", each.words) for each in chain[goes_on:])]


def broken_step(payments: OnlinePayments, practice: Practice) -> str:
    """Why clients cannot pay, in a few words; empty when they can."""
    stop = _stop(payments, practice)
    return stop[1].words if stop else ""


def clock_trouble(payments: OnlinePayments) -> str:
    """That this server's clock is wrong and by how much, in a sentence; empty when it is right."""
    ahead = payments.clock_ahead
    if not ahead:
        return ""
    by = format_timedelta(abs(ahead), granularity="minute", threshold=2, locale=ENGLISH)
    if ahead < timedelta():
        words = _("This server’s clock is %(by)s slow. Until it is set right, new card payments can fail.")
    else:
        words = _("This server’s clock is %(by)s fast. Until it is set right, new card payments can fail.")
    return words % {"by": by}


def facts(payments: OnlinePayments) -> list[Fact]:
    live = payments.key is not None and payments.key.livemode
    return [
        Fact(_("Mode"), _("Live, real money") if live else _("Test, no real money")),
        Fact(_("Account"), payments.account_name),
        Fact(_("Country"), country_of(payments)),
        Fact(_("Currency"), formatting.currency_name(payments.currency, language="en")),
    ]


def account_of(payments: OnlinePayments) -> str:
    """Alder Street Therapy LLC, United States, US dollar (USD), live."""
    live = payments.key is not None and payments.key.livemode
    mode = _("live") if live else _("test mode")
    currency = formatting.currency_name(payments.currency, language="en")
    return ", ".join(part for part in (payments.account_name, country_of(payments), currency, mode) if part)


def country_of(payments: OnlinePayments) -> str:
    return str(ENGLISH.territories.get(payments.country, payments.country))


def _stop(payments: OnlinePayments, practice: Practice) -> tuple[int, SetupStep] | None:
    """Which link of the chain is broken, and what stands there instead."""
    match payments.trouble:
        case PaymentProblem.KEY_REFUSED:
            how = _("It was rolled or revoked at Stripe. Clients still see their invoices; paying by card is off.")
            return 1, _new_key(_("Stripe no longer accepts this key"), how)
        case PaymentProblem.KEY_RESTRICTED:
            how = _("It is a restricted key. Give it more permissions at Stripe, or enter a secret key instead.")
            return 1, _new_key(_("This key may not do enough"), how)
        case PaymentProblem.KEY_UNREADABLE:
            how = _("This installation’s FIELD_KEYS have changed since it was saved. Enter the key again.")
            return 1, _new_key(_("The key can no longer be read here"), how)
        case PaymentProblem.CHARGES_OFF:
            how = _("Stripe wants to know more about the practice first. It says at Stripe what is missing.")
            words = _("Stripe does not let this account charge yet")
            return 2, SetupStep("stop", words, how, way="https://dashboard.stripe.com/", way_words=_("Open Stripe"))
        case PaymentProblem.CURRENCY:
            names = {"account": payments.currency or "?", "practice": practice.currency}
            words = _("The account’s currency is not %(practice)s") % names
            how = _(
                "The practice bills in %(practice)s, and the Stripe account is kept in %(account)s. Enter a key of an "
                "account in %(practice)s."
            )
            return 3, _new_key(words, how % names)
    return None


def _new_key(words: str, how: str) -> SetupStep:
    return SetupStep("stop", words, how, way="#keys", way_words=_("Enter the new key"))
