"""URLs of fixes: the page of the office on which staff make a fix, and the part of it that they need."""

from django.urls import reverse

from portico.domain.access.eligibility_steps import Fix, Page
from portico.domain.clients.models import Client
from portico.plumbing.models import OutgoingEmail

# Query and fragment by the name of the fix. `resend` opens the editor, which is folded otherwise.
_PARTS = {
    "access": "#id_enabled",
    "address": "#id_address",
    "billing_documents": "#id_access_billing_documents",
    "pay_by_card": "#id_pay_by_card",
    "email_ok": "#email",
    "mail_stopped": "#email",
    "add_address": "#email",
    "invite": "#invitation",
    "resend": "?resend#invitation",
    "lift_stop": "#lift-stop",
    "pin": "#pin",
    "tries": "#pin",
    "reminders": "#reminders-h",
}


def url_of(fix: Fix, client: Client, mail: OutgoingEmail | None = None) -> str:
    """Returns the path, with query and fragment; `mail` is the email of a fix whose page shows one."""
    ref = mail.ref if mail is not None and fix.page is Page.EMAIL else client.ref
    return f"{reverse(f'office:{fix.page}', args=[ref])}{_PARTS.get(fix.name, '')}"
