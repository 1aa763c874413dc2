"""Sets and deletes cookies: HttpOnly, SameSite=Lax, without a domain, Secure over https.

Their names have the `__Host-` prefix over https, but for the one whose path is not "/".
"""

from django.conf import settings
from django.http import HttpResponse


def set_cookie(response: HttpResponse, name: str, value: str, *, max_age: int | None = None, path: str = "/") -> None:
    """Sets a cookie; `max_age` is in seconds, without it the cookie ends with the browser session."""
    if not (value.isascii() and value.isprintable()):
        # A forged token may hold characters that a header cannot carry. Ours never do, so an empty value loses nothing.
        value = ""
    response.set_cookie(name, value, max_age=max_age, path=path, secure=settings.HTTPS, httponly=True, samesite="Lax")


def delete_cookie(response: HttpResponse, name: str, *, path: str = "/") -> None:
    """Deletes a cookie by name and path."""
    response.set_cookie(name, "", max_age=0, path=path, secure=settings.HTTPS, httponly=True, samesite="Lax")
