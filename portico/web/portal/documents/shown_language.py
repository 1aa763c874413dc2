"""The language in which a page was shown: its form sends it back, so that what is completed is what was read."""

from django.utils.translation import get_language, gettext_lazy

from portico.domain.clients.models import Language
from portico.web.http.request_types import PortalRequest

FIELD = "page_language"
SHOWN_AGAIN = gettext_lazy("Nothing has been sent yet. Read this page again, then send it.")


def shown() -> str:
    """Returns the language of the page that is shown now, for its hidden field."""
    return get_language() or Language.ENGLISH.value


def posted(request: PortalRequest) -> str | None:
    """Returns the language of the page whose form was posted; None if it is unknown: then the page is shown again."""
    language = request.POST.get(FIELD, "")
    return language if language in Language.values else None
