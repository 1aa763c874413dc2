"""Texts of templates in the active language, remembered as the page shows them."""

from functools import lru_cache

from django.utils import translation
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

# More than all texts of the templates, in both languages.
CACHE_SIZE = 8_192


@pass_eval_context
def gettext(context: EvalContext, message: str, /, **variables: object) -> str:
    """Returns the message in the active language, with its variables; escaped in HTML.

    Does what Jinja2's "newstyle" function does: a message holds `%(name)s` for a variable, and `%%` for a percent sign.
    """
    language = translation.get_language()
    if not variables:
        return _complete(language, message, context.autoescape)
    return _template(language, message, context.autoescape) % variables


@lru_cache(maxsize=CACHE_SIZE)
def _template(_language: str | None, message: str, is_html: bool) -> str:  # noqa: FBT001  # A part of the cache's key.
    text = translation.gettext(message)
    return Markup(text) if is_html else text  # noqa: S704  # Texts of our own catalog.


@lru_cache(maxsize=CACHE_SIZE)
def _complete(language: str | None, message: str, is_html: bool) -> str:  # noqa: FBT001  # As above.
    return _template(language, message, is_html) % {}
