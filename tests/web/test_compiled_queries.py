"""Every compiled query returns what its queryset returns, for two clients of two practices in turn."""

import io
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Model
from django.test import Client as Browser

from portico.domain.access import access_lookups, contact_changes, mail_stops, portal_accounts
from portico.domain.access.models import Invitation, PortalAccess
from portico.domain.access.onboarding import invitations as portal_invitations
from portico.domain.access.sign_in.requests import bursts
from portico.domain.billing.card_payments import settlement
from portico.domain.billing.invoices import invoice_sharing
from portico.domain.billing.models import Invoice, PaymentAttempt
from portico.domain.billing.stripe_sync import webhook_events
from portico.domain.clients import coming_of_age
from portico.domain.clients.models import Client, Relationship
from portico.domain.documents import intake_completion
from portico.domain.documents.completion import drafts, portal_requests, uploads
from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.sharing import invitations, shareable, version_updates
from portico.domain.documents.templates import template_editing
from portico.domain.practices.models import Practice, Role
from portico.domain.practices.stripe_setup import payment_readiness
from portico.plumbing import clock
from portico.plumbing.database.compiled import CompiledQuery
from portico.plumbing.mail import mail_stops as mailbox_stops
from portico.plumbing.mail.reports import failure_recording
from portico.plumbing.models import OutgoingEmail, Restoration
from portico.web.office.clients import overview
from tests import cast, shared_documents
from tests.support import files, payment_outcomes
from tests.support.browser import pages

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.slow]


@dataclass
class Visitor:
    """A client with two paid invoices and an open one, and an owner of their practice."""

    portal: Browser
    office: Browser
    practice: Practice
    client: Client
    invoice: Invoice
    attempt: PaymentAttempt
    owing_without_date: Client
    guardian: Relationship
    # A request for a file, for which one was sent.
    card: DocumentRequest
    bounced: OutgoingEmail

    def open_payment_page(self, *, expected: int) -> None:
        page = self.portal.get(f"{self.practice.portal_path}billing/{self.invoice.ref}/payment/")
        assert page.status_code == expected

    def visit(self) -> None:
        portal, client = self.practice.portal_path, f"/office/clients/{self.client.ref}/"
        bills = [f"billing/{invoice.ref}/" for invoice in self.client.invoices.shared()]
        form, consent = self.client.document_requests.order_by("pk").values_list("ref", flat=True)[:2]
        template = self.client.document_requests.get(ref=form).version.template.ref
        documents = ("documents/", f"documents/{form}/", f"documents/{consent}/done/", f"documents/{self.card.ref}/")
        mine = ("home/", "billing/", *bills, *documents, "profile/")
        for browser, addresses in (
            (self.portal, [f"{portal}{each}" for each in mine]),
            # All pages of the office whose address has no ref, and five of a client.
            (
                self.office,
                [
                    *(*pages.without_arguments("office").values(), client, f"{client}billing/"),
                    *(f"{client}billing/payment/", f"{client}edit/portal/", f"{client}files/"),
                    *(f"{client}sharing/", f"{client}documents/", f"{client}documents/{consent}/"),
                    *("/office/documents/?show=review", f"/office/settings/documents/{template}/"),
                    f"{client}edit/portal/?access={self.guardian.ref}",
                    *(
                        f"/office/invoices/balances/?after={each.ref}"
                        for each in (self.client, self.owing_without_date)
                    ),
                    "/office/emails/needs-a-fix/?cause=no_mailbox",
                    f"/office/emails/{self.bounced.ref}/",
                ],
            ),
        ):
            for address in addresses:
                assert browser.get(address).status_code in {200, 302, 410}, address
        self.open_payment_page(expected=200)
        assert Browser().post(f"/hooks/stripe/{self.practice.slug}/").status_code == 400
        self.work()

    def work(self) -> None:
        """Runs what the worker reads for an event of the attempt, and what a mailbox with several clients needs."""
        practice = self.practice.pk
        with transaction.atomic():
            assert portal_accounts.account_for_address(self.client.email_addresses.get()) == self.attempt.account
        assert portal_requests.open_counts(self.attempt.account)
        access = PortalAccess.objects.get(own_client=self.client)
        form_key = Invitation.objects.filter(client=self.client).values_list("form_key", flat=True)[0]
        assert portal_invitations._ids_by_form_key.rows(client=self.client.pk, form_key=form_key)
        assert invitations.enclosed(access, []) is not None
        assert shareable.welcome_packet_of(access)
        draft = drafts.of(self.client.document_requests.earliest("pk"))
        assert draft is not None
        assert version_updates.count_outdated(draft.request.version.template).started
        assert payment_readiness.read_client_for_mode(self.practice, livemode=False)
        found = webhook_events._attempt_of_session.rows(practice=practice, session=self.attempt.checkout_session_id)
        assert found == webhook_events._attempt_by_ref.rows(practice=practice, ref=self.attempt.ref) == [self.attempt]
        # Ed's mailbox, and what a report about a mail to it locks.
        with transaction.atomic():
            stopped = mailbox_stops.live_stop(practice, "ed@mail.example")
            assert stopped == mailbox_stops._locked_live(practice, "ed@mail.example")
            mailbox_stops.lock(practice, "ed@mail.example")
        # What a later failure asks about Flo, whose stop was lifted, and about the client, who got a mail.
        lifted_at, address = clock.now(), self.client.email_addresses.get().address
        assert mailbox_stops._lifted_since.rows(practice=practice, mailbox="flo@mail.example", at=lifted_at)
        assert failure_recording._later_accepted.rows(practice=practice, address=address, email=0)
        assert settlement._payment_of.rows(practice=practice, charge=f"ch_{self.attempt.ref}")
        # The Overview as a biller sees it.
        assert overview._entries_without_documents.rows(client=self.client.pk)
        assert intake_completion._states.rows(client=self.client.pk)
        contact = cast.guardian(self.client, f"Nora {self.client.relationships.count()}", address="nora@mail.example")
        # The first time the address is looked for, then account and access.
        for _time in range(2):
            cast.with_contact_access(contact)
        assert access_lookups.access_of(self.client, contact)
        contact_changes.end(contact, by=cast.DESK)


