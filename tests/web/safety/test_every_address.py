"""Every route, requested by every kind of visitor: status, redirects and audit log."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.db import transaction
from pytest_django.fixtures import Settings

from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices import suspension
from portico.domain.practices.models import StaffMember
from portico.plumbing import tokens
from portico.plumbing.models import AuditEntry
from portico.web.route_list import Route, all_routes
from tests import cast
from tests.support.world import World, cases
from tests.support.world import alike as as_they_were

pytestmark = pytest.mark.django_db

HEADERS = (
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Permissions-Policy",
    "Cross-Origin-Opener-Policy",
    "Cache-Control",
)
VISITORS = (
    *("nobody", "owner", "clinician", "front_desk", "biller", "owner elsewhere"),
    *("a colleague who left", "owner of a paused practice"),
    *("the client", "another client", "a client elsewhere"),
)
STAFF = ("owner", "clinician", "front_desk", "biller")


@dataclass(frozen=True)
class Expected:
    """Returns the status for each visitor; `others` for those not named."""

    others: int
    named: dict[str, int]

    def of(self, visitor: str) -> int:
        return self.named.get(visitor, self.others)


def alike(status: int) -> Expected:
    return Expected(status, {})


def at_the_entrance(status: int, *, inside: int) -> Expected:
    """Returns one status for visitors, and another for staff who are signed in."""
    return Expected(status, dict.fromkeys((*STAFF, "owner elsewhere", "owner of a paused practice"), inside))


def for_staff(status: int, *, elsewhere: int | None = None, **roles: int) -> Expected:
    """Returns the status for staff, or by role; others are redirected to the sign-in page."""
    named = {role: roles.get(role, status) for role in STAFF}
    return Expected(302, named | {"owner elsewhere": elsewhere or status, "owner of a paused practice": 503})


def in_portal(status: int, **named: int) -> Expected:
    """Returns the status for the practice's clients; others are redirected to the entrance."""
    clients = {"the client": named.get("own", status), "another client": named.get("another", status)}
    return Expected(302, clients)


def for_owners(status: int, *, elsewhere: int | None = None) -> Expected:
    """Returns the status for owners; other roles get 403."""
    return for_staff(status, elsewhere=elsewhere, clinician=403, front_desk=403, biller=403)


def for_editors(status: int, *, elsewhere: int | None = None) -> Expected:
    """Returns the status for those who make documents, owners and clinicians; other roles get 403."""
    return for_staff(status, elsewhere=elsewhere, front_desk=403, biller=403)


# Objects of another practice are 404; a biller has read access.
OF_A_CLIENT = for_staff(200, elsewhere=404)
EDITED = for_staff(200, elsewhere=404, biller=403)
CHANGED = for_staff(302, elsewhere=404, biller=403)
REFUSED_INPUT = for_staff(422, elsewhere=404, biller=403)

# All four roles create, share and record; refunds and credit are for owners and billers.
BILLED = for_staff(302, elsewhere=404)
MONEY_PAGE = for_staff(200, elsewhere=404, clinician=403, front_desk=403)
MONEY_REFUSED = for_staff(422, elsewhere=404, clinician=403, front_desk=403)
MONEY_DONE = for_staff(302, elsewhere=404, clinician=403, front_desk=403)

