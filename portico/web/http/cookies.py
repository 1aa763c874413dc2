"""Sets and deletes cookies: HttpOnly, SameSite=Lax, without a domain, and over https with the `__Host-` prefix."""

from django.conf import settings
from django.http import HttpResponse


def set_cookie(response: HttpResponse, name: str, value: str, *, max_age: int | None = None) -> None:
    """Sets a cookie; `max_age` is in seconds, without it the cookie ends with the browser session."""
    if not (value.isascii() and value.isprintable()):
        # A forged token may hold characters that a header cannot carry. Ours never do, so an empty value loses nothing.
        value = ""
    response.set_cookie(name, value, max_age=max_age, path="/", secure=settings.HTTPS, httponly=True, samesite="Lax")


def delete_cookie(response: HttpResponse, name: str) -> None:
    """Deletes a cookie by name."""
    response.set_cookie(name, "", max_age=0, path="/", secure=settings.HTTPS, httponly=True, samesite="Lax")
