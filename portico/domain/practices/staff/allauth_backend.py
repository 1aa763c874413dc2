"""Authentication of staff: the member of a session is read together with the session and the practice."""

import base64
from typing import cast

from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from portico.domain.practices.models import StaffMember
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.plumbing.security import encryption

# The library's hook does not pass a row, so a secret is bound to its purpose, not to its staff member.
SEED = "authenticator-seed"


class StaffBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth is not typed.
    """allauth's backend, which finds the member together with the practice."""

    def get_user(self, user_id: int) -> StaffMember | None:
        """Returns the member with the practice, unless they may no longer sign in."""
        member = StaffMember.objects.filter(pk=int(user_id)).select_related("practice").first()
        return member if member is not None and self.user_can_authenticate(member) else None


class StaffAuthenticationMiddleware(AuthenticationMiddleware):
    """Django's middleware, without a query for the member when the session has one who passes all checks."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user_of(request))  # type: ignore[assignment]  # As in Django.


def _user_of(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    session = cast(SessionStore, request.session)
    user_id, backend = session.get(SESSION_KEY), session.get(BACKEND_SESSION_KEY)
    member = session.row.staff if session.row is not None else None
    if member is None or user_id != str(member.pk) or backend not in settings.AUTHENTICATION_BACKENDS:
        return get_user(request)
    is_verified = constant_time_compare(session.get(HASH_SESSION_KEY, ""), member.get_session_auth_hash())
    # Otherwise Django tries the fallback keys, or ends the session.
    return member if is_verified and StaffBackend().user_can_authenticate(member) else get_user(request)


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # As above.
    """Encrypts the authenticator secrets that django-allauth stores."""

    def encrypt(self, text: str) -> str:
        return base64.b64encode(encryption.encrypt(text.encode(), bound_to=SEED)).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        """Raises encryption.DecryptionFailed."""
        return encryption.decrypt(base64.b64decode(encrypted_text), bound_to=SEED).decode()
