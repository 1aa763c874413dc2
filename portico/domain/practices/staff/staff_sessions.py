"""Sessions of the office: a Django session store with hashed keys and encrypted contents."""

import json
import logging
from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from portico.domain.practices.models import StaffSession
from portico.plumbing import clock, tokens
from portico.plumbing.database.base_models import RowQuerySet
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.security import encryption

logger = logging.getLogger(__name__)

# How long the row of an expired session is kept, to know whose it was.
EXPIRED_KEPT_FOR = timedelta(hours=1)
# The session variable with the description of the browser.
BROWSER = "browser"


def unexpired(*, grace: timedelta = timedelta()) -> RowQuerySet[StaffSession]:
    """Returns the sessions within the idle limit and the maximum age, both extended by `grace`.

    Excludes sessions from the future.
    """
    return _between(**_bounds(grace))


def _bounds(grace: timedelta = timedelta()) -> dict[str, datetime]:
    """Returns the times between which a session that has not expired was started and last seen."""
    now = clock.now()
    return {
        "seen_after": now - timedelta(seconds=settings.SESSION_IDLE_STAFF) - grace,
        "created_after": now - timedelta(seconds=settings.SESSION_MAX_STAFF) - grace,
        "latest": now + clock.SKEW,
    }


def _between(*, seen_after: object, created_after: object, latest: object) -> RowQuerySet[StaffSession]:
    return StaffSession.objects.filter(
        seen_at__gt=seen_after, seen_at__lte=latest, created_at__gt=created_after, created_at__lte=latest
    )


@CompiledQuery
def _unexpired_by_key(
    key_hash: Parameter, seen_after: Parameter, created_after: Parameter, latest: Parameter
) -> QuerySet[StaffSession]:
    unexpired_sessions = _between(seen_after=seen_after, created_after=created_after, latest=latest)
    return unexpired_sessions.filter(key_hash=key_hash).select_related("staff__practice")


def recently_expired(session_key: str) -> StaffSession | None:
    """Returns the session of a cookie, with its staff member, if it expired within the last hour.

    Also returns one that is invalid because it is from the future.
    """
    kept = unexpired(grace=EXPIRED_KEPT_FOR) | StaffSession.objects.filter(_from_future())
    rows = kept.exclude(pk__in=unexpired().values("pk"))
    return rows.select_related("staff").filter(key_hash=tokens.digest(session_key), staff__isnull=False).first()


def has_timed_out(session: StaffSession) -> bool:
    """Returns True if an expired session was idle for too long, False if it reached the maximum age."""
    return session.seen_at <= clock.now() - timedelta(seconds=settings.SESSION_IDLE_STAFF)


def delete_from_future() -> int:
    """Deletes sessions from the future, which would become valid again at that time. Returns how many."""
    return StaffSession.objects.filter(_from_future()).delete()[0]


def _from_future() -> Q:
    return clock.from_future("seen_at") | clock.from_future("created_at")


class SessionStore(SessionBase):
    """The session of one browser. Raises CreateError and UpdateError like Django's own stores."""

    row: StaffSession | None = None

    def load(self) -> dict[str, Any]:
        self.row = _unexpired_by_key.first(key_hash=tokens.digest(self.session_key or ""), **_bounds())
        if self.row is None:
            self._session_key = None
            return {}
        try:
            plain = encryption.decrypt(bytes(self.row.contents), bound_to=f"staff-session:{self.row.key_hash}")
        except encryption.DecryptionFailed:
            self._session_key = None
            return {}
        contents: dict[str, Any] = json.loads(plain)
        return contents

    def exists(self, session_key: str) -> bool:
        return StaffSession.objects.filter(key_hash=tokens.digest(session_key)).exists()

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]  # the stubs leave it out
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002  Django's own signature
        if self.session_key is None:
            self.create()
            return
        contents = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # the stubs leave it out
        key_hash = tokens.digest(self.session_key)
        values = {
            "contents": encryption.encrypt(json.dumps(contents).encode(), bound_to=f"staff-session:{key_hash}"),
            "browser": contents.get(BROWSER, ""),
            "staff_id": int(contents[SESSION_KEY]) if SESSION_KEY in contents else None,
        }
        if not must_create:
            if not StaffSession.objects.filter(key_hash=key_hash).update(**values):
                raise UpdateError
            return
        now = clock.now()
        try:
            with transaction.atomic():
                self.row = StaffSession.objects.create(key_hash=key_hash, created_at=now, seen_at=now, **values)
        except IntegrityError as clash:
            raise CreateError from clash

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            StaffSession.objects.filter(key_hash=tokens.digest(key)).delete()

    def touch(self) -> None:
        """Updates `seen_at`, at most about thirty times within the idle limit."""
        now, step = clock.now(), timedelta(seconds=settings.SESSION_IDLE_STAFF / 30)
        if self.row is not None and self.row.seen_at < now - step:
            StaffSession.objects.filter(pk=self.row.pk).update(seen_at=now)

    @classmethod
    def clear_expired(cls) -> None:
        """Deletes expired sessions; `delete_from_future` deletes those from the future."""
        expired = StaffSession.objects.exclude(pk__in=unexpired(grace=EXPIRED_KEPT_FOR).values("pk"))
        expired.exclude(_from_future()).delete()


class StaffSessionMiddleware(SessionMiddleware):
    """Django's session middleware; used by the office only, so that portal pages ignore the staff cookie."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Returns the response even if the session cannot be saved (a full disk): the change itself is committed."""
        try:
            return super().process_response(request, response)
        except OperationalError:
            session = cast(SessionStore, request.session)
            if session.row is None or session.row.staff_id is None:
                raise
            logger.exception("session.save_failed")
            return response
