"""The recurring tasks of the worker and their intervals."""

from datetime import timedelta

from django.conf import settings

from portico.domain.access import client_views
from portico.domain.access.help_requests import help_requests, staff_notices
from portico.domain.access.notices import known_browsers
from portico.domain.access.sign_in import portal_sessions
from portico.domain.access.sign_in import saved_forms as portal_saved_forms
from portico.domain.access.sign_in.requests import bursts, sign_in_requests
from portico.domain.billing.card_payments import polling, saved_cards
from portico.domain.billing.ledger import practice_owed_total
from portico.domain.billing.reminders import due_reminders
from portico.domain.billing.stripe_sync import card_refunds, disputes, reconciliation
from portico.domain.documents.completion import completion_notices
from portico.domain.documents.sharing import document_reminders
from portico.domain.maintenance import clock_set_back
from portico.domain.maintenance.schedule import Task
from portico.domain.maintenance.sender_check.checking import CHECK_SENDER
from portico.domain.practices.staff import saved_forms
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.domain.practices.stripe_setup import api_keys, webhook_setup
from portico.plumbing import form_keys, inbound_events
from portico.plumbing.audit import sealing
from portico.plumbing.files import file_content, virus_checks
from portico.plumbing.mail import outbox
from portico.plumbing.mail.reports import delivery_reports
from portico.plumbing.security import rate_limits


def delete_saved_forms() -> int:
    """Deletes expired saved forms of staff and clients, and old form keys. Returns their number."""
    return saved_forms.delete_expired() + portal_saved_forms.delete_expired() + form_keys.delete_old()


def stop_waiting_for_scanner() -> int:
    """Marks files that wait for a virus scanner as not checked if `CLAMD_URL` was removed. Returns their number."""
    return 0 if settings.CLAMD_URL else virus_checks.stop_waiting()


TASKS = (
    Task("include changes in totals owed", timedelta(minutes=1), practice_owed_total.include_changes),
    Task("send reminders", timedelta(minutes=1), due_reminders.queue_due),
    Task("remind of documents", timedelta(minutes=1), document_reminders.queue_due),
    Task("forget removed cards", timedelta(minutes=1), saved_cards.detach_removed),
    Task("follow refunds", timedelta(minutes=1), card_refunds.poll_pending),
    Task("follow disputes", timedelta(hours=1), disputes.poll_open),
    Task("look at what was charged", timedelta(minutes=15), reconciliation.reconcile_recent),
    Task("settle times from the future", timedelta(minutes=1), clock_set_back.repair),
    Task("measure the clock again", timedelta(minutes=1), api_keys.measure_clock_again),
    Task("look for webhooks", timedelta(hours=1), webhook_setup.check_webhooks),
    Task("forget replaced keys", timedelta(hours=1), polling.delete_replaced_keys),
    Task("settle sealed audit entries", timedelta(minutes=10), sealing.settle),
    Task("log newest seals", timedelta(days=1), sealing.log_newest),
    Task("forget portal sessions", timedelta(hours=1), portal_sessions.delete_ended),
    Task("delete client views", timedelta(hours=1), client_views.delete_old),
    Task("forget old asks", timedelta(hours=1), sign_in_requests.delete_old),
    Task("watch for bursts", timedelta(minutes=1), bursts.update),
    Task("forget old bursts", timedelta(days=1), bursts.delete_old),
    Task("forget old browsers", timedelta(days=1), known_browsers.delete_old),
    Task("announce completed documents", timedelta(minutes=1), completion_notices.announce),
    Task("announce help requests", timedelta(minutes=1), staff_notices.announce),
    Task("delete old help requests", timedelta(days=1), help_requests.delete_old),
    Task("forget staff sessions", timedelta(hours=1), SessionStore.clear_expired),
    Task("forget idle limits", timedelta(hours=1), rate_limits.delete_idle),
    Task("delete old webhook events", timedelta(minutes=10), inbound_events.delete_old),
    Task("delete old delivery reports", timedelta(minutes=10), delivery_reports.delete_old),
    Task("delete old email bodies", timedelta(minutes=10), outbox.delete_old_bodies),
    Task("delete unused files", timedelta(minutes=10), file_content.delete_unused),
    Task("stop waiting for a removed scanner", timedelta(minutes=1), stop_waiting_for_scanner),
    Task("forget kept forms", timedelta(minutes=10), delete_saved_forms),
    # The last one, since a silent DNS server makes it wait.
    CHECK_SENDER,
)