EXPECTED: dict[tuple[str, str], Expected] = {
    ("front_door", "GET"): alike(200),
    ("hue", "GET"): alike(200),
    # Without a webhook secret, the URL is 404.
    ("stripe_hook", "POST"): alike(404),
    ("mail_hook", "POST"): alike(404),
    ("healthz", "GET"): alike(200),
    ("readyz", "GET"): alike(200),
    ("office:home", "GET"): for_staff(302),
    ("office:sign_in", "GET"): at_the_entrance(200, inside=302),
    ("office:sign_in", "POST"): at_the_entrance(422, inside=302),
    ("office:forgotten", "GET"): alike(200),
    ("office:forgotten", "POST"): alike(422),
    ("office:forgotten_sent", "GET"): alike(200),
    ("office:sign_out", "POST"): alike(302),
    # Where no second factor is required, the steps redirect to the office.
    ("office:second_step", "GET"): for_staff(302),
    ("office:second_step", "POST"): for_staff(302),
    ("office:second_step_by_passkey", "POST"): for_staff(200),
    ("office:first_factor", "GET"): for_staff(302),
    ("office:first_factor", "POST"): for_staff(302),
    ("office:first_passkey", "POST"): for_staff(200),
    ("office:recovery_codes", "GET"): for_staff(302),
    ("office:recovery_codes", "POST"): for_staff(302),
    ("office:recovery_codes_text", "GET"): for_staff(302),
    ("office:set_up_arrival", "GET"): alike(302),
    ("office:set_up", "GET"): alike(410),
    ("office:set_up", "POST"): alike(410),
    ("office:prove", "GET"): for_staff(200),
    ("office:prove", "POST"): for_staff(422),
    ("office:prove_by_passkey", "POST"): for_staff(200),
    ("office:account", "GET"): for_staff(200),
    ("office:own_details", "GET"): for_staff(200),
    ("office:own_details", "POST"): for_staff(422),
    ("office:own_password", "GET"): for_staff(200),
    ("office:own_password", "POST"): for_staff(422),
    ("office:own_authenticator", "GET"): for_staff(200),
    ("office:own_authenticator", "POST"): for_staff(422),
    ("office:own_authenticator_removing", "POST"): for_staff(302),
    ("office:own_passkey", "GET"): for_staff(200),
    ("office:own_passkey", "POST"): for_staff(422),
    ("office:own_passkey_question", "POST"): for_staff(200),
    # Pages of one's own account: even an owner of the same practice gets 404.
    ("office:own_passkey_removing", "POST"): for_staff(404),
    ("office:own_recovery_codes", "POST"): for_staff(302),
    ("office:own_sessions_ending", "POST"): for_staff(302),
    ("office:own_session_ending", "POST"): for_staff(404),
    ("office:help", "GET"): for_staff(200),
    ("office:help_page", "GET"): for_staff(200),
    ("office:kept_post", "GET"): for_staff(404),
    ("office:clients", "GET"): for_staff(200),
    ("office:set_up_closing", "POST"): for_owners(302),
    ("office:coming_of_age", "GET"): for_staff(200),
    ("office:create_client", "GET"): for_staff(200, biller=403),
    ("office:create_client", "POST"): for_staff(422, biller=403),
    ("office:client", "GET"): OF_A_CLIENT,
    ("office:client_activity", "GET"): OF_A_CLIENT,
    ("office:document_check", "GET"): for_staff(200, biller=403),
    ("office:document_check", "POST"): for_staff(422, biller=403),
    ("office:document_list", "GET"): for_staff(200, biller=403),
    ("office:documents_file", "GET"): for_staff(200, biller=403),
    # No document is chosen: back to the list.
    ("office:remind_documents", "GET"): for_staff(302, biller=403),
    ("office:remind_documents", "POST"): for_staff(302, biller=403),
    ("office:document_runs", "GET"): for_staff(200, biller=403),
    # No client is chosen: back to the list.
    ("office:new_document_run", "GET"): for_staff(302, biller=403),
    ("office:new_document_run", "POST"): for_staff(302, biller=403),
    ("office:document_run", "GET"): for_staff(200, elsewhere=404, biller=403),
    ("office:client_documents", "GET"): EDITED,
    ("office:new_paper_signature", "GET"): EDITED,
    ("office:new_paper_signature", "POST"): REFUSED_INPUT,
    # The document of the test is completed: the page leads to it, and what is posted is not lost.
    ("office:paper_signature", "GET"): CHANGED,
    ("office:paper_signature", "POST"): REFUSED_INPUT,
    ("office:record_update", "POST"): CHANGED,
    ("office:submission", "GET"): EDITED,
    ("office:submission_pdf", "GET"): EDITED,
    ("office:submission_review", "POST"): CHANGED,
    ("office:document_asking_again", "POST"): CHANGED,
    ("office:submission_countersignature", "POST"): REFUSED_INPUT,
    # Signed already: the page says so.
    ("office:document_withdrawal", "POST"): CHANGED,
    ("office:client_uploads", "GET"): CHANGED,
    ("office:client_upload", "GET"): EDITED,
    ("office:client_archiving", "POST"): CHANGED,
    ("office:client_restoring", "POST"): CHANGED,
    ("office:client_info", "GET"): OF_A_CLIENT,
    ("office:client_info", "POST"): REFUSED_INPUT,
    ("office:new_contact", "GET"): EDITED,
    ("office:new_contact", "POST"): REFUSED_INPUT,
    ("office:contact", "GET"): EDITED,
    ("office:contact", "POST"): REFUSED_INPUT,
    ("office:contact_ending", "POST"): CHANGED,
    ("office:contact_keeping", "POST"): CHANGED,
    ("office:parents_apart", "POST"): CHANGED,
    ("office:client_portal", "GET"): OF_A_CLIENT,
    ("office:client_portal", "POST"): REFUSED_INPUT,
    ("office:invitation_draft", "POST"): for_staff(204, elsewhere=404, biller=403),
    ("office:invitation_preview", "POST"): EDITED,
    # No PIN was made in this browser: back to the tab.
    ("office:client_pin", "GET"): CHANGED,
    ("office:client_pin", "POST"): REFUSED_INPUT,
    ("office:client_pin_tries", "POST"): CHANGED,
    ("office:client_ending", "POST"): CHANGED,
    ("office:lift_stop", "POST"): CHANGED,
    ("office:client_session_end", "POST"): CHANGED,
    ("office:share_documents", "GET"): EDITED,
    # The first of its three steps.
    ("office:share_documents", "POST"): EDITED,
    ("office:client_view", "GET"): EDITED,
    ("office:client_view", "POST"): CHANGED,
    ("office:client_billing", "GET"): OF_A_CLIENT,
    ("office:client_reminders", "POST"): BILLED,
    ("office:balances", "GET"): for_staff(200),
    ("office:balances_file", "GET"): for_staff(200, clinician=403, front_desk=403),
    ("office:balances_reminders", "POST"): for_staff(302),
    ("office:give_credit", "GET"): MONEY_PAGE,
    ("office:give_credit", "POST"): MONEY_REFUSED,
    ("office:record_for_client", "GET"): OF_A_CLIENT,
    ("office:record_for_client", "POST"): for_staff(422, elsewhere=404),
    ("office:new_invoice", "GET"): OF_A_CLIENT,
    ("office:new_invoice", "POST"): for_staff(422, elsewhere=404),
    ("office:invoices", "GET"): for_staff(200),
    ("office:figures", "GET"): for_staff(200),
    ("office:figures_file", "GET"): for_staff(200, clinician=403, front_desk=403),
    ("office:invoices_file", "GET"): for_staff(200, clinician=403, front_desk=403),
    # Without clients, the form leads back to their choice.
    ("office:choose_clients", "GET"): for_staff(200),
    ("office:new_invoices", "GET"): for_staff(302),
    ("office:new_invoices", "POST"): for_staff(302),
    # The other practice has nothing to share.
    ("office:invitation_runs", "GET"): for_staff(200, biller=403),
    # No client is chosen: back to the list.
    ("office:new_invitation_run", "GET"): for_staff(302, biller=403),
    ("office:new_invitation_run", "POST"): for_staff(302, biller=403),
    ("office:invitation_run", "GET"): for_staff(200, elsewhere=404, biller=403),
    **{
        (f"office:invitation_run_{button}", "POST"): for_staff(302, elsewhere=404, biller=403)
        for button in ("pause", "resume", "stop")
    },
    ("office:share_all", "GET"): for_staff(200, elsewhere=302),
    ("office:share_all", "POST"): for_staff(302),
    ("office:sharing_run", "GET"): OF_A_CLIENT,
    ("office:invoice", "GET"): OF_A_CLIENT,
    # The invoice is issued: the page of the draft redirects to it, and input is not saved.
    ("office:invoice_pdf", "GET"): OF_A_CLIENT,
    ("office:receipt", "GET"): OF_A_CLIENT,
    ("office:receipt_pdf", "GET"): OF_A_CLIENT,
    ("office:refund_receipt", "GET"): OF_A_CLIENT,
    ("office:refund_receipt_pdf", "GET"): OF_A_CLIENT,
    ("office:statement", "GET"): OF_A_CLIENT,
    ("office:statement_pdf", "GET"): OF_A_CLIENT,
    ("office:invitation_letter", "GET"): OF_A_CLIENT,
    ("office:client_guide", "GET"): for_staff(200),
    ("office:invoice_draft", "GET"): BILLED,
    ("office:invoice_draft", "POST"): BILLED,
    ("office:invoice_typed", "POST"): for_staff(204, elsewhere=404),
    ("office:invoice_discarding", "POST"): BILLED,
    ("office:invoice_issuing", "POST"): BILLED,
    ("office:invoice_sharing", "POST"): BILLED,
    ("office:invoice_unsharing", "POST"): BILLED,
    ("office:invoice_telling", "POST"): BILLED,
    ("office:record_payment", "GET"): OF_A_CLIENT,
    ("office:record_payment", "POST"): for_staff(422, elsewhere=404),
    ("office:void_invoice", "GET"): MONEY_PAGE,
    ("office:void_invoice", "POST"): MONEY_REFUSED,
    ("office:payments", "GET"): for_staff(200),
    ("office:payment_list", "GET"): for_staff(200),
    ("office:payment_list_file", "GET"): for_staff(200, clinician=403, front_desk=403),
    ("office:attempt_releasing", "GET"): MONEY_PAGE,
    ("office:attempt_releasing", "POST"): MONEY_REFUSED,
    ("office:payment_taking_back", "GET"): MONEY_PAGE,
    ("office:payment_taking_back", "POST"): MONEY_REFUSED,
    ("office:credit_keeping", "POST"): MONEY_DONE,
    ("office:refund", "GET"): MONEY_PAGE,
    ("office:refund", "POST"): MONEY_REFUSED,
    ("office:credit_taking_back", "POST"): MONEY_DONE,
    ("office:help_requests", "GET"): for_staff(200),
    ("office:help_request", "GET"): OF_A_CLIENT,
    ("office:help_request_done", "POST"): CHANGED,
    ("office:emails", "GET"): for_staff(200),
    ("office:needs_a_fix", "GET"): for_staff(200),
    ("office:needs_a_fix_file", "GET"): for_staff(200, biller=403),
    # Without a ticked client, it leads back to the list.
    ("office:needs_a_fix_letters", "GET"): for_staff(302),
    ("office:email", "GET"): OF_A_CLIENT,
    # The mail is still waiting: retrying it changes nothing.
    ("office:email_restart", "POST"): for_staff(302, elsewhere=404),
    ("office:settings", "GET"): for_owners(302),
    ("office:settings_practice", "GET"): for_owners(200),
    ("office:settings_practice", "POST"): for_owners(422),
    ("office:settings_emails", "GET"): for_owners(200),
    ("office:settings_emails", "POST"): for_owners(422),
    ("office:settings_reminders", "POST"): for_owners(302),
    ("office:settings_document_reminders", "POST"): for_owners(302),
    ("office:settings_email_text", "GET"): for_owners(200),
    ("office:settings_email_text", "POST"): for_owners(422),
    ("office:settings_document_notices", "POST"): for_owners(302),
    ("office:settings_help_requests", "POST"): for_owners(302),
    ("office:sender_check", "GET"): for_owners(200),
    ("office:sender_checking", "POST"): for_owners(302),
    ("office:sender_test_email", "POST"): for_owners(422),
    ("office:default_text_preview", "POST"): for_owners(200),
    ("office:settings_sample", "POST"): for_owners(200),
    ("office:logo", "POST"): for_owners(422),
    ("office:logo_removal", "POST"): for_owners(302),
    ("office:team", "GET"): for_owners(200),
    ("office:team", "POST"): for_owners(422),
    ("office:team_member", "GET"): for_owners(200, elsewhere=404),
    ("office:team_clients", "POST"): for_owners(422, elsewhere=404),
    ("office:team_member", "POST"): for_owners(422, elsewhere=404),
    # The biller has a password, so there is nothing to set up.
    ("office:team_invitation", "POST"): for_owners(409, elsewhere=404),
    # The form does not name the version it was made from.
    ("office:team_leaving", "POST"): for_owners(409, elsewhere=404),
    # The biller is active, so there is nothing to reactivate.
    ("office:team_return", "POST"): for_owners(302, elsewhere=404),
    ("office:team_second_factor", "POST"): for_owners(302, elsewhere=404),
    ("office:online_payments", "GET"): for_owners(200),
    ("office:stripe_keys", "POST"): for_owners(422),
    ("office:stripe_keys_removal", "POST"): for_owners(302),
    ("office:card_default", "POST"): for_owners(302),
    ("office:card_for_all", "POST"): for_owners(302),
    ("office:stripe_check", "POST"): for_owners(302),
    ("office:stripe_webhook", "POST"): for_owners(302),
    ("office:stripe_webhook_secret", "POST"): for_owners(422),
    ("office:test_payments", "GET"): for_owners(200),
    # There are no test payments to remove.
    ("office:test_payments", "POST"): for_owners(302),
    ("office:services", "GET"): for_owners(200),
    ("office:services", "POST"): for_owners(422),
    ("office:service", "GET"): for_staff(200, elsewhere=404, clinician=403, front_desk=403, biller=403),
    ("office:service", "POST"): for_staff(422, elsewhere=404, clinician=403, front_desk=403, biller=403),
    ("office:service_retiring", "POST"): for_staff(302, elsewhere=404, clinician=403, front_desk=403, biller=403),
    ("office:trail", "GET"): for_owners(200),
    ("office:shareable_documents", "GET"): for_editors(200),
    ("office:new_shareable_document", "GET"): for_editors(200),
    ("office:new_shareable_document", "POST"): for_editors(422),
    ("office:document_import", "GET"): for_editors(200),
    ("office:document_import", "POST"): for_editors(422),
    ("office:document_starter_set", "POST"): for_editors(302),
    # The document is not one of kind file.
    ("office:template_file", "GET"): for_editors(404),
    ("office:shareable_document", "GET"): for_editors(200, elsewhere=404),
    ("office:shareable_document", "POST"): for_editors(422, elsewhere=404),
    ("office:document_open_requests", "POST"): for_editors(302, elsewhere=404),
    ("office:document_publication", "POST"): for_editors(422, elsewhere=404),
    ("office:document_preview", "GET"): for_editors(200, elsewhere=404),
    ("office:document_translation", "GET"): for_editors(200, elsewhere=404),
    ("office:document_translation", "POST"): for_editors(422, elsewhere=404),
    ("office:document_export", "GET"): for_editors(200, elsewhere=404),
    ("office:document_questions", "GET"): for_editors(200, elsewhere=404),
    ("office:new_document_question", "GET"): for_editors(200, elsewhere=404),
    ("office:new_document_question", "POST"): for_editors(422, elsewhere=404),
    ("office:document_question", "GET"): for_editors(200, elsewhere=404),
    ("office:document_question", "POST"): for_editors(422, elsewhere=404),
    **{
        (f"office:document_{action}", "POST"): for_editors(302, elsewhere=404)
        for action in (
            *("draft_removal", "place", "in_welcome_packet", "archiving", "restoration", "copy"),
            *("question_place", "question_removal"),
        )
    },
    ("entrance:help", "GET"): alike(200),
    ("entrance:doorway", "GET"): Expected(200, {"the client": 302, "another client": 302}),
    # There is no logo.
    ("entrance:logo", "GET"): alike(404),
    # The input is empty.
    ("entrance:doorway", "POST"): alike(422),
    # A browser without a request has no code, and cannot request a new link.
    ("entrance:ask_for_help", "GET"): alike(200),
    ("entrance:ask_for_help", "POST"): alike(422),
    ("entrance:code", "GET"): alike(200),
    ("entrance:code", "POST"): alike(422),
    ("entrance:again", "POST"): alike(302),
    # Without a link in a cookie there is no button; a client who is signed in is redirected.
    ("entrance:link", "GET"): Expected(410, {"the client": 302, "another client": 302}),
    ("entrance:link", "POST"): alike(409),
    ("entrance:pin", "GET"): alike(200),
    ("entrance:pin", "POST"): alike(422),
    ("entrance:link_arrival", "GET"): alike(302),
    ("entrance:new_email", "GET"): alike(410),
    ("entrance:new_email", "POST"): alike(409),
    ("entrance:new_email_arrival", "GET"): alike(302),
    ("portal:home", "GET"): in_portal(200),
    ("portal:who", "GET"): in_portal(302),
    ("portal:who", "POST"): in_portal(404),
    ("portal:billing", "GET"): in_portal(200),
    ("portal:invoice", "GET"): in_portal(200, another=404),
    # The practice takes no cards; attempts and cards of another mailbox are 404.
    ("portal:pay_balance", "GET"): in_portal(409),
    ("portal:pay_balance", "POST"): in_portal(409),
    ("portal:pay_invoice", "GET"): in_portal(409, another=404),
    ("portal:pay_invoice", "POST"): in_portal(409, another=404),
    ("portal:payment", "GET"): in_portal(404),
    ("portal:payment_again", "POST"): in_portal(404),
    ("portal:card_removing", "POST"): in_portal(404),
    ("portal:invoice_pdf", "GET"): in_portal(200, another=404),
    ("portal:receipt", "GET"): in_portal(200, another=404),
    ("portal:receipt_pdf", "GET"): in_portal(200, another=404),
    ("portal:refund_receipt", "GET"): in_portal(200, another=404),
    ("portal:refund_receipt_pdf", "GET"): in_portal(200, another=404),
    ("portal:statement", "GET"): in_portal(200),
    ("portal:statement_pdf", "GET"): in_portal(200),
    ("portal:ask_for_help", "GET"): in_portal(200),
    ("portal:ask_for_help", "POST"): in_portal(422),
    ("portal:documents", "GET"): in_portal(200),
    # A form that Ana has not begun: it leads to its first page, and is neither complete nor reviewed.
    ("portal:document", "GET"): in_portal(302, another=404),
    ("portal:document", "POST"): in_portal(302, another=404),
    ("portal:document_page", "GET"): in_portal(200, another=404),
    ("portal:document_page", "POST"): in_portal(409, another=404),
    ("portal:document_review", "GET"): in_portal(200, another=404),
    ("portal:document_review", "POST"): in_portal(409, another=404),
    ("portal:documents_done", "GET"): in_portal(200, another=404),
    ("portal:document_pdf", "GET"): in_portal(404),
    ("portal:document_declining", "GET"): in_portal(200, another=404),
    ("portal:document_declining", "POST"): in_portal(302, another=404),
    # The document is not a request for a file.
    ("portal:shared_file", "GET"): in_portal(404),
    ("portal:upload", "GET"): in_portal(404),
    ("portal:upload", "POST"): in_portal(404),
    ("portal:upload_removing", "POST"): in_portal(404),
    ("portal:profile", "GET"): in_portal(200),
    ("portal:profile", "POST"): in_portal(422),
    ("portal:change_email", "GET"): in_portal(200),
    ("portal:change_email", "POST"): in_portal(422),
    ("portal:sessions_ending", "POST"): in_portal(302),
    ("portal:session_end", "POST"): in_portal(302, another=404),
    ("portal:sign_out", "POST"): in_portal(302),
    # Without a view by staff, it leads to the entrance.
    ("portal:view_ending", "POST"): alike(302),
}


