"""A practice with a row for each kind of address, and a browser for each kind of visitor."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass, replace

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.db import transaction
from pytest_django import DjangoDbBlocker

from portico.domain.access.models import PortalAccess, PortalSession
from portico.domain.billing.invoices import invoice_sharing, service_items
from portico.domain.billing.models import AttemptState
from portico.domain.billing.payments import account_credits, refunds
from portico.domain.clients.models import Client
from portico.domain.documents.completion import uploads
from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.practices import suspension
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.domain.practices.staff import saved_forms, set_up_links
from portico.plumbing import clock, tokens
from portico.plumbing.form_recovery import PostedField
from portico.web.route_list import Route, all_routes
from tests import cast, shared_documents
from tests.support import files
from tests.support.clock import NOW
from tests.support.portal_client import Browser

# Things that belong to one member of staff.
OWN = ("kept", "account/sessions", "account/passkeys")
BOOKS = (
    "invitations",
    "documents/sharing",
    "invoices/sharing",
    "invoices",
    "attempts",
    "payments",
    "receipts",
    "refunds",
    "credits",
    "services",
    "billing",
    "settings/documents",
    "documents",
)


def cases() -> Iterator[tuple[Route, str]]:
    for route in all_routes():
        for method in ("GET", "POST"):
            if method in route.methods:
                yield route, method


# The place that each of these parameters of addresses stands for; those of other parameters depend on the path.
BY_PARAMETER = {
    "document": "completed documents",
    "upload": "uploads",
    "session": "sessions",
    "contact": "contact",
}


@dataclass
class World:
    """Ana's practice: `places` has a ref for each kind of address, `browsers` a browser for each kind of visitor."""

    practice: Practice
    ana: Client
    places: dict[str, str]
    browsers: dict[str, Browser]

    def path(self, route: Route) -> str:
        path = route.path.replace("<slug:slug>", self.practice.slug).replace("<int:degrees>", "140")
        path = path.replace("<int:number>", "1")
        path = path.replace("<int:page>", "1")
        return re.sub(r"<str:(\w+)>", lambda found: self._ref(route, found[1]), path)

    def _ref(self, route: Route, name: str) -> str:
        if name == "language":
            return "es"
        if name == "subject":
            return "billing"
        if name == "kind":
            return "invoice_shared"
        if name == "token":
            return self.places["token of set-up" if "set-up" in route.path else "token"]
        if name in BY_PARAMETER:
            return self.places[BY_PARAMETER[name]]
        for part in ("clients", "emails", "help-requests", *OWN, "sessions", "team", *BOOKS):
            if f"/{part}/" in route.path:
                return self.places[part]
        return tokens.new_ref()


@contextmanager
def standing[T](make: Callable[[], T], blocker: DjangoDbBlocker) -> Iterator[T]:
    """Yields rows made once for all tests of a module; each test rolls back only its own changes."""
    around = transaction.atomic()
    around._from_testcase = True  # type: ignore[attr-defined]  # As Django's test cases do: not one of our transactions.
    with blocker.unblock(), time_machine.travel(NOW, tick=False):
        around.__enter__()
        made = make()
    yield made
    with blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)


