"""Templates in tests: a source rendered as it is, and what a name gets that a page did not pass."""

from django.template import engines
from jinja2 import StrictUndefined
from jinja2.utils import missing


class StrictMissingName(StrictUndefined):
    """A name that the page did not pass: it raises UndefinedError wherever it is used, in a condition too.

    What nothing would have, such as the phone number of None, is false in a condition.
    """

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]  # Its parent always raises.
        if self._undefined_obj is missing:
            self._fail_with_undefined_error()
        return False


def render(source: str, **context: object) -> str:
    """Renders a template's source as HTML."""
    return str(engines["jinja2"].from_string(source).render(context))
