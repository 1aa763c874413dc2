"""The mail that reminds of documents to complete: at most one a day for a mailbox, for all clients that it opens."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta

from django.db.models import Count, Sum
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import eligibility, holders
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.access.sign_in import mail_links
from portico.domain.access.sign_in.mail_links import LinkedMail
from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.sharing import document_mails
from portico.domain.documents.sharing.document_mails import MINUTES, NUMBER_OF_DOCUMENTS, PRACTICE_NAME
from portico.domain.practices import mail_frame, mail_texts
from portico.domain.practices.mail_texts import MailText
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail, Draft
from portico.plumbing.models import MailQueue, OutgoingEmail

KIND = "incomplete_documents"
# No first name: the mailbox may have documents of several clients.
PLACEHOLDERS = (PRACTICE_NAME, NUMBER_OF_DOCUMENTS, MINUTES)


def default_text(language: str) -> MailText:
    with translation.override(language):
        return MailText(
            _("Documents to complete for [practice name]"),
            _(
                "Hello,\n\nThis is a reminder from [practice name]: you have [number of documents] to complete, which "
                "takes about [minutes]. What you have filled in is saved, and you can continue where you stopped."
            ),
        )


def key_of(access: PortalAccess) -> str:
    """Returns the key of the day's reminder of the mailbox. The access has its account, client and practice."""
    ref = access.account.ref if access.account is not None else access.pk
    return f"{KIND}:{ref}:{clock.today(access.client.practice.time_zone):%Y-%m-%d}"


def keys_of_reminded(accesses: Iterable[PortalAccess]) -> set[str]:
    """Returns the keys of those mailboxes for which a reminder was queued today."""
    keys = {key_of(each) for each in accesses}
    return set(OutgoingEmail.objects.filter(kind=KIND, key__in=list(keys)).values_list("key", flat=True))


def queue(
    accesses: Iterable[PortalAccess],
    *,
    by: Actor,
    texts: Mapping[str, MailText] | None = None,
    mail_queue: MailQueue = MailQueue.REST,
) -> list[OutgoingEmail]:
    """Queues one mail for each mailbox of these accesses that has had none today. The accounts are locked.

    `texts` has the text in each language, with placeholders; without it, it is Portico's own.
    """
    by_key: dict[str, list[PortalAccess]] = defaultdict(list)
    for each in accesses:
        by_key[key_of(each)].append(each)
    reminded = keys_of_reminded(each[0] for each in by_key.values())
    wanted = {key: listed for key, listed in by_key.items() if key not in reminded}
    emails = outbox.queue_new([_draft(key, listed, texts, mail_queue, by=by) for key, listed in wanted.items()])
    mail_links.create([(email, wanted[email.key][0]) for email in emails])
    return emails


def _draft(
    key: str,
    accesses: Collection[PortalAccess],
    texts: Mapping[str, MailText] | None,
    mail_queue: MailQueue,
    *,
    by: Actor,
) -> Draft:
    access = next(iter(accesses))
    practice, language = access.client.practice, access.holder_language
    if access.account is None or access.address is None:
        raise AssertionError("An access that may be mailed has an account and an address.")
    portal = practice.portal_path
    text = texts[language] if texts is not None else default_text(language)
    return {
        "practice": practice,
        "kind": KIND,
        "key": key,
        "client": access.client,
        "to_address": access.address.address,
        "to_name": access.holder.name,
        "subject": outbox.subject_line(mail_texts.filled_in(text.subject, {PRACTICE_NAME: practice.name})),
        "content": {
            "account": access.account.ref,
            "address": access.address.ref,
            "day": clock.today(practice.time_zone).isoformat(),
            "language": language,
            "message": text.message,
            "goes_to": f"{portal}documents/" if _is_one(accesses) else f"{portal}who/?next={portal}documents/",
            **holders.content_of(access),
        },
        "by": by,
        "queue": mail_queue,
        "link_nonce": tokens.new_nonce(),
    }


def _is_one(accesses: Iterable[PortalAccess]) -> bool:
    return len({each.pk for each in accesses}) == 1


class IncompleteDocumentsMail(LinkedMail):
    """Counts what is left at hand-over; dropped if that is nothing, or if mail is not allowed any more."""

    label = gettext_lazy("Incomplete documents")

    def refuse(self, email: OutgoingEmail) -> str | None:
        if date.fromisoformat(email.content["day"]) < clock.today(email.practice.time_zone) - timedelta(days=1):
            return _("It was too late to send it.")
        access = holders.access_of_email(email)
        reason = eligibility.reason_to_drop(access, Purpose.DOCUMENT_MAIL, written_to=email.content["address"])
        return reason or (None if _left(email)[0] else _("None of its documents is left to complete."))

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        number, minutes = _left(email)
        with translation.override(email.content["language"]):
            values = {
                PRACTICE_NAME: email.practice.name,
                NUMBER_OF_DOCUMENTS: document_mails.number_of_documents(number),
                MINUTES: document_mails.minutes_of(minutes),
            }
            # Mails that were queued by an older version have no message.
            message = email.content.get("message") or default_text(email.content["language"]).message
            context = {
                "heading": _("Documents to complete"),
                "message": mail_texts.filled_in(message, values),
                "link": link,
                "portal_address": email.practice.portal_address,
                "why": _("You received this because you agreed to emails from us."),
            }
            return mail_frame.letter(email, "documents_shared", context)


def _left(email: OutgoingEmail) -> tuple[int, int]:
    """Returns the number of documents that the mailbox has still to complete, and their minutes."""
    accesses = PortalAccess.objects.eligible(Purpose.DOCUMENT_MAIL)
    accesses = accesses.filter(practice=email.practice_id, account__ref=email.content["account"])
    sums = (
        DocumentRequest.objects.open()
        .filter(access__in=accesses)
        .aggregate(number=Count("pk"), minutes=Sum("version__minutes"))
    )
    return sums["number"], sums["minutes"] or 0
