"""Browsers that a mailbox has signed in with before, known again by their own cookie."""

from datetime import timedelta

from django.utils.translation import gettext as _

from portico.domain.access.models import KnownBrowser, PortalAccount
from portico.plumbing import clock, tokens

# As long as a browser keeps a cookie at most.
RETENTION = timedelta(days=400)


def recognise(account: PortalAccount, key: str) -> bool:
    """Whether the mailbox has signed in with this browser before; from now on it has. In the caller's transaction."""
    known, is_new = KnownBrowser.objects.get_or_create(
        account=account,
        browser_hash=tokens.digest(f"{account.ref} {key}"),
        defaults={"practice_id": account.practice_id},
    )
    if not is_new:
        KnownBrowser.objects.filter(pk=known.pk).update(seen_at=clock.now())
    return not is_new


def describe(browser: str) -> str:
    """The name under which a session keeps its browser, as "Safari on iPhone", in the language that is on."""
    name, is_both, device = browser.partition(" on ")
    return _("%(browser)s on %(device)s") % {"browser": name, "device": device} if is_both else browser


def delete_old() -> int:
    """Deletes browsers whose cookie is gone by now; upkeep calls it. Returns how many."""
    return KnownBrowser.objects.filter(seen_at__lt=clock.now() - RETENTION).delete()[0]
