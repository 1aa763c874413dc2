"""URLs of fixes: the page of the office on which staff make a fix, the part of it, and the access it is for."""

from urllib.parse import urlencode

from django.urls import reverse

from portico.domain.access.eligibility_steps import Fix, Page
from portico.domain.clients.models import Client, Relationship
from portico.plumbing.models import OutgoingEmail
from portico.web import redirects

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


def url_of(
    fix: Fix, client: Client, mail: OutgoingEmail | None = None, *, relationship: Relationship | None = None
) -> str:
    """Returns the path, with query and fragment; `mail` is the email of a fix whose page shows one.

    `relationship` is that of the contact who needs the fix; None for the client.
    """
    if relationship is not None and fix.page in {Page.CLIENT_INFO, Page.CLIENT_PORTAL}:
        return _url_for_contact(fix, client, relationship)
    ref = mail.ref if mail is not None and fix.page is Page.EMAIL else client.ref
    return f"{reverse(f'office:{fix.page}', args=[ref])}{_PARTS.get(fix.name, '')}"


def _url_for_contact(fix: Fix, client: Client, relationship: Relationship) -> str:
    query, _hash, fragment = _PARTS.get(fix.name, "").partition("#")
    if fix.page is Page.CLIENT_INFO:
        return f"{reverse('office:contact', args=[client.ref, relationship.ref])}#{fragment}"
    of_access = access_query(relationship)
    path = reverse(f"office:{fix.page}", args=[client.ref])
    return f"{path}{f'{query}&{of_access[1:]}' if query else of_access}#{fragment}"


def access_query(relationship: Relationship | None) -> str:
    """Returns "?access=…", which names the access of a contact; empty for the client's own."""
    return "" if relationship is None else "?" + urlencode({redirects.ACCESS_PARAMETER: relationship.ref})
