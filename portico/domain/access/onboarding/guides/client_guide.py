"""Getting-started guide for clients: one text for the PDF, the mail's attachment and the portal's help page."""

from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.access.onboarding.guides import guide_pdf, guide_sections
from portico.domain.access.onboarding.guides.guide_pdf import Guide
from portico.domain.practices.models import Practice


def build_guide(practice: Practice) -> Guide:
    """Returns the guide to signing in, documents and paying, with the names of the practice."""
    return Guide(
        title=_("Getting started with your client portal"),
        opening=(
            _("In the client portal of %(practice)s, you can complete documents, and see and pay your bills.")
            % {"practice": practice.name},
            _("There is no password. We send you an email each time you sign in."),
        ),
        sections=(
            guide_sections.in_short(practice),
            guide_sections.signing_in(practice),
            guide_sections.no_mail(practice),
            guide_sections.code_and_pin(),
            guide_sections.documents(),
            guide_sections.paying(practice),
            guide_sections.cards(),
            guide_sections.for_others(),
            guide_sections.staying_safe(),
        ),
        closing=guide_sections.closing(practice),
    )


def guide_as_pdf(practice: Practice, language: str) -> bytes:
    """Returns the guide as a PDF in one of the portal's languages."""
    with translation.override(language):
        return guide_pdf.render(practice, [guide_pdf.content_of(build_guide(practice))])


def file_name(language: str) -> str:
    """Returns the name of the PDF file, which names neither the practice nor the client."""
    return f"getting-started-{language}.pdf"
