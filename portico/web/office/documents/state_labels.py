"""The icon and tone of each state of a request, for staff."""

from portico.domain.documents.models import RequestState

PILLS: dict[RequestState, tuple[str, str]] = {
    RequestState.SENT: ("send", "quiet"),
    RequestState.OPENED: ("eye", "wait"),
    RequestState.STARTED: ("hourglass", "wait"),
    RequestState.COMPLETED: ("check", "accent"),
    RequestState.REVIEWED: ("check", "good"),
    RequestState.DECLINED: ("ban", "bad"),
    RequestState.WITHDRAWN: ("undo-2", "quiet"),
}
