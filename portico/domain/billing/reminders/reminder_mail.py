"""The mail that reminds a mailbox of its unpaid bills: how many, but neither amounts nor what they are for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import access_lookups, eligibility, holders
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.access.sign_in import mail_links
from portico.domain.access.sign_in.mail_links import LinkedMail
from portico.domain.billing import bill_mail_texts
from portico.domain.billing.models import Invoice
from portico.domain.billing.models.invoices import InvoiceQuerySet
from portico.domain.billing.reminders import remindable
from portico.domain.clients.models import Client
from portico.domain.practices import mail_frame, mail_texts
from portico.domain.practices.mail_texts import MailText
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail, Draft
from portico.plumbing.models import OutgoingEmail

KIND = bill_mail_texts.REMINDER


def draft(
    bills: Sequence[Invoice],
    access: PortalAccess,
    *,
    texts: Mapping[tuple[int, str], MailText],
    key: str,
    purpose: Purpose,
    by: Actor,
) -> Draft | None:
    """Returns the mail about bills of one mailbox; None without a bill, or if its client gets no mail of this purpose.

    `bills` come from `remindable.with_past_due`: subject, message and button are about all of them. `access` is loaded
    with its client, account, address and contact; `texts` come from `bill_mail_texts.texts_of_practices`.
    """
    address, client = eligibility.mail_address(access, purpose), access.client
    if address is None or access.account is None or not bills:
        return None
    language = access.account.language or access.holder_language
    text = texts[client.practice_id, language]
    return {
        "practice": client.practice,
        "kind": KIND,
        "key": key,
        "client": client,
        "to_address": address.address,
        "to_name": access.holder.name,
        "subject": _with_number(text.subject, len(bills), language),
        "content": {
            "account": access.account.ref,
            "address": address.ref,
            "bills": [bill.ref for bill in bills],
            "day": clock.today(client.practice.time_zone).isoformat(),
            "language": language,
            "subject": text.subject,
            "message": text.message,
            "purpose": purpose.name,
            "goes_to": _page_of(bills),
            **holders.content_of(access),
        },
        "by": by,
        "link_nonce": tokens.new_nonce(),
    }


def _with_number(text: str, number: int, language: str) -> str:
    with translation.override(language):
        return mail_texts.filled_in(text, {bill_mail_texts.NUMBER_OF_BILLS: bill_mail_texts.number_of_bills(number)})


def _page_of(bills: Sequence[Invoice]) -> str:
    """Returns the portal page of the only bill, or of all bills; for several clients, a choice between them first."""
    portal = bills[0].client.practice.portal_path
    if len(bills) == 1:
        return f"{portal}billing/{bills[0].ref}/"
    if len({bill.client_id for bill in bills}) == 1:
        return f"{portal}billing/"
    return f"{portal}who/?next={portal}billing/"


def queue_again_to_all(bill: Invoice, own: PortalAccess, *, occasion: str, by: Actor) -> OutgoingEmail | None:
    """Queues that reminder to the client and to each contact who may get it; the caller has locked all their accounts.

    Returns the first of the mails, None if there is none.
    """
    recipients = (own, *access_lookups.of_contacts(bill.client))
    mails = [queue_again(bill, each, occasion=occasion, by=by) for each in recipients]
    return next((mail for mail in mails if mail is not None), None)


def queue_again(bill: Invoice, access: PortalAccess, *, occasion: str, by: Actor) -> OutgoingEmail | None:
    """Queues a reminder of one bill that staff ask for, once for each occasion; the caller has locked the account.

    Returns None if mail is not allowed.
    """
    if access.account is None:
        return None
    accesses = remindable.accesses_of([access.account], Purpose.BILL_MAIL)
    key = f"{KIND}:{bill.ref}:{occasion}"
    wanted = draft(
        [each.bill for each in remindable.with_past_due([bill], accesses, Purpose.BILL_MAIL)],
        access,
        texts=bill_mail_texts.texts_of_practices([bill.client.practice], KIND),
        key=key if access.relationship is None else f"{key}:{access.relationship.ref}",
        purpose=Purpose.BILL_MAIL,
        by=by,
    )
    if wanted is None:
        return None
    email = outbox.queue(**wanted)
    # Another nonce: the mail of this occasion was queued before, and has its link.
    if bytes(email.link_nonce or b"") == wanted.get("link_nonce"):
        mail_links.create([(email, access)])
    return email


class ReminderMail(LinkedMail):
    label = gettext_lazy("Reminder")

    def refuse(self, email: OutgoingEmail) -> str | None:
        """Checks again that the client may get it, that a bill in it is still to pay, and that it is not late."""
        if date.fromisoformat(email.content["day"]) < _today(email) - timedelta(days=1):
            return _("It was too late to send it. Send a new reminder.")
        if _to_pay(email).exists():
            return None
        access = holders.access_of_email(email) or PortalAccess.of(Client.objects.get(outgoing_emails=email))
        return eligibility.reason_to_drop(
            access, Purpose[email.content["purpose"]], written_to=email.content["address"]
        ) or _("The bill was paid, is being paid, is disputed, or is no longer shared.")

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        language, number = email.content["language"], _to_pay(email).count()
        # Queued by a version that did not store its text.
        message = email.content.get("message") or _default_message(email)
        subject = outbox.subject_line(_with_number(email.content.get("subject", email.subject), number, language))
        with translation.override(language):
            context = {
                "heading": _("A reminder about your bill"),
                "message": _with_number(message, number, language),
                "portal_address": email.practice.portal_address,
                "link": link or email.practice.portal_address,
                "signs_in": link is not None,
                "opens_all": email.content.get("goes_to", "").endswith("billing/"),
                "why": _("You received this because you agreed to emails from us."),
            }
            return replace(mail_frame.letter(email, "reminder", context), subject=subject)


def _default_message(email: OutgoingEmail) -> str:
    text = bill_mail_texts.default_text(KIND, email.content["language"])
    return bill_mail_texts.filled_in(text, {bill_mail_texts.PRACTICE_NAME: email.practice.name}).message


def _to_pay(email: OutgoingEmail) -> InvoiceQuerySet:
    """Returns the bills of the reminder that are still to pay by a client who may get it."""
    bills = remindable.to_mailbox(email.content["account"], Purpose[email.content["purpose"]])
    return bills.filter(practice=email.practice_id, ref__in=email.content["bills"])


def _today(email: OutgoingEmail) -> date:
    return clock.today(email.practice.time_zone)