@pytest.fixture(scope="module")
def standing_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Creates the world once for all tests of a module."""
    with standing(_made, django_db_blocker) as made:
        yield made


@pytest.fixture
def world(standing_world: World, db: None) -> World:
    """Returns the world with browsers for this test only."""
    return replace(standing_world, browsers={name: alike(each) for name, each in standing_world.browsers.items()})


def alike(browser: Browser) -> Browser:
    """Returns a copy of the browser with its own copy of the cookies."""
    other = copy(browser)
    other.cookies = deepcopy(browser.cookies)
    return other


def _made() -> World:
    return made_of(cast.alder())


def made_of(practice: Practice) -> World:
    """Creates the world of this practice."""
    ana, birch = cast.ana(practice), cast.birch()
    staff = {
        "owner": cast.elm(practice),
        "clinician": cast.hal(practice),
        "front_desk": cast.fay(practice),
        "biller": cast.ines(practice),
        "owner elsewhere": cast.staff_member(birch, "Jo", Role.OWNER),
    }
    staff |= {"a colleague who left": cast.staff_member(practice, "Gus", Role.OWNER)}
    staff |= {"owner of a paused practice": cast.staff_member(cast.cedar(), "Kim", Role.OWNER)}
    browsers = {"nobody": Browser()} | {name: cast.signed_in(Browser(), member) for name, member in staff.items()}
    StaffMember.objects.filter(name="Gus").update(deactivated_at=clock.now())
    suspension.suspend(staff["owner of a paused practice"].practice, by=cast.DESK)
    cast.in_the_portal(Browser(), ana)
    elsewhere = PortalSession.objects.latest("id")
    browsers |= {
        "the client": cast.in_the_portal(Browser(), ana),
        "another client": cast.in_the_portal(Browser(), cast.carol(practice)),
        "a client elsewhere": cast.in_the_portal(Browser(), cast.dora(birch)),
    }
    invitation = cast.invited(ana)
    invoice = cast.bill(ana)
    hidden = cast.bill(cast.bruno(practice), shared=False)
    run = invoice_sharing.start_run(practice, shown=None, requested_by=staff["owner"])
    assert hidden.shared_at is None
    assert run is not None
    paid = cast.cash(ana, 5_000, invoice=invoice)
    refund = refunds.record_manual_refund(paid, amount_minor=1_000, reason="Too much", shown=None, by=cast.DESK)
    places = {
        "clients": ana.ref,
        "contact": cast.guardian(ana).ref,
        "emails": invitation.email.ref,
        "help-requests": cast.asked_for_help(practice, "ana@mail.example").ref,
        "sessions": elsewhere.ref,
        "team": staff["biller"].ref,
        "invoices": invoice.ref,
        "invoices/sharing": run.ref,
        "invitations": cast.invitation_run(
            cast.client(practice, "Nia", address="nia@mail.example"), staff["owner"]
        ).ref,
        "documents/sharing": _document_run(ana, staff["owner"]),
        "billing": invoice.ref,
        "attempts": cast.attempt(cast.bill(ana), state=AttemptState.QUARANTINED).ref,
        "payments": paid.ref,
        "receipts": paid.ref,
        "refunds": refund.ref,
        "credits": account_credits.give(ana, amount_minor=1_000, reason="Goodwill", shown=None, by=cast.DESK).ref,
        "services": service_items.save(
            practice, code="S50", label="Session", price_minor=14_000, shown=None, by=cast.DESK
        ).ref,
        "settings/documents": cast.form_template(practice).ref,
        "documents": _shared_form(ana),
        "completed documents": _signed_consent(ana),
        "uploads": _uploaded_file(ana),
        **_own_things(staff["a colleague who left"]),
        "token": cast.token_of(invitation),
        "token of set-up": set_up_links.create_link(staff["biller"], by=cast.DESK),
    }
    return World(practice, ana, places, browsers)


def _document_run(ana: Client, owner: StaffMember) -> str:
    """Starts a run that shares a consent with Ana; returns its ref."""
    version = shared_documents.consent(ana.practice)
    DocumentTemplate.objects.filter(pk=version.template_id).update(title="Consent for many")
    return shared_documents.run_for([ana], version, requested_by=owner).ref


def _shared_form(ana: Client) -> str:
    """Shares a form with Ana that may be declined, and saves all answers; returns the ref of its request."""
    version = shared_documents.form(ana.practice, may_be_declined=True)
    (request,) = shared_documents.shared(PortalAccess.objects.get(own_client=ana), version)
    # The starter set has a form of the same title.
    DocumentTemplate.objects.filter(pk=version.template_id).update(title="Intake form, short")
    smokes = [{"valueCoding": {"code": "smokes-0", "display": "No"}}]
    name, born = [{"valueString": "Ana"}], [{"valueDate": "1989-04-18"}]
    shared_documents.saved(request, {"name": name, "born": born, "smokes": smokes})
    return request.ref


def _signed_consent(ana: Client) -> str:
    """Has Ana sign a consent; returns the ref of its request."""
    access = PortalAccess.objects.get(own_client=ana)
    (request,) = shared_documents.shared(access, shared_documents.consent(ana.practice))
    shared_documents.signed(request, access)
    return request.ref


def _uploaded_file(ana: Client) -> str:
    """Requests a file from Ana and uploads it; returns the ref of the upload."""
    content = {"en": {"title": "Insurance card", "note": "Send both sides."}}
    version = shared_documents.published(ana.practice, TemplateKind.UPLOAD, content)
    (request,) = shared_documents.shared(PortalAccess.objects.get(own_client=ana), version)
    return uploads.add(request, io.BytesIO(files.pdf()), name="card.pdf", by=cast.DESK).ref


def _own_things(member: StaffMember) -> dict[str, str]:
    """Creates things of this member, which other staff cannot find; returns their refs."""
    passkey = Authenticator.objects.create(
        user=member, type=Authenticator.Type.WEBAUTHN, data={"ref": tokens.new_ref(), "name": "Laptop"}
    )
    kept = saved_forms.save(member, path="/office/clients/new/", fields=[PostedField("last_name", "Abreu")])
    assert kept is not None
    things = (kept.ref, member.sessions.get().ref, passkey.data["ref"])
    return dict(zip(OWN, things, strict=True))
