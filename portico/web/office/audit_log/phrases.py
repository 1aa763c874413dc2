"""Phrases of the audit log by action: whole sentences, and others that the details of an entry complete."""

from django.utils.translation import gettext_lazy

from portico.domain.audit_actions import AuditAction

TEMPLATE_ACTIONS = frozenset(action for action in AuditAction if action.value.startswith("template."))
STRIPE_FAILURES = {AuditAction.PAYMENT_REFUSED, AuditAction.PAYMENT_NOT_REACHED, AuditAction.REFUND_FAILED}
BILLING_LABELS = {
    action: action.label
    for action in (
        AuditAction.INVOICE_DRAFTED,
        AuditAction.INVOICE_EDITED,
        AuditAction.INVOICE_DISCARDED,
        AuditAction.INVOICE_ISSUED,
        AuditAction.INVOICE_SHARED,
        AuditAction.INVOICE_UNSHARED,
        AuditAction.INVOICE_VOIDED,
        AuditAction.INVOICE_SEEN,
        AuditAction.PAYMENT_RECORDED,
        AuditAction.PAYMENT_TAKEN_BACK,
        AuditAction.PAYMENT_QUARANTINED,
        AuditAction.PAYMENT_RELEASED,
        AuditAction.REFUND_RECORDED,
        AuditAction.CREDIT_GIVEN,
        AuditAction.CREDIT_TAKEN_BACK,
        AuditAction.CREDIT_KEPT,
        AuditAction.CREDIT_APPLIED,
    )
}
CREDIT_APPLIED = gettext_lazy("Payment applied to invoice %(number)s")
SENTENCES = {
    AuditAction.PRACTICE_RESTORED: gettext_lazy("The data was restored from a backup and everyone was signed out"),
    AuditAction.ACCESS_TURNED_ON: gettext_lazy("Portal access turned on"),
    AuditAction.ACCESS_TURNED_OFF: gettext_lazy("Portal access turned off"),
    AuditAction.OVERVIEW_VIEWED: gettext_lazy("Overview viewed"),
    AuditAction.CLIENT_INFO_VIEWED: gettext_lazy("Client Info viewed"),
    AuditAction.CLIENT_PORTAL_VIEWED: gettext_lazy("Client Portal viewed"),
    AuditAction.ACTIVITY_VIEWED: gettext_lazy("Activity viewed"),
    AuditAction.SHARING_VIEWED: gettext_lazy("The client’s documents were viewed, to share more"),
    AuditAction.EMAIL_VIEWED: gettext_lazy("An email was viewed"),
    AuditAction.EMAIL_DROPPED: gettext_lazy("An email was not sent"),
    AuditAction.EMAIL_RESTARTED: gettext_lazy("An email was retried"),
    AuditAction.MAILBOX_STOPPED: gettext_lazy("Email to an address was stopped"),
    AuditAction.MAIL_STOP_LIFTED: gettext_lazy("Email to an address is allowed again"),
    AuditAction.LINK_SENT: gettext_lazy("Sign-in email sent, requested on the portal’s sign-in page"),
    AuditAction.CODE_REFUSED: gettext_lazy("An incorrect or expired sign-in code was entered"),
    AuditAction.CODE_BEYOND_LIMIT: gettext_lazy("A sign-in code was entered after too many wrong codes"),
    AuditAction.INVITATION_REFUSED: gettext_lazy("Invitation not sent"),
    AuditAction.PIN_NOT_MADE: gettext_lazy("PIN not created"),
    AuditAction.PIN_MADE: gettext_lazy("PIN created, to be read out over the phone"),
    AuditAction.PIN_TRIES_ALLOWED: gettext_lazy("More PIN tries allowed"),
    AuditAction.PIN_REFUSED: gettext_lazy("An incorrect or expired PIN was entered"),
    AuditAction.PIN_BEYOND_LIMIT: gettext_lazy("A PIN was entered after too many wrong PINs"),
    AuditAction.EVERYTHING_ENDED: gettext_lazy("Signed out everywhere: links, codes, PINs and sessions canceled"),
    AuditAction.CLIENT_SIGNED_IN: gettext_lazy("Signed in with the link from the email"),
    AuditAction.CLIENT_SIGNED_IN_BY_CODE: gettext_lazy("Signed in with the code from the email"),
    AuditAction.CLIENT_SIGNED_IN_BY_PIN: gettext_lazy("Signed in with a PIN"),
    AuditAction.CLIENT_SIGNED_OUT: gettext_lazy("Signed out"),
    AuditAction.SESSION_ENDED: gettext_lazy("A portal session was ended"),
    AuditAction.HELP_REQUESTED: gettext_lazy("Asked for help"),
    AuditAction.HELP_REQUESTS_VIEWED: gettext_lazy("Help requests viewed"),
    AuditAction.HELP_REQUEST_DONE: gettext_lazy("A help request was marked as done"),
}
WITH_ADDRESS = {
    AuditAction.ADDRESS_ADDED: gettext_lazy("Email address %(address)s added"),
    AuditAction.ADDRESS_CLOSED: gettext_lazy("Email address %(address)s removed"),
    AuditAction.CONSENT_RECORDED: gettext_lazy("Email ok recorded for %(address)s"),
    AuditAction.CONSENT_WITHDRAWN: gettext_lazy("Email ok withdrawn for %(address)s"),
    AuditAction.ADDRESS_CHOSEN: gettext_lazy("Portal email set to %(address)s"),
    AuditAction.ADDRESS_CHANGED_BY_CLIENT: gettext_lazy("Email changed to %(address)s by the client, in the portal"),
    AuditAction.TEST_EMAIL_SENT: gettext_lazy("Test email sent to %(address)s"),
    AuditAction.INVITATION_QUEUED: gettext_lazy("Invitation to %(address)s sent"),
}
WITH_REASON = {
    AuditAction.EMAIL_DROPPED: gettext_lazy("An email was not sent. %(reason)s"),
    AuditAction.MAILBOX_STOPPED: gettext_lazy("Email to an address was stopped. %(reason)s"),
}
RUNS = {
    AuditAction.INVITATION_RUN_STARTED: gettext_lazy("Invitations to several clients started: %(number)s"),
    AuditAction.INVITATION_RUN_STOPPED: gettext_lazy("Invitations to several clients stopped: %(number)s not sent"),
    AuditAction.DOCUMENT_RUN_STARTED: gettext_lazy("Bulk sharing started: %(number)s"),
    AuditAction.DOCUMENT_RUN_STOPPED: gettext_lazy("Bulk sharing stopped: %(number)s not shared"),
}
ROLES = {
    AuditAction.STAFF_ADDED: gettext_lazy("Staff member added as %(role)s"),
    AuditAction.STAFF_ROLE_CHANGED: gettext_lazy("Staff role changed to %(role)s"),
}
CONTACTS = {
    AuditAction.CONTACT_ADDED: gettext_lazy("Contact added: %(name)s, %(kind)s"),
    AuditAction.CONTACT_EDITED: gettext_lazy("Contact changed: %(name)s, %(fields)s"),
    AuditAction.CONTACT_ENDED: gettext_lazy("Contact removed: %(name)s, %(kind)s"),
    AuditAction.MAJORITY_DECIDED: gettext_lazy("%(name)s keeps the portal access as the client comes of age"),
}
REFUSALS = {
    AuditAction.INVITATION_REFUSED: {
        "access": gettext_lazy("Invitation not sent: access was off"),
        "address": gettext_lazy("Invitation not sent: no address was chosen"),
        "email_ok": gettext_lazy("Invitation not sent: Email ok was not checked"),
        "lift_stop": gettext_lazy("Invitation not sent: an earlier email was marked as spam"),
        "guardian": gettext_lazy("Invitation not sent: the client is under age and has no guardian"),
    },
    AuditAction.PIN_NOT_MADE: {
        "restore": gettext_lazy("PIN not created: the client is archived"),
        "access": gettext_lazy("PIN not created: access was off"),
        "address": gettext_lazy("PIN not created: no address was chosen"),
        "tries": gettext_lazy("PIN not created: too many wrong PINs were entered"),
        "guardian": gettext_lazy("PIN not created: the client is under age and has no guardian"),
    },
}
DOCUMENTS_VIEWED = {
    "invoice": gettext_lazy("Invoice %(number)s viewed as PDF"),
    "receipt": gettext_lazy("Receipt %(number)s viewed"),
    "refund": gettext_lazy("Refund receipt %(number)s viewed"),
    "statement": gettext_lazy("Statement viewed"),
    "letter": gettext_lazy("Invitation letter printed"),
    "completed_document": gettext_lazy("Completed document downloaded as PDF"),
    "countersigned_document": gettext_lazy("Countersigned document downloaded as PDF"),
}
LINKS_USED = {
    "used": gettext_lazy("A sign-in link was used a second time"),
    "expired": gettext_lazy("An expired or canceled sign-in link was used"),
    "unknown": gettext_lazy("An unknown sign-in link was used"),
    "elsewhere": gettext_lazy("A sign-in link was used at another practice’s address"),
}
LINKS_OPENED = {
    "used": gettext_lazy("A used sign-in link was opened (maybe by a mail scanner)"),
    "expired": gettext_lazy("An expired or canceled sign-in link was opened (maybe by a mail scanner)"),
}
# By URL name.
PORTAL_PAGES = {
    "home": gettext_lazy("Home"),
    "who": gettext_lazy("Home"),
    "billing": gettext_lazy("Billing & Payments"),
    "invoice": gettext_lazy("Invoice"),
    "invoice_pdf": gettext_lazy("Invoice (PDF)"),
    "pay_balance": gettext_lazy("Pay Now"),
    "pay_invoice": gettext_lazy("Pay Now"),
    "payment": gettext_lazy("Payment"),
    "receipt": gettext_lazy("Receipt"),
    "receipt_pdf": gettext_lazy("Receipt (PDF)"),
    "refund_receipt": gettext_lazy("Refund receipt"),
    "refund_receipt_pdf": gettext_lazy("Refund receipt (PDF)"),
    "statement": gettext_lazy("Account statement"),
    "statement_pdf": gettext_lazy("Account statement (PDF)"),
    "documents": gettext_lazy("Documents"),
    "document": gettext_lazy("Document"),
    "document_page": gettext_lazy("Page of a form"),
    "document_review": gettext_lazy("Review of a form"),
    "documents_done": gettext_lazy("All done"),
    "document_pdf": gettext_lazy("Completed document (PDF)"),
    "document_declining": gettext_lazy("Decline a document"),
    "profile": gettext_lazy("Profile"),
}
FIELDS = {
    "first_name": gettext_lazy("first name"),
    "last_name": gettext_lazy("last name"),
    "preferred_name": gettext_lazy("preferred name"),
    "date_of_birth": gettext_lazy("date of birth"),
    "language": gettext_lazy("language of emails"),
    "clinician": gettext_lazy("clinician"),
    "status": gettext_lazy("status"),
    "phones": gettext_lazy("phone"),
    "also_client": gettext_lazy("link to a client"),
    "kind": gettext_lazy("kind"),
    "age_of_majority": gettext_lazy("age of majority"),
    "support_hours_es": gettext_lazy("support hours in Spanish"),
    "greeting": gettext_lazy("portal greeting"),
    "greeting_es": gettext_lazy("portal greeting in Spanish"),
    "emergency_text_es": gettext_lazy("emergency text in Spanish"),
    "hue": gettext_lazy("accent color"),
    "reply_to": gettext_lazy("reply-to"),
    "reminder_days": gettext_lazy("reminder days"),
    "document_reminder_days": gettext_lazy("reminder days of documents"),
    "help_notices": gettext_lazy("emails about help requests"),
    "document_notices": gettext_lazy("emails about completed documents"),
}
