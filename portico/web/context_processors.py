"""What every template is handed besides its page's own."""

from django.contrib.messages import get_messages
from django.http import HttpRequest


def office_messages(request: HttpRequest) -> dict[str, object]:
    """Notices after a redirect. They live in the staff session, which a client's page never touches."""
    if request.path_info.startswith("/office/"):
        return {"messages": get_messages(request)}
    return {"messages": ()}
