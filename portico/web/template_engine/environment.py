"""The Jinja2 environment of all templates: pages, mails and text files."""

from typing import Any

from django.templatetags.static import static
from django.utils import translation
from jinja2 import Environment, select_autoescape

from portico.web.template_engine import filters, functions, translated_texts


def environment(**options: Any) -> Environment:  # Any: Django's options for Jinja2.
    """Returns the environment, named in settings.TEMPLATES. HTML is escaped; text files are not."""
    options |= {"autoescape": select_autoescape(["html"]), "keep_trailing_newline": True}
    made = Environment(extensions=["jinja2.ext.i18n"], **options)  # noqa: S701 (chosen by the file's ending, above)
    made.install_gettext_callables(  # type: ignore[attr-defined]  # Added by the extension.
        translated_texts.gettext,
        translation.ngettext,
        newstyle=True,
        pgettext=translation.pgettext,
        npgettext=translation.npgettext,
    )
    # `install_gettext_callables` wraps the function in two further calls, for each of a page's hundred texts.
    made.globals |= {"gettext": translated_texts.gettext, "_": translated_texts.gettext}
    made.policies["ext.i18n.trimmed"] = True
    made.globals |= functions.FUNCTIONS | {"static": static, "current_language": translation.get_language}
    made.filters |= filters.FILTERS
    return made