def test_expectations_cover_every_route() -> None:
    assert {(route.name, method) for route, method in cases()} == set(EXPECTED)


@pytest.mark.parametrize(("route", "method"), list(cases()), ids=lambda part: getattr(part, "name", part))
def test_each_visitor_gets_the_expected_status(world: World, route: Route, method: str) -> None:
    expected = EXPECTED[route.name, method]
    path = world.path(route)
    wrong, bare = [], []
    for visitor in VISITORS:
        with transaction.atomic():
            answer = getattr(world.browsers[visitor], method.lower())(path)
            # Each visitor's changes are rolled back before the next visitor's request.
            transaction.set_rollback(True)
        if answer.status_code != expected.of(visitor):
            wrong.append(f"{visitor}: {answer.status_code}, not {expected.of(visitor)}")
        bare += [f"{visitor}: {name}" for name in HEADERS if name not in answer.headers]
        assert answer.headers.get("Server", "web") == "web"
    assert (wrong, bare) == ([], [])


STEPS = {
    "office:sign_in": 302,
    "office:sign_out": 302,
    "office:second_step": 200,
    "office:second_step_by_passkey": 200,
    "office:first_factor": 302,
    "office:first_passkey": 200,
    "office:recovery_codes": 302,
    "office:recovery_codes_text": 302,
}
OF_THE_OFFICE = [(route, method) for route, method in cases() if route.name.startswith("office:")]


