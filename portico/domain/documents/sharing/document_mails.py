"""The mail that announces shared documents: how many and how many minutes they take, never what they are about."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portico.domain.access import eligibility, holders
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.access.sign_in import mail_links
from portico.domain.access.sign_in.mail_links import LinkedMail
from portico.domain.clients.models import Language
from portico.domain.documents.models import DocumentRequest, TemplateVersion
from portico.domain.practices import mail_frame, mail_texts, practice_settings
from portico.domain.practices.mail_texts import MailText
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail
from portico.plumbing.models import MailQueue, OutgoingEmail

KIND = "documents_shared"
FIRST_NAME, PRACTICE_NAME = "[first name]", "[practice name]"
NUMBER_OF_DOCUMENTS, MINUTES = "[number of documents]", "[minutes]"
PLACEHOLDERS = (FIRST_NAME, PRACTICE_NAME, NUMBER_OF_DOCUMENTS, MINUTES)


def default_text(language: str) -> MailText:
    """Returns Portico's text, for a practice that has not written its own."""
    with translation.override(language):
        return MailText(
            _("Documents from [practice name]"),
            _(
                "Hello [first name],\n\n"
                "[practice name] has shared [number of documents] with you. Completing everything takes about "
                "[minutes]. You can stop at any time and continue later."
            ),
        )


def _message_for_any_reader(language: str) -> str:
    """Returns the message of the default text for a client who is not known to be an adult."""
    with translation.override(language):
        return _(
            "Hello,\n\n"
            "[practice name] has shared [number of documents] for [first name]. Completing everything takes about "
            "[minutes]. You can stop at any time and continue later."
        )


def texts_of(practice: Practice) -> dict[str, MailText]:
    """Returns the practice's text in each of the portal's languages."""
    own = mail_texts.own_texts(practice, KIND)
    return {language: own.get(language) or default_text(language) for language in Language.values}


def text_for(access: PortalAccess, texts: Mapping[str, MailText]) -> MailText:
    """Returns the text of the mail to the access, of the practice's `texts` by language.

    Portico's own greets only readers who are known to be adults: a parent may read the mails of other clients.
    """
    language = access.holder_language
    text = texts[language]
    is_adult = bool(access.greeted_as(clock.today(access.client.practice.time_zone)))
    if is_adult or text.message != default_text(language).message:
        return text
    return replace(text, message=_message_for_any_reader(language))


def save_texts(practice: Practice, texts: Mapping[str, MailText], *, version: int, by: Actor) -> None:
    """Saves the practice's own text in each given language. Idempotent. Raises practice_settings.SettingsConflict."""
    defaults = {language: default_text(language) for language in texts}
    practice_settings.save_mail_texts(practice, KIND, texts, defaults=defaults, version=version, by=by)


def may_be_mailed(access: PortalAccess) -> bool:
    """Returns True if documents of the access may be announced by mail now."""
    return eligibility.mail_address(access, Purpose.DOCUMENT_MAIL) is not None


def queue(
    access: PortalAccess,
    versions: Sequence[TemplateVersion],
    text: MailText,
    *,
    form_key: str,
    by: Actor,
    queue: MailQueue = MailQueue.REST,
) -> OutgoingEmail | None:
    """Queues the mail, with a sign-in link to the portal's documents; None if no mail may be sent to the access.

    `text` has placeholders still. Runs in the caller's transaction, which has locked the account.
    """
    address = eligibility.mail_address(access, Purpose.DOCUMENT_MAIL)
    if address is None:
        return None
    practice = access.client.practice
    filled = filled_in(text, access, versions)
    email = outbox.queue(
        practice=practice,
        kind=KIND,
        key=f"{KIND}:{access.pk}:{form_key}",
        to_address=address.address,
        to_name=access.holder.name,
        subject=filled.subject,
        content={
            "address": address.ref,
            "language": access.holder_language,
            "message": filled.message,
            "goes_to": f"{practice.portal_path}documents/",
            **holders.content_of(access),
        },
        by=by,
        client=access.client,
        link_nonce=tokens.new_nonce(),
        queue=queue,
    )
    mail_links.create([(email, access)])
    return email


def filled_in(text: MailText, access: PortalAccess, versions: Sequence[TemplateVersion]) -> MailText:
    """Returns the text as it is mailed to the access, with its placeholders replaced."""
    with translation.override(access.holder_language):
        values = {
            FIRST_NAME: access.called,
            PRACTICE_NAME: access.client.practice.name,
            NUMBER_OF_DOCUMENTS: number_of_documents(len(versions)),
            MINUTES: minutes_of(sum(version.minutes for version in versions)),
        }
    return MailText(
        " ".join(mail_texts.filled_in(text.subject, values).split())[: mail_texts.SUBJECT_LENGTH],
        mail_texts.filled_in(text.message, values),
    )


def number_of_documents(number: int) -> str:
    """Returns for example "3 documents" in the active language."""
    return ngettext("%(number)d document", "%(number)d documents", number) % {"number": number}


def minutes_of(minutes: int) -> str:
    """Returns for example "12 minutes" in the active language."""
    return ngettext("%(number)d minute", "%(number)d minutes", minutes) % {"number": minutes}


class DocumentsMail(LinkedMail):
    """Dropped at hand-over if mail is not allowed any more, or if none of its documents is left to complete."""

    label = gettext_lazy("Documents shared")

    def refuse(self, email: OutgoingEmail) -> str | None:
        access = holders.access_of_email(email)
        reason = eligibility.reason_to_drop(access, Purpose.DOCUMENT_MAIL, written_to=email.content["address"])
        if reason is not None:
            return reason
        is_needed = DocumentRequest.objects.open().filter(packet__email=email).exists()
        return None if is_needed else _("None of its documents is left to complete.")

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        with translation.override(email.content["language"]):
            context = {
                "heading": _("Documents to complete"),
                "message": email.content["message"],
                "link": link,
                "portal_address": email.practice.portal_address,
                "why": _("You received this because you agreed to emails from us."),
            }
            return mail_frame.letter(email, "documents_shared", context)
