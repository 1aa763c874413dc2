"""Template context processors."""

from django.contrib.messages import get_messages
from django.http import HttpRequest


def office_messages(request: HttpRequest) -> dict[str, object]:
    """Returns Django's messages for office pages only: they are stored in the staff session.

    Other pages pass their own `messages`, which a context processor would replace.
    """
    return {"messages": get_messages(request)} if request.path_info.startswith("/office/") else {}
