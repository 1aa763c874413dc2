"""Known browsers: browsers that a mailbox has signed in with before, recognized by a cookie."""

from datetime import timedelta

from django.utils.translation import gettext as _

from portico.domain.access.models import KnownBrowser, PortalAccount
from portico.plumbing import clock, tokens

# The longest time that browsers keep a cookie.
RETENTION = timedelta(days=400)


def record_browser(account: PortalAccount, key: str) -> bool:
    """Records that the mailbox signed in with this browser; returns True if it had done so before.

    Runs in the caller's transaction.
    """
    known, is_new = KnownBrowser.objects.get_or_create(
        account=account,
        browser_hash=tokens.digest(f"{account.ref} {key}"),
        defaults={"practice_id": account.practice_id},
    )
    if not is_new:
        KnownBrowser.objects.filter(pk=known.pk).update(seen_at=clock.now())
    return not is_new


def describe(browser: str) -> str:
    """Returns the translated name of a session's browser, such as "Safari on iPhone"."""
    name, is_both, device = browser.partition(" on ")
    return _("%(browser)s on %(device)s") % {"browser": name, "device": device} if is_both else browser


def delete_old() -> int:
    """Deletes browsers whose cookie has expired by now; a scheduled task. Returns their number."""
    return KnownBrowser.objects.filter(seen_at__lt=clock.now() - RETENTION).delete()[0]