def visitor(client: Client) -> Visitor:
    practice, address = client.practice, client.email_addresses.get().address
    cast.token_of(cast.invited(client))
    cast.mailed(practice, address)
    portal = cast.in_the_portal(Browser(), client)
    guardian = cast.guardian(client, "Olga", address="olga@mail.example")
    # Another client of the same mailbox.
    bea = cast.client(practice, "Bea", address=address)
    cast.with_access(bea)
    owing = [bea, cast.client(practice, "Cleo")]
    cast.with_access(cast.client(practice, "Bea", address=address))
    bounced = cast.stopped(cast.client(practice, "Ed", address="ed@mail.example"))
    flo = cast.client(practice, "Flo", address="flo@mail.example")
    cast.stopped(flo)
    mail_stops.lift(flo, asked_to=False, by=cast.DESK)
    OutgoingEmail.objects.filter(client=client).update(accepted_at=clock.now())
    # Another client of the stopped mailbox.
    cast.with_access(cast.client(practice, "Eda", address="ed@mail.example"))
    payment_outcomes.ready_to_pay(client)
    paid, invoice = cast.bill(client), cast.bill(client)
    cast.cash(client, paid.total_minor, invoice=paid)
    cast.cash(client, 500)
    payment_outcomes.refunded_in_part(client)
    cast.bill(client, shared=False)
    owner = cast.staff_member(practice, "Jo", Role.OWNER)
    invoice_sharing.start_run(practice, shown=None, requested_by=owner)
    template_editing.archive(cast.form_template(practice), by=cast.DESK)
    Browser().post(f"{practice.portal_path}pin/", {"email": address, "pin": "00000000"})
    bursts.record_mail_cap(practice)
    cast.asked_for_help(practice, address)
    attempt = cast.attempt(cast.bill(client))
    attempt.checkout_session_id = f"cs_{client.ref}"
    attempt.save()
    cast.charged(attempt)
    cast.bill(client, shared=False)
    # The unfinished payment of another bill.
    cast.attempt(cast.bill(client))
    for each in owing:
        cast.bill(each, shared=False)
    access = PortalAccess.objects.get(own_client=client)
    make = (shared_documents.form, shared_documents.consent, shared_documents.request_for_file)
    form, consent, card = shared_documents.shared(access, *(each(practice) for each in make))
    shared_documents.signed(consent, access)
    shared_documents.saved(form, {"name": [{"valueString": "Ana"}]})
    shared_documents.new_version(form.version.template, shared_documents.intake())
    uploads.add(card, io.BytesIO(files.pdf()), name="card.pdf", by=cast.DESK)
    shared_documents.consent(practice, in_welcome_packet=True)
    Invoice.objects.filter(client__in=owing).update(due_on=None)
    # Cleo comes of age.
    cast.guardian(owing[1], "Oskar", address=None)
    Client.objects.filter(pk=owing[1].pk).update(date_of_birth=coming_of_age.birth_dates(practice).last)
    return Visitor(
        portal, cast.signed_in(Browser(), owner), practice, client, invoice, attempt, owing[0], guardian, card, bounced
    )


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Compares what a compiled query returns with its queryset; contains the names of those that returned a row.

    What a query returned last, for the same values, has been compared: pages run the same guards and counts.
    """
    names: set[str] = set()
    compiled_rows = CompiledQuery.rows
    last: dict[str, tuple[dict[str, Any], list[Any]]] = {}

    def rows(query: CompiledQuery[Any], **values: Any) -> list[Any]:
        found = compiled_rows(query, **values)
        returned = (values, [contents(row) for row in found])
        if last.get(query.name) != returned:
            assert returned[1] == [contents(row) for row in query.queryset(**values)], query.name
            last[query.name] = returned
        if found:
            names.add(query.name)
        return found

    monkeypatch.setattr(CompiledQuery, "rows", rows)
    return names


def contents(row: Any, depth: int = 2) -> Any:  # Any: an instance with its annotations and what is loaded, or a tuple.
    if not isinstance(row, Model):
        return row
    loaded = row._state.fields_cache if depth else {}
    related = {name: contents(each, depth - 1) for name, each in loaded.items()}
    return {name: value for name, value in vars(row).items() if name != "_state"} | related


def test_each_query_returns_what_its_queryset_returns(practice: Practice, compared: set[str]) -> None:
    ana, dora = cast.ana(practice), cast.dora(cast.birch())
    visitors = (visitor(ana), visitor(dora))
    for each in (*visitors, visitors[0]):
        each.visit()
    for each in visitors:
        Restoration.objects.create(practice=each.practice, backup_made_at=clock.now())
    for each in visitors:
        each.open_payment_page(expected=409)
    assert compared == CompiledQuery.known.keys()