@pytest.mark.parametrize(("route", "method"), OF_THE_OFFICE, ids=lambda part: getattr(part, "name", part))
def test_password_alone_opens_only_the_second_step(world: World, route: Route, method: str, settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    cast.with_authenticator(StaffMember.objects.get(name="Dr. Naomi Elm"))
    answer = getattr(world.browsers["owner"], method.lower())(world.path(route))
    if route.name.startswith(("office:set_up", "office:forgotten")):
        assert answer.status_code == EXPECTED[route.name, method].of("owner")
    elif route.name in STEPS:
        expected = 422 if (route.name, method) == ("office:second_step", "POST") else STEPS[route.name]
        assert answer.status_code == expected
    else:
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/office/sign-in/second-step/")


@pytest.mark.parametrize("route", all_routes(), ids=lambda route: route.name)
def test_other_methods_are_405(world: World, route: Route) -> None:
    path = world.path(route)
    for method in ("put", "delete", "patch"):
        answer = getattr(world.browsers["owner"], method)(path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, ", ".join(route.methods))
        assert [name for name in HEADERS if name not in answer.headers] == []


def masked(body: bytes) -> str:
    """Returns the page without its reference."""
    return re.sub(r"[2-9A-Z]{5}-[2-9A-Z]{5}", "", body.decode())


OFFICE_THINGS = [
    (route, method) for route, method in cases() if route.name.startswith("office:") and "ref" in route.path
]


@pytest.mark.parametrize(("route", "method"), OFFICE_THINGS, ids=lambda part: getattr(part, "name", part))
def test_other_practices_objects_look_missing(world: World, route: Route, method: str) -> None:
    stranger = world.browsers["owner elsewhere"]
    ask = partial(getattr(stranger, method.lower()))
    theirs = ask(world.path(route))
    asked = AuditEntry.objects.filter(action=AuditAction.DENIED_PRACTICE, practice__slug="birch-lane").count()
    missing = ask(re.sub(r"<str:\w+>", tokens.new_ref(), route.path.replace("<int:number>", "1")))
    assert (theirs.status_code, masked(theirs.content)) == (missing.status_code, masked(missing.content))
    assert asked == 1
    assert AuditEntry.objects.filter(action=AuditAction.DENIED_PRACTICE).count() == asked


OF_OWN_CLIENT = [
    (route, method)
    for route, method in OFFICE_THINGS
    if route.path.startswith("/office/clients/<str:ref>/") and route.path.count("<str:") > 1
]


@pytest.mark.parametrize(("route", "method"), OF_OWN_CLIENT, ids=lambda part: getattr(part, "name", part))
def test_other_practices_objects_under_an_own_client_are_recorded(world: World, route: Route, method: str) -> None:
    stranger, dora = world.browsers["owner elsewhere"], Client.objects.get(practice__slug="birch-lane")
    theirs = replace(world, places=world.places | {"clients": dora.ref})
    answer = getattr(stranger, method.lower())(theirs.path(route))
    missing = getattr(stranger, method.lower())(re.sub(r"<str:\w+>", tokens.new_ref(), route.path))
    assert (answer.status_code, masked(answer.content)) == (404, masked(missing.content))
    assert AuditEntry.objects.get(action=AuditAction.DENIED_PRACTICE).practice.slug == "birch-lane"


@pytest.mark.parametrize("address", ["/office/clients/new/", "/office/settings/trail/"])
def test_denied_role_is_recorded(world: World, address: str) -> None:
    ines = StaffMember.objects.get(name="Ines")
    assert world.browsers["biller"].get(address).status_code == 403
    entry = AuditEntry.objects.get(action=AuditAction.DENIED_ROLE)
    assert (entry.practice, entry.staff_id) == (world.practice, ines.pk)


# Refund, export, Stripe keys, own email and factors, roles and invitations.
ASKS_AGAIN = {
    *((f"office:{name}_file", "GET") for name in ("invoices", "balances", "payment_list", "figures")),
    ("office:online_payments", "GET"),
    *((f"office:{name}", "GET") for name in ("invoices_file", "balances_file", "payment_list_file", "online_payments")),
    ("office:needs_a_fix_file", "GET"),
    ("office:documents_file", "GET"),
    *(
        (f"office:{name}", method)
        for name in ("refund", "own_details", "own_authenticator", "own_passkey", "team_member", "test_payments")
        for method in ("GET", "POST")
    ),
    *((f"office:own_{name}", "POST") for name in ("authenticator_removing", "passkey_question", "recovery_codes")),
    *((f"office:stripe_{name}", "POST") for name in ("check", "keys", "keys_removal", "webhook", "webhook_secret")),
    *((f"office:{name}", "POST") for name in ("team", "card_default", "card_for_all")),
    *((f"office:team_{name}", "POST") for name in ("clients", "invitation", "leaving", "return", "second_factor")),
}


def test_sensitive_actions_need_reauthentication(world: World, stopped_clock: time_machine.Traveller) -> None:
    stopped_clock.shift(timedelta(minutes=10, seconds=1))
    asked, files = set(), set()
    for route, method in OF_THE_OFFICE:
        with transaction.atomic():
            answer = getattr(as_they_were(world.browsers["owner"]), method.lower())(world.path(route))
            transaction.set_rollback(True)
        if answer.headers.get("Location", "").startswith("/office/prove/?"):
            asked.add((route.name, method))
        if answer.headers.get("Content-Type", "").startswith("text/csv"):
            files.add(route.name)
    assert asked == ASKS_AGAIN
    assert not files, "A download of many clients' figures must ask again."


def test_paused_practice_shows_one_page_to_all(world: World) -> None:
    suspension.suspend(world.practice, by=cast.DESK)
    wrong = []
    for route, method in cases():
        # Events from Stripe are processed in a suspended practice too.
        is_portal = "<slug:slug>" in route.path and route.audience != "machine"
        if not is_portal and route.audience != "office":
            continue
        for visitor in VISITORS if is_portal else STAFF:
            with transaction.atomic():
                answer = getattr(world.browsers[visitor], method.lower())(world.path(route))
                transaction.set_rollback(True)
            if answer.status_code != 503 or "is paused" not in answer.content.decode():
                wrong.append(f"{visitor} at {route.name}: {answer.status_code}")
    assert wrong == []
