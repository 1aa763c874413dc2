"""What is done without a person, and how often."""

from datetime import timedelta

from portico.domain.access import asking, browsers, bursts, sessions
from portico.domain.access import kept_posts as portal_kept_posts
from portico.domain.billing.online import cards, disputes, following, reconciling, refunds
from portico.domain.practices import connecting, hearing, kept_posts
from portico.domain.practices.staff_sessions import SessionStore
from portico.domain.upkeep import clock_set_back
from portico.domain.upkeep.timetable import Chore
from portico.plumbing import limits, sealing


def log_newest_seals() -> None:
    """The ends of the trail's chains go where the database's owner cannot reach them."""
    sealing.log_newest()


def forget_staff_sessions() -> None:
    SessionStore.clear_expired()


def forget_kept_forms() -> int:
    """Those of staff and of clients."""
    return kept_posts.forget_old() + portal_kept_posts.forget_old()


CHORES = (
    Chore("forget removed cards", timedelta(minutes=1), cards.detach_removed),
    Chore("follow refunds", timedelta(minutes=1), refunds.follow_pending),
    Chore("follow disputes", timedelta(hours=1), disputes.follow_open),
    Chore("look at what was charged", timedelta(minutes=15), reconciling.look_back),
    Chore("settle times from the future", timedelta(minutes=1), clock_set_back.settle),
    Chore("measure the clock again", timedelta(minutes=1), connecting.measure_clock_again),
    Chore("look for webhooks", timedelta(hours=1), hearing.check_webhooks),
    Chore("forget replaced keys", timedelta(hours=1), following.forget_keys),
    Chore("log newest seals", timedelta(days=1), log_newest_seals),
    Chore("forget portal sessions", timedelta(hours=1), sessions.forget_over),
    Chore("forget old asks", timedelta(hours=1), asking.forget_old),
    Chore("watch for bursts", timedelta(minutes=1), bursts.watch),
    Chore("forget old bursts", timedelta(days=1), bursts.forget_old),
    Chore("forget old browsers", timedelta(days=1), browsers.forget_old),
    Chore("forget staff sessions", timedelta(hours=1), forget_staff_sessions),
    Chore("forget idle limits", timedelta(hours=1), limits.forget_idle),
    Chore("forget kept forms", timedelta(minutes=10), forget_kept_forms),
)
