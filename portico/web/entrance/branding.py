"""A practice's hue as a stylesheet and its logo as a picture, both cached without expiry."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from portico.domain.practices.models import Logo
from portico.web.guards import front_page, open_page
from portico.web.http.request_types import OpenRequest

# The content of each URL never changes: it contains the hue, or the digest of the logo.
IMMUTABLE = "public, max-age=31536000, immutable"
HUES = 360


@front_page
@require_safe
def hue(request: HttpRequest, degrees: int) -> HttpResponse:
    """Returns one of 360 stylesheets: the Content-Security-Policy forbids inline styles."""
    if degrees >= HUES:
        raise Http404
    return _immutable(f":root {{ --brand-hue: {degrees}; }}\n".encode(), "text/css; charset=utf-8")


@open_page
@require_safe
def logo(request: OpenRequest, digest: str) -> HttpResponse:
    found = get_object_or_404(Logo, practice=request.practice, digest=digest)
    return _immutable(bytes(found.png), "image/png")


def _immutable(content: bytes, content_type: str) -> HttpResponse:
    return HttpResponse(content, content_type=content_type, headers={"Cache-Control": IMMUTABLE})
