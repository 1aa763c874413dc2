"""What a practice's pages look like: its hue as a stylesheet, its logo as a picture. Both may be kept for good."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from portico.domain.practices.models import Logo
from portico.web.guards import front_page, open_page
from portico.web.http.request_types import OpenRequest

# Each address holds what never changes: the hue is its name, the logo's digest its own.
IMMUTABLE = "public, max-age=31536000, immutable"
HUES = 360


@front_page
@require_safe
def hue(request: HttpRequest, degrees: int) -> HttpResponse:
    """One of 360 stylesheets: inline styles are forbidden, and this is the only number that differs."""
    if degrees >= HUES:
        raise Http404
    return _for_good(f":root {{ --brand-hue: {degrees}; }}\n".encode(), "text/css; charset=utf-8")


@open_page
@require_safe
def logo(request: OpenRequest, digest: str) -> HttpResponse:
    found = get_object_or_404(Logo, practice=request.practice, digest=digest)
    return _for_good(bytes(found.png), "image/png")


def _for_good(content: bytes, content_type: str) -> HttpResponse:
    return HttpResponse(content, content_type=content_type, headers={"Cache-Control": IMMUTABLE})
