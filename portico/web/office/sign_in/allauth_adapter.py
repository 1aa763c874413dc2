"""How django-allauth behaves here: no sign-up, no words and no limits of its own."""

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

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:  # Any: as allauth has it.
        """Nothing: tries are counted exactly by `practices.passwords`, not in a cache."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:  # Any: as above.
        """Nobody for who has left or whose practice is paused: else one would hear that the password was right."""
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        return user if isinstance(user, StaffMember) and user.may_sign_in else None

    def add_message(self, *args: Any, **kwargs: Any) -> None:  # Any: as above.
        """Nothing: the pages say what happened."""
