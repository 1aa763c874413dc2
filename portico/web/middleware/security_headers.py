"""Adds the security headers to every response."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portico.web.middleware import Middleware

HEADERS = {
    "Permissions-Policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
        "microphone=(), midi=(), payment=(), usb=()"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # Responses that may be cached (static files) set their own.
    "Cache-Control": "no-store",
}


class SecurityHeaders(Middleware):
    """Leaves headers alone that the response has set itself."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.SECURE_HSTS_SECONDS:
            # Not Django's, which needs the proxy to say that the request came by https: the base URL says it.
            response.headers.setdefault(
                "Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"
            )
        return response
