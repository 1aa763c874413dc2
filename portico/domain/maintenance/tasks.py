"""What is done without a person, and how often."""

from datetime import timedelta

from portico.domain.access.sign_in import bursts, known_browsers, portal_sessions, sign_in_requests
from portico.domain.access.sign_in import saved_forms as portal_kept_posts
from portico.domain.billing.card_payments import polling, saved_cards
from portico.domain.billing.stripe_sync import card_refunds, disputes, reconciliation
from portico.domain.maintenance import clock_set_back
from portico.domain.maintenance.schedule import Chore
from portico.domain.practices.staff import saved_forms
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.domain.practices.stripe_setup import api_keys, webhook_setup
from portico.plumbing.audit import sealing
from portico.plumbing.security import rate_limits


def log_newest_seals() -> None:
    """The ends of the trail's chains go where the database's owner cannot reach them."""
    sealing.log_newest()


def forget_staff_sessions() -> None:
    SessionStore.clear_expired()


def forget_kept_forms() -> int:
    """Those of staff and of clients."""
    return saved_forms.forget_old() + portal_kept_posts.forget_old()


CHORES = (
    Chore("forget removed cards", timedelta(minutes=1), saved_cards.detach_removed),
    Chore("follow refunds", timedelta(minutes=1), card_refunds.follow_pending),
    Chore("follow disputes", timedelta(hours=1), disputes.follow_open),
    Chore("look at what was charged", timedelta(minutes=15), reconciliation.look_back),
    Chore("settle times from the future", timedelta(minutes=1), clock_set_back.settle),
    Chore("measure the clock again", timedelta(minutes=1), api_keys.measure_clock_again),
    Chore("look for webhooks", timedelta(hours=1), webhook_setup.check_webhooks),
    Chore("forget replaced keys", timedelta(hours=1), polling.forget_keys),
    Chore("log newest seals", timedelta(days=1), log_newest_seals),
    Chore("forget portal sessions", timedelta(hours=1), portal_sessions.forget_over),
    Chore("forget old asks", timedelta(hours=1), sign_in_requests.forget_old),
    Chore("watch for bursts", timedelta(minutes=1), bursts.watch),
    Chore("forget old bursts", timedelta(days=1), bursts.forget_old),
    Chore("forget old browsers", timedelta(days=1), known_browsers.forget_old),
    Chore("forget staff sessions", timedelta(hours=1), forget_staff_sessions),
    Chore("forget idle limits", timedelta(hours=1), rate_limits.forget_idle),
    Chore("forget kept forms", timedelta(minutes=10), forget_kept_forms),
)
