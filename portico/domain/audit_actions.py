"""Every action that the audit log records, with its label."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portico.plumbing.mail.audit_actions import MailAction


class AuditAction(TextChoices):
    # The practice and its staff.
    PRACTICE_CREATED = "practice.created", _("Practice created")
    PRACTICE_EDITED = "practice.edited", _("Practice settings changed")
    SET_UP_CLOSED = "set_up.closed", _("Set-up list closed")
    LOGO_CHANGED = "logo.changed", _("Logo changed")
    DEFAULT_TEXT_CHANGED = "default_text.changed", _("Email text changed")
    DEFAULT_TEXT_RESET = "default_text.reset", _("Email text reset")
    LOGO_REMOVED = "logo.removed", _("Logo removed")
    PRACTICE_RESTORED = "practice.restored", _("Data restored from a backup")
    PRACTICE_SUSPENDED = "practice.suspended", _("Practice suspended")
    PRACTICE_RESUMED = "practice.resumed", _("Practice reactivated")
    STAFF_ADDED = "staff.added", _("Staff member added")
    STAFF_ROLE_CHANGED = "staff.role_changed", _("Staff role changed")
    STAFF_DEACTIVATED = "staff.deactivated", _("Staff member deactivated")
    STAFF_REACTIVATED = "staff.reactivated", _("Staff member reactivated")
    SET_UP_LINK_MADE = "set_up_link.made", _("Set-up link created")
    PASSWORD_CHOSEN = "password.chosen", _("Password chosen")
    STAFF_PASSWORD_ACCEPTED = "staff.password_accepted", _("Password correct, two-step verification requested")
    PASSWORD_RESET_ASKED = "password.reset_asked", _("Password reset requested")
    PASSWORD_RESET_BEYOND_LIMIT = "password.reset_beyond_limit", _("Password reset requested over the limit")
    PASSWORD_RESET = "password.reset", _("Password reset")
    STAFF_SIGNED_IN = "staff.signed_in", _("Staff member signed in")
    STAFF_SIGN_IN_REFUSED = "staff.sign_in_refused", _("Staff sign-in failed")
    STAFF_SIGN_IN_BEYOND_LIMIT = "staff.sign_in_beyond_limit", _("Staff sign-in over the limit")
    STAFF_SIGNED_OUT = "staff.signed_out", _("Staff member signed out")
    STAFF_RENAMED = "staff.renamed", _("Staff member changed their name")
    STAFF_EMAIL_CHANGED = "staff.email_changed", _("Staff member changed their email")
    STAFF_SESSION_ENDED = "staff.session_ended", _("Staff session ended")
    PASSWORD_CHANGED = "password.changed", _("Password changed")
    AUTHENTICATOR_ADDED = "authenticator.added", _("Authenticator app added")
    AUTHENTICATOR_REMOVED = "authenticator.removed", _("Authenticator app removed")
    PASSKEY_ADDED = "passkey.added", _("Passkey added")
    PASSKEY_REMOVED = "passkey.removed", _("Passkey removed")
    RECOVERY_CODES_MADE = "recovery_codes.made", _("Recovery codes created")
    RECOVERY_CODE_USED = "recovery_code.used", _("Recovery code used")
    SECOND_FACTOR_REFUSED = "second_factor.refused", _("Two-step verification failed")
    SECOND_FACTOR_BEYOND_LIMIT = "second_factor.beyond_limit", _("Two-step verification over the limit")
    SECOND_FACTOR_RESET = "second_factor.reset", _("Two-step verification reset")
    TEST_EMAIL_SENT = "test_email.sent", _("Test email sent")
    STRIPE_KEY_SAVED = "stripe_key.saved", _("Stripe key saved")
    STRIPE_KEY_REMOVED = "stripe_key.removed", _("Stripe key removed")
    ONLINE_PAYMENTS_CHANGED = "online_payments.changed", _("Online Payments status changed")
    WEBHOOK_SAVED = "webhook.saved", _("Webhook set up")
    WEBHOOK_MISSING = "webhook.missing", _("Webhook missing at Stripe")
    EVENT_REFUSED = "event.refused", _("External event rejected")
    DENIED_ROLE = "denied.role", _("Page denied for this role")
    DENIED_PRACTICE = "denied.practice", _("Another practice’s page requested")

    # Clients, as staff keep them.
    CLIENT_CREATED = "client.created", _("Client created")
    CLIENT_EDITED = "client.edited", _("Client Info changed")
    CLIENT_ARCHIVED = "client.archived", _("Client archived")
    CLIENT_RESTORED = "client.restored", _("Client restored")
    REMINDERS_TURNED_ON = "reminders.turned_on", _("Reminders turned on")
    REMINDERS_TURNED_OFF = "reminders.turned_off", _("Reminders turned off")
    CONTACT_ADDED = "contact.added", _("Contact added")
    CONTACT_EDITED = "contact.edited", _("Contact changed")
    CONTACT_ENDED = "contact.ended", _("Contact removed")
    MAJORITY_DECIDED = "contact.majority_decided", _("Access of a guardian decided")
    PARENTS_APART_RECORDED = "parents_apart.recorded", _("Parents apart recorded")
    PARENTS_APART_CLEARED = "parents_apart.cleared", _("Parents apart cleared")
    ADDRESS_ADDED = "address.added", _("Email address added")
    ADDRESS_CLOSED = "address.closed", _("Email address removed")
    CONSENT_RECORDED = "consent.recorded", _("Email ok recorded")
    CONSENT_WITHDRAWN = "consent.withdrawn", _("Email ok withdrawn")

    # Views of a client by staff: a row each, behind a filter.
    OVERVIEW_VIEWED = "overview.viewed", _("Overview viewed")
    CLIENT_INFO_VIEWED = "client_info.viewed", _("Client Info viewed")
    CLIENT_PORTAL_VIEWED = "client_portal.viewed", _("Client Portal viewed")
    ACTIVITY_VIEWED = "activity.viewed", _("Activity viewed")
    DOCUMENT_VIEWED = "document.viewed", _("Document opened")
    DOCUMENTS_VIEWED = "documents.viewed", _("Documents of a client viewed")
    SUBMISSION_VIEWED = "submission.viewed", _("Completed document viewed")
    # Of earlier versions, which listed a client's files on a page of their own.
    UPLOADS_VIEWED = "uploads.viewed", _("Files of a client viewed")
    SHARING_VIEWED = "sharing.viewed", _("Documents of a client viewed, to share more")
    UPLOAD_DOWNLOADED = "upload.downloaded", _("File of a client downloaded")
    CONTACT_VIEWED = "contact.viewed", _("Contact viewed")
    EMAIL_VIEWED = "email.viewed", _("Email viewed")
    HELP_REQUESTS_VIEWED = "help.viewed", _("Help requests viewed")
    BILLING_VIEWED = "billing.viewed", _("Billing viewed")
    INVOICE_VIEWED = "invoice.viewed", _("Invoice viewed")
    CLIENT_VIEW_STARTED = "client_view.started", _("View as client started")
    PAGE_VIEWED_AS_CLIENT = "client_view.page", _("Portal page viewed as client")
    CLIENT_VIEW_ENDED = "client_view.ended", _("View as client ended")
    INVOICES_EXPORTED = "invoices.exported", _("Invoices exported")
    PAYMENTS_EXPORTED = "payments.exported", _("Payments exported")
    REPORTS_EXPORTED = "reports.exported", _("Reports exported")
    DOCUMENTS_EXPORTED = "documents.exported", _("List of documents exported")
    EMAILS_EXPORTED = "emails.exported", _("List of failed email addresses exported")

    # Access to the portal.
    ACCESS_TURNED_ON = "access.turned_on", _("Client Portal Access turned on")
    ACCESS_TURNED_OFF = "access.turned_off", _("Client Portal Access turned off")
    ADDRESS_CHOSEN = "access.address_chosen", _("Portal email changed")
    ADDRESS_CHANGE_REQUESTED = "access.address_change_requested", _("Email change requested in the portal")
    ADDRESS_CHANGED_BY_CLIENT = "access.address_changed_by_client", _("Email changed by the client")
    OPTIONS_CHANGED = "access.options_changed", _("Portal options changed")
    INVITATION_QUEUED = "invitation.queued", _("Invitation sent")
    INVITATION_REFUSED = "invitation.refused", _("Invitation not sent")
    INVITATION_RUN_STARTED = "invitation_run.started", _("Invitations to several clients started")
    INVITATION_RUN_PAUSED = "invitation_run.paused", _("Invitations to several clients paused")
    INVITATION_RUN_RESUMED = "invitation_run.resumed", _("Invitations to several clients resumed")
    INVITATION_RUN_STOPPED = "invitation_run.stopped", _("Invitations to several clients stopped")
    PIN_MADE = "pin.made", _("PIN created")
    PIN_NOT_MADE = "pin.not_made", _("PIN not created")
    PIN_TRIES_ALLOWED = "pin.tries_allowed", _("More PIN tries allowed")
    EVERYTHING_ENDED = "access.everything_ended", _("Signed out everywhere")
    HELP_REQUEST_DONE = "help.done", _("Help request marked as done")
    EMAIL_DROPPED = MailAction.DROPPED.value, _("Email canceled")
    EMAIL_RESTARTED = MailAction.RESTARTED.value, _("Email retried")
    MAILBOX_STOPPED = MailAction.MAILBOX_STOPPED.value, _("Email to an address stopped")
    MAIL_STOP_LIFTED = MailAction.STOP_LIFTED.value, _("Email to an address allowed again")

    # The books.
    INVOICE_DRAFTED = "invoice.drafted", _("Invoice draft created")
    INVOICE_EDITED = "invoice.edited", _("Invoice draft changed")
    INVOICE_DISCARDED = "invoice.discarded", _("Invoice draft deleted")
    INVOICE_ISSUED = "invoice.issued", _("Invoice issued")
    INVOICE_SHARED = "invoice.shared", _("Invoice shared")
    INVOICE_UNSHARED = "invoice.unshared", _("Invoice no longer shared")
    INVOICE_VOIDED = "invoice.voided", _("Invoice voided")
    PAYMENT_RECORDED = "payment.recorded", _("Payment recorded")
    PAYMENT_TAKEN_BACK = "payment.taken_back", _("Payment voided")
    CREDIT_GIVEN = "credit.given", _("Credit added")
    CREDIT_TAKEN_BACK = "credit.taken_back", _("Credit voided")
    CREDIT_KEPT = "credit.kept", _("Payment kept as credit")
    CREDIT_APPLIED = "credit.applied", _("Payment applied to an invoice")
    REFUND_RECORDED = "refund.recorded", _("Refund recorded")
    SERVICE_SAVED = "service.saved", _("Service updated")
    SERVICE_RETIRED = "service.retired", _("Service archived")
    PAYMENT_STARTED = "payment.started", _("Card payment started")
    PAYMENT_CHARGED = "payment.charged", _("Card charged online")
    PAYMENT_DECLINED = "payment.declined", _("Card declined")
    PAYMENT_REFUSED = "payment.refused", _("Stripe refused the request")
    PAYMENT_NOT_REACHED = "payment.not_reached", _("Stripe could not be reached")
    PAYMENT_QUARANTINED = "payment.quarantined", _("Payment doesn’t match")
    PAYMENT_RELEASED = "payment.released", _("Payment released")
    TESTS_TAKEN_OUT = "payment.tests_taken_out", _("Test payments removed")
    CARD_SAVED = "card.saved", _("Card saved")
    CARD_REMOVED = "card.removed", _("Saved card removed")
    REFUND_SENT = "refund.sent", _("Refund sent through Stripe")
    REFUND_FOUND = "refund.found", _("Refund created in Stripe")
    REFUND_FAILED = "refund.failed", _("Refund failed")
    DISPUTE_OPENED = "dispute.opened", _("Payment disputed")
    DISPUTE_WON = "dispute.won", _("Dispute won")
    DISPUTE_LOST = "dispute.lost", _("Dispute lost")
    PAYMENTS_RECONCILED = "payment.reconciled", _("Payments checked against Stripe")

    # Documents, as staff make and share them.
    TEMPLATE_CREATED = "template.created", _("Document created")
    TEMPLATE_EDITED = "template.edited", _("Document changed")
    TEMPLATE_DRAFT_DISCARDED = "template.draft_discarded", _("Changes to a document discarded")
    TEMPLATE_PUBLISHED = "template.published", _("Document published")
    TEMPLATE_MOVED = "template.moved", _("Document moved in the list")
    TEMPLATE_ARCHIVED = "template.archived", _("Document archived")
    TEMPLATE_RESTORED = "template.restored", _("Document restored from the archive")
    TEMPLATE_EXPORTED = "template.exported", _("Form exported")
    DOCUMENTS_SHARED = "documents.shared", _("Documents shared")
    DOCUMENTS_REMINDED = "documents.reminded", _("Reminder about documents sent")
    DOCUMENT_RUN_STARTED = "document_run.started", _("Bulk sharing started")
    DOCUMENT_RUN_PAUSED = "document_run.paused", _("Bulk sharing paused")
    DOCUMENT_RUN_RESUMED = "document_run.resumed", _("Bulk sharing resumed")
    DOCUMENT_RUN_STOPPED = "document_run.stopped", _("Bulk sharing stopped")
    DOCUMENT_WITHDRAWN = "document.withdrawn", _("Document withdrawn")
    DOCUMENT_ASKED_AGAIN = "document.asked_again", _("Document asked for again")
    DOCUMENT_UPDATED = "document.updated", _("Open document moved to the current version")
    DOCUMENT_SIGNED_ON_PAPER = "document.signed_on_paper", _("Document signed on paper, recorded by staff")
    DOCUMENT_REVIEWED = "document.reviewed", _("Completed document reviewed")
    RECORD_UPDATED = "document.record_updated", _("Client record updated from a completed document")
    DOCUMENT_COUNTERSIGNED = "document.countersigned", _("Completed document countersigned")

    # The client's side.
    LINK_SENT = "link.sent", _("Sign-in email sent")
    LINK_REFUSED = "link.refused", _("Sign-in link rejected")
    CODE_REFUSED = "code.refused", _("Sign-in code rejected")
    CODE_BEYOND_LIMIT = "code.beyond_limit", _("Sign-in code over the limit")
    PIN_REFUSED = "pin.refused", _("PIN rejected")
    PIN_BEYOND_LIMIT = "pin.beyond_limit", _("PIN over the limit")
    CLIENT_SIGNED_IN = "client.signed_in", _("Client signed in by link")
    CLIENT_SIGNED_IN_BY_CODE = "client.signed_in_by_code", _("Client signed in by code")
    CLIENT_SIGNED_IN_BY_PIN = "client.signed_in_by_pin", _("Client signed in by PIN")
    CLIENT_SIGNED_OUT = "client.signed_out", _("Client signed out")
    HELP_REQUESTED = "help.requested", _("Help requested")
    LANGUAGE_CHOSEN = "language.chosen", _("Portal language changed")
    SESSION_ENDED = "session.ended", _("Portal session ended")
    INVOICE_SEEN = "invoice.seen", _("Invoice seen in the portal")
    DOCUMENT_OPENED = "document.opened", _("Document opened in the portal")
    DOCUMENT_STARTED = "document.started", _("Document started in the portal")
    DOCUMENT_SUBMITTED = "document.submitted", _("Document completed in the portal")
    DOCUMENT_SIGNED = "document.signed", _("Document signed in the portal")
    DOCUMENT_DECLINED = "document.declined", _("Document declined in the portal")
    FILE_UPLOADED = "upload.added", _("File sent in the portal")
    UPLOAD_REMOVED = "upload.removed", _("File removed in the portal")
    VIRUS_FOUND = "upload.virus_found", _("A virus was found in a file")
    SHARED_FILE_OPENED = "shared_file.opened", _("File downloaded in the portal")
    COMPLETED_DOCUMENT_SEEN = "completed_document.seen", _("Completed document viewed in the portal")

    @classmethod
    def of_documents(cls) -> frozenset["AuditAction"]:
        """Returns the actions about a client's documents and files, also views; new ones by their prefix.

        Without DOCUMENT_VIEWED, which is about bills and letters too; its detail `kind` says which.
        """
        prefixes = ("document", "submission.", "upload", "shared_file.", "completed_document.", "sharing.")
        return frozenset(each for each in cls if each.value.startswith(prefixes)) - {cls.DOCUMENT_VIEWED}

    @classmethod
    def views(cls) -> frozenset["AuditAction"]:
        """Returns the actions of mere views, which the audit log pages hide unless asked for."""
        return frozenset(
            {
                cls.OVERVIEW_VIEWED,
                cls.CLIENT_INFO_VIEWED,
                cls.CLIENT_PORTAL_VIEWED,
                cls.ACTIVITY_VIEWED,
                cls.CONTACT_VIEWED,
                cls.EMAIL_VIEWED,
                cls.HELP_REQUESTS_VIEWED,
                cls.DOCUMENT_VIEWED,
                cls.DOCUMENTS_VIEWED,
                cls.SUBMISSION_VIEWED,
                cls.UPLOADS_VIEWED,
                cls.SHARING_VIEWED,
                cls.UPLOAD_DOWNLOADED,
                cls.SHARED_FILE_OPENED,
                cls.COMPLETED_DOCUMENT_SEEN,
                cls.BILLING_VIEWED,
                cls.INVOICE_VIEWED,
                cls.PAGE_VIEWED_AS_CLIENT,
                cls.CLIENT_VIEW_ENDED,
                cls.INVOICES_EXPORTED,
                cls.PAYMENTS_EXPORTED,
                cls.REPORTS_EXPORTED,
                cls.DOCUMENTS_EXPORTED,
                cls.EMAILS_EXPORTED,
                cls.TEMPLATE_EXPORTED,
            }
        )
