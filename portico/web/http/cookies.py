"""Our own cookies: HttpOnly, Lax, without a domain, and over https bound to the host by their name."""

from django.conf import settings
from django.http import HttpResponse


def set_cookie(response: HttpResponse, name: str, value: str, *, max_age: int | None = None) -> None:
    """Sets a cookie; without `max_age` (seconds) it is gone with the browser."""
    if not (value.isascii() and value.isprintable()):
        # A stranger's token may hold what no header carries. Ours never do, so that nothing is as good as it.
        value = ""
    response.set_cookie(name, value, max_age=max_age, path="/", secure=settings.HTTPS, httponly=True, samesite="Lax")


def delete_cookie(response: HttpResponse, name: str) -> None:
    """Deletes a cookie by name."""
    response.set_cookie(name, "", max_age=0, path="/", secure=settings.HTTPS, httponly=True, samesite="Lax")
