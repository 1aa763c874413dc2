"""Names that a page did not pass to its template: empty and logged."""

import logging

from jinja2 import ChainableUndefined

logger = logging.getLogger(__name__)


class MissingName(ChainableUndefined):
    """A name without a value: false in a condition, and empty where it is shown, which is logged.

    The tests use `tests.support.templates.StrictMissingName`, which raises instead.
    """

    __slots__ = ()

    def __str__(self) -> str:
        logger.error("template.name_missing", extra={"template_name": self._undefined_name})
        return ""

    def __html__(self) -> str:
        return str(self)
