"""The django-allauth adapter: no sign-up, and neither messages nor rate limits of its own."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse

from portico.domain.practices.models import StaffMember


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth comes without types.
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("office:clients")

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:  # Any: allauth's own signature.
        """Does nothing: `practices.staff.password_attempts` counts attempts exactly, allauth only in a cache."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:  # Any: as above.
        """Returns None for staff who have left or whose practice is paused, so as not to reveal a right password."""
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        return user if isinstance(user, StaffMember) and user.may_sign_in else None

    def add_message(self, *args: Any, **kwargs: Any) -> None:  # Any: as above.
        """Does nothing: the pages show their own messages."""
