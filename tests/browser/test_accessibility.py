"""Accessibility of every page: no finding of axe, no sideways scrolling, and full use by keyboard."""

import io
import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.test import Client as Browser
from playwright.sync_api import Page, expect

from portico.domain.access import access_grants, client_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.address_change import confirmation_links
from portico.domain.access.help_requests import help_requests
from portico.domain.access.models import HelpRequest, PortalAccess, PortalSession
from portico.domain.access.sign_in import saved_forms as portal_saved_forms
from portico.domain.billing.invoices import invoice_sharing, invoicing, service_items
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.models import Payment
from portico.domain.clients import coming_of_age, contacts
from portico.domain.clients.models import Client
from portico.domain.documents.completion import request_states as documents
from portico.domain.documents.completion import signing, uploads
from portico.domain.documents.forms import record_fields
from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.submissions import paper_signatures, reviews
from portico.domain.documents.submissions.paper_signatures import PaperSignature
from portico.domain.maintenance.models import CheckName, CheckReason, Verdict
from portico.domain.maintenance.sender_check import checking
from portico.domain.maintenance.sender_check.results import CheckResult
from portico.domain.practices.models import PaymentProblem, Practice, StaffMember
from portico.domain.practices.staff import saved_forms
from portico.domain.practices.stripe_setup import api_keys, payment_readiness
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.plumbing import clock
from portico.plumbing.form_recovery import PostedField
from portico.plumbing.models import OutgoingEmail, ReportKind
from portico.web.office.help import help_contents
from tests import cast, shared_documents
from tests.support import files, payment_outcomes
from tests.support.browser import pages
from tests.support.browser.chromium import AXE_RULES, COLOUR_RULES, Browsing, Colors, Rules, axe_in_copy, carry, copied
from tests.support.database import databases
from tests.support.processes.commands import Process

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

PORTAL = "/portal/alder-street/"

type View = tuple[int, Colors, Rules]
# Width, color scheme and rules. In dark mode only colors differ: tests/web/test_contrast.py computes their contrast.
# On a narrow screen only layout and menus differ.
NARROW_AND_DARK: tuple[View, ...] = (
    (1280, "dark", COLOUR_RULES),
    (320, "dark", COLOUR_RULES),
    (320, "light", AXE_RULES),
)
VIEWS: tuple[View, ...] = ((1280, "light", AXE_RULES), *(NARROW_AND_DARK if databases.is_whole() else ()))


# Pages that axe checks elsewhere: those with the second factor required, and that of a new PIN.
STAFF_FIRST_DAY = {f"office:{step}" for step in ("set_up", "second_step", "first_factor", "recovery_codes")}
PINS = {"office:client_pin"}
# Pages that are opened before signing in.
OUTSIDE = {"office:sign_in", "office:forgotten", "office:forgotten_sent"}


ASKING = (f"{PORTAL}help/request/", f"{PORTAL}help/request/?sent")


SENDER = "portico.example"
SENDER_CHECKS = [
    CheckResult(
        CheckName.SPF, Verdict.WARN, CheckReason.SPF_ALLOWS_ALL, "portico.example", "v=spf1 +all", "v=spf1 ~all"
    ),
    CheckResult(CheckName.DKIM, Verdict.UNKNOWN, CheckReason.NO_SELECTOR, "…._domainkey.portico.example"),
    CheckResult(
        CheckName.DMARC, Verdict.BROKEN, CheckReason.DMARC_NOT_MET, "_dmarc.portico.example", "v=DMARC1; p=none"
    ),
    CheckResult(CheckName.MX, Verdict.OK, CheckReason.GOOD, "portico.example", "10 mail.portico.example"),
    CheckResult(
        CheckName.TEST_EMAIL, Verdict.WARN, CheckReason.TEST_NOT_SIGNED, "mx.elm.example", "spf=pass portico.example"
    ),
]


def look(page: Page, addresses: list[str], seen: set[str]) -> list[str]:
    """Returns the findings of each page, with URL and view; the page is as narrow as a small phone.

    `seen` gathers the names of the pages.
    """
    found = []
    for address in addresses:
        page.goto(address)
        seen.add(pages.name_of(page.url))
        found += [f"{address} at 320 px: {complaint}" for complaint in sideways(page)]
        for width, colors, rules in VIEWS:
            copy = copied(page, width=width, colors=colors)
            complaints = axe_in_copy(copy, rules) + sideways(copy)
            found += [f"{address} at {width} px, {colors}: {complaint}" for complaint in complaints]
    return found


def sideways(page: Page) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"scrolls {wide} px sideways"] if wide > 0 else []


def office_places(practice: Practice, owner: StaffMember) -> list[str]:
    """Returns each page of the office that the owner can open, and the Client Portal tab in each of its states."""
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    waiting = cast.bruno(practice)
    cast.invited(waiting)
    never_invited = cast.carol(practice)
    cast.with_access(never_invited)
    archived = cast.client(practice, "Old", "Friend", address="old@mail.example")
    client_changes.archive(archived, by=cast.DESK)
    no_consent = cast.client(practice, "Nia", address="nia@mail.example", email_ok=False)
    cast.with_access(no_consent)
    off = cast.client(practice, "Olu", address="olu@mail.example")
    mail = OutgoingEmail.objects.order_by("id")[0]
    for number, address in enumerate(("bruno@mail.example", "olu@mail.example", "unknown@mail.example", "")):
        cast.asked_for_help(practice, address, form_key=str(number))
    help_requests.close(HelpRequest.objects.latest("id"), note="Called", by=owner.actor)
    asked = list(HelpRequest.objects.order_by("id").values_list("ref", flat=True))
    typed = [PostedField("first_name", "Ana"), PostedField("addresses-0-email", "ana@mail.example")]
    kept = saved_forms.save(owner, path="/office/clients/new/", fields=typed)
    assert kept is not None
    checking.store(checking.sender_domain(), SENDER_CHECKS)
    complained = cast.client(practice, "Pat", address="pat@mail.example")
    returned = cast.stopped(complained, ReportKind.COMPLAINED)
    people = [ana, waiting, never_invited, archived, no_consent, off, complained]
    one = f"/office/clients/{ana.ref}/"
    guardian = cast.guardian(never_invited)
    contacts.set_parents_apart(never_invited, apart=True, by=cast.DESK)
    with_contacts = f"/office/clients/{never_invited.ref}/"
    # The guardian could be invited too, and the client comes of age.
    cast.with_contact_access(guardian)
    Client.objects.filter(pk=never_invited.pk).update(date_of_birth=coming_of_age.birth_dates(practice).last)
    listed = [
        *("/office/clients/", "/office/clients/?q=no+client+of+that+name", "/office/clients/new/"),
        *(
            one,
            f"{one}activity/",
            f"{one}edit/info/",
            f"{one}view/",
            f"/office/clients/{archived.ref}/view/",
        ),
        *(f"/office/clients/{person.ref}/edit/portal/" for person in people),
        f"{one}sharing/",
        *(with_contacts, f"{with_contacts}contacts/new/", f"{with_contacts}contacts/{guardian.ref}/"),
        *(f"{with_contacts}edit/portal/?access={guardian.ref}", f"{with_contacts}view/?access={guardian.ref}"),
        "/office/clients/?q=berg",
        *(f"/office/invitations/new/?client={never_invited.ref}{more}" for more in ("", "&contacts=on")),
        *(
            "/office/emails/",
            f"/office/emails/{mail.ref}/",
            f"/office/emails/{returned.ref}/",
            "/office/nowhere/",
            f"/office/kept/{kept.ref}/",
        ),
        *("/office/settings/practice/", "/office/settings/emails/", "/office/settings/trail/"),
        *(f"/office/account/{page}" for page in ("", "details/", "password/", "authenticator/", "passkeys/new/")),
        *("/office/prove/", "/office/settings/team/", f"/office/settings/team/{cast.fay(practice).ref}/"),
        *("/office/settings/payments/", "/office/settings/payments/tests/", "/office/help-requests/"),
        *(f"/office/help-requests/{ref}/" for ref in asked),
        *billing_places(practice, ana),
        *staff_document_places(ana),
        *("/office/invitations/", f"/office/invitations/new/?client={off.ref}&client={waiting.ref}"),
        f"/office/invitations/{cast.invitation_run(off, owner).ref}/",
        *document_run_places(ana, off, owner),
    ]
    elsewhere = {pages.name_of(address) for address in listed} | STAFF_FIRST_DAY | OUTSIDE
    others = pages.without_arguments("office").items()
    return listed + [address for name, address in others if name not in elsewhere]


def document_run_places(person: Client, off: Client, owner: StaffMember) -> list[str]:
    """Returns the first step of sharing with many, and a run with a person who is left out."""
    version = shared_documents.consent(person.practice)
    run = shared_documents.run_for([person, off], version, requested_by=owner)
    return [
        f"/office/documents/sharing/new/?chosen=all&document={version.template.ref}",
        f"/office/documents/sharing/{run.ref}/",
        "/office/documents/reminders/new/?chosen=all",
    ]


def staff_document_places(person: Client) -> list[str]:
    """Returns a client's documents as staff see them, in each state."""
    practice, access = person.practice, PortalAccess.objects.get(own_client=person)
    versions = [shared_documents.consent(practice, may_be_declined=True) for _ in range(6)]
    sent, opened, declined, withdrawn, signed, on_paper = shared_documents.shared(access, *versions)
    assert sent.is_open
    documents.mark_opened(opened, language="en", by=cast.DESK)
    documents.decline(declined, reason="I want to ask first.", by=cast.DESK)
    documents.withdraw(withdrawn, by=cast.DESK)
    shared_documents.signed(signed, access)
    one = f"/office/clients/{person.ref}/documents/"
    paper = PaperSignature(clock.today(practice.time_zone), "Ana Abreu", "Self", "Fay Frost", "en")
    paper_signatures.record(on_paper, paper, scan=None, by=cast.DESK)
    entered = [f"{one}on-paper/", f"{one}{sent.ref}/on-paper/"]
    return [one, *(f"{one}{each.ref}/" for each in (signed, on_paper, submitted_form(access))), *entered]


def submitted_form(access: PortalAccess) -> DocumentRequest:
    """Returns a completed form whose answer is proposed for the client's record."""
    code = [{"system": record_fields.SYSTEM, "code": "preferred-name"}]
    version = shared_documents.form(access.practice, shared_documents.item("name", "string", "Name?", code=code))
    (request,) = shared_documents.shared(access, version)
    number = shared_documents.saved(request, {"name": [{"valueString": "Annie"}]})
    signer = shared_documents.signer(access)
    signing.submit(request, language="en", draft_number=number, signature=None, signer=signer, by=cast.DESK)
    return request


def billing_places(practice: Practice, person: Client) -> list[str]:
    """Returns the billing pages, with rows on each."""
    item = service_items.save(
        practice, code="S50", label="Session, 50 minutes", price_minor=14_000, shown=None, by=cast.DESK
    )
    today = clock.today(practice.time_zone)
    draft = invoicing.create_draft(person, InvoiceInput(today, today, (LineInput("Session", 14_000),)), by=cast.DESK)
    partly, void, hidden = cast.bill(person, 28_000), cast.bill(person), cast.bill(person, shared=False)
    payment = cast.cash(person, 14_000, invoice=partly)
    refund = payment_outcomes.refunded_in_part(person)
    attempts = payment_outcomes.attempts_of_each_state(payment_outcomes.ready_to_pay(person), person)
    tried = [attempt.covers.get().invoice for attempt in attempts]
    charged = Payment.objects.get(attempt=attempts[-1])
    several = f"client={person.ref}&client={cast.bea(practice).ref}"
    run = invoice_sharing.start_run(practice, shown=None, requested_by=cast.ines(practice))
    assert run is not None
    form = cast.form_template(practice)
    invoicing.void(void, reason="Created by mistake", shown=None, by=cast.DESK)
    one, invoices = f"/office/clients/{person.ref}/", "/office/invoices/"
    return [
        *("/office/payments/", f"/office/attempts/{payment_outcomes.payments_in_doubt(person).ref}/releasing/"),
        *(f"{one}billing/", f"{one}billing/credit/", f"{one}billing/payment/", f"{one}invoices/new/"),
        *(
            invoices,
            f"{invoices}?show=processing",
            f"{invoices}figures/",
            f"{invoices}balances/",
            "/office/payments/list/",
            f"{invoices}{draft.ref}/draft/",
        ),
        *(f"{invoices}{invoice.ref}/" for invoice in (partly, void, hidden, tried[2], tried[3], tried[-1])),
        *(f"{invoices}{partly.ref}/payment/", f"{invoices}{partly.ref}/void/"),
        *(f"/office/payments/{payment.ref}/refund/", f"/office/payments/{payment.ref}/taking-back/"),
        *(f"/office/payments/{payment.ref}/receipt/", f"{one}billing/statement/", "/office/help/"),
        *(f"/office/help/{each.subject}/" for each in help_contents.PAGES),
        *(f"/office/payments/{charged.ref}/refund/", f"/office/refunds/{refund.ref}/receipt/"),
        "/office/settings/emails/texts/receipt/",
        *(
            f"/office/settings/documents/{form.ref}/{each}"
            for each in ("", "preview/es/", "questions/", "questions/2/")
        ),
        *(f"/office/settings/documents/{form.ref}/{each}" for each in ("questions/new/", "translation/")),
        *("/office/settings/services/", f"/office/settings/services/{item.ref}/", f"{invoices}sharing/{run.ref}/"),
        *(f"{invoices}new/?{several}", f"{invoices}new/items/?{several}", f"{invoices}sharing/"),
    ]


def test_the_office_is_accessible(browsing: Browsing, site: Process) -> None:
    practice = cast.alder()
    owner = cast.elm(practice)
    # The server uses the real password hasher, the test itself the fast one.
    owner.password = make_password(cast.PASSWORD, hasher="argon2")
    owner.save(update_fields=["password"])
    page, seen = browsing.window(site.url, width=320), set[str]()
    doors = [f"/office/{door}" for door in ("forgotten-password/", "forgotten-password/sent/", "sign-in/")]
    found = look(page, doors, seen)
    page.get_by_label("Email", exact=True).fill(owner.email)
    page.get_by_label("Password", exact=True).fill(cast.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/office/clients/")
    found += look(page, ["/office/settings/payments/"], seen)
    places = office_places(practice, owner)
    found += look(page, places, seen)
    for key in ("sk_test_demo", "sk_live_demo"):
        api_keys.save_unchecked(practice, Keys(key, "whsec_demo"), by=cast.DESK)
        found += look(page, ["/office/settings/payments/"], seen)
    for trouble in (PaymentProblem.KEY_REFUSED, PaymentProblem.CHARGES_OFF, PaymentProblem.CURRENCY):
        payment_readiness.record_problem(practice, trouble, by=cast.DESK)
        found += look(page, ["/office/settings/payments/"], seen)
    assert found + look(page, places[:1], seen) == []
    assert pages.names("office") - seen == STAFF_FIRST_DAY | PINS


def test_entrance_and_portal_are_accessible(browsing: Browsing, site: Process) -> None:
    practice = cast.alder()
    bea = cast.bea(practice)
    cast.with_access(bea)
    bills = cast.bill(bea), cast.bill(bea)
    paid = cast.cash(bea, 14_000, invoice=bills[1])
    refund = payment_outcomes.refunded_in_part(bea)
    used = cast.token_of(cast.invited(cast.ana(practice)))
    live = cast.token_of(cast.invited(cast.bruno(practice)))
    carol = cast.carol(practice)
    ended = cast.token_of(cast.invited(carol))
    off = AccessInput(enabled=False, address=None, access_billing_documents=True, pay_by_card=False)
    access_grants.save_access(carol, off, version=None, by=cast.DESK)
    cast.birch()
    page, seen = browsing.window(site.url, width=320), set[str]()
    links = [f"{PORTAL}link/{token}/" for token in ("never-was", ended, live)]
    found = look(
        page,
        [
            "/",
            PORTAL,
            f"{PORTAL}?language=es",
            f"{PORTAL}code/?language=en",
            f"{PORTAL}pin/",
            f"{PORTAL}help/",
            *ASKING,
            PORTAL,
        ],
        seen,
    )
    page.get_by_label("Enter your email").fill("unknown@mail.example")
    page.get_by_role("button", name="Continue").click()
    found += look(page, [f"{PORTAL}code/", *links], seen)
    page.get_by_role("button").click()
    found += look(page, [f"{PORTAL}who/"], seen)
    page.get_by_role("button", name="Bea Berg").click()
    # Ana's link in Bruno's browser: another mailbox is signed in here.
    found += look(page, [f"{PORTAL}billing/", *(f"{PORTAL}billing/{bill.ref}/" for bill in bills)], seen)
    found += look(page, [f"{PORTAL}billing/statement/", f"{PORTAL}receipts/{paid.ref}/", f"{PORTAL}help/"], seen)
    card = payment_outcomes.ready_to_pay(bea)
    found += look(page, [f"{PORTAL}refunds/{refund.ref}/", f"{PORTAL}billing/{bills[0].ref}/payment/"], seen)
    found += look(page, [f"{PORTAL}billing/payment/", *chosen_too_late(bea)], seen)
    found += look(page, document_places(bea), seen)
    attempts = payment_outcomes.attempts_of_each_state(card, bea)
    found += look(page, [f"{PORTAL}payments/{attempt.ref}/" for attempt in attempts], seen)
    found += look(page, [f"{PORTAL}billing/", f"{PORTAL}billing/?said=card-removed"], seen)
    found += look(
        page,
        [
            f"{PORTAL}home/",
            f"{PORTAL}request/",
            f"{PORTAL}request/?sent",
            f"{PORTAL}profile/",
            f"{PORTAL}link/{used}/",
            "/portal/unknown/",
        ],
        seen,
    )
    found += look(page, [f"{PORTAL}new-email/", f"{PORTAL}new-email/?changed", f"{PORTAL}profile/email/"], seen)
    page.get_by_label("New email").fill("new@mail.example")
    page.get_by_role("button", name="Send the email").click()
    mail = OutgoingEmail.objects.select_related("practice").get(kind=confirmation_links.KIND)
    OutgoingEmail.objects.filter(pk=mail.pk).update(handing_over_at=clock.now())
    link = confirmation_links.AddressChangeMail().link(mail)
    assert link is not None
    found += look(page, [f"{PORTAL}profile/email/?sent={mail.ref}", urlsplit(link).path], seen)
    assert found == []
    assert pages.names("front_door", "entrance", "portal") - seen == set()


def test_view_as_client_is_accessible(browsing: Browsing, site: Process) -> None:
    practice = cast.alder()
    luz = cast.client(practice, "Luz", "Lara", address="luz@mail.example", language="es")
    payment_outcomes.ready_to_pay(luz)
    bill = cast.bill(luz)
    desk = cast.signed_in(Browser(), cast.fay(practice))
    page = carry(browsing.window(site.url, width=320), site.url, desk, settings.SESSION_COOKIE_NAME)
    page.goto(f"/office/clients/{luz.ref}/view/")
    page.get_by_role("button", name="View as client").click()
    addresses = [
        f"{PORTAL}{path}" for path in ("home/", "billing/", f"billing/{bill.ref}/", "billing/payment/", "profile/")
    ]
    assert look(page, [*addresses, f"{PORTAL}nowhere/", f"{PORTAL}billing/nothing/"], set()) == []
    page.goto(f"{PORTAL}home/")
    expect(page.get_by_test_id("pay-now")).not_to_have_attribute("href", re.compile(".*"))
    page.get_by_role("button", name="End view").click()
    expect(page).to_have_url(re.compile(f"/office/clients/{luz.ref}/edit/portal/$"))


def document_places(person: Client) -> list[str]:
    """Returns the pages of documents in each state, with every type of question."""
    practice, access = person.practice, PortalAccess.objects.get(own_client=person)
    versions = [shared_documents.form(practice, *shared_documents.every_type(), may_be_declined=True)]
    versions += [shared_documents.consent(practice, may_be_declined=True) for _ in range(6)]
    versions += [shared_documents.request_for_file(practice), shared_documents.file_to_read(practice)]
    form, consent, signed, declined, withdrawn, on_paper, updated, upload, shared_file = (
        f"{PORTAL}documents/{each.ref}/" for each in shared_documents.shared(access, *versions)
    )
    requests_of = {each.ref: each for each in person.document_requests.all()}
    documents.decline(requests_of[declined.split("/")[-2]], reason="Not now", by=cast.DESK)
    documents.withdraw(requests_of[withdrawn.split("/")[-2]], by=cast.DESK)
    shared_documents.signed(requests_of[signed.split("/")[-2]], access)
    reviews.countersign(requests_of[signed.split("/")[-2]], name="Naomi Elm", by=cast.elm(practice).actor)
    paper = PaperSignature(clock.today(practice.time_zone), "Bea Berg", "Self", "", "en")
    paper_signatures.record(requests_of[on_paper.split("/")[-2]], paper, scan=None, by=cast.DESK)
    opened = requests_of[updated.split("/")[-2]]
    DocumentRequest.objects.filter(pk=opened.pk).update(opened_at=clock.now(), version_changed_at=clock.now())
    uploads.add(requests_of[upload.split("/")[-2]], io.BytesIO(files.pdf()), name="card.pdf", by=cast.DESK)
    return [
        f"{PORTAL}home/",
        f"{PORTAL}documents/",
        *(f"{form}{path}" for path in ("pages/1/", "review/", "declining/")),
        *(consent, signed, f"{signed}done/", declined, withdrawn, on_paper, updated, upload, shared_file),
    ]


def chosen_too_late(person: Client) -> list[str]:
    """Returns the pages that show a form again after its session had ended."""
    session, places = PortalSession.objects.latest("id"), []
    typed = {
        f"{PORTAL}billing/payment/": PostedField("with", "new"),
        f"{PORTAL}profile/": PostedField("language", "es"),
        f"{PORTAL}request/": PostedField("message", "I can’t find my receipt."),
    }
    for path, field in typed.items():
        kept = portal_saved_forms.save(session, client_ref=person.ref, path=path, fields=[field])
        assert kept is not None
        places.append(f"{path}?kept={kept.ref}")
    return places


def reach(page: Page, name: str) -> None:
    """Presses Tab until the element with this name has the focus."""
    for _ in range(25):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.innerText || ''"):
            return
    raise AssertionError(f"The keyboard does not reach {name!r}.")


def test_signing_in_and_out_by_keyboard(browsing: Browsing, site: Process) -> None:
    person: Client = cast.ana(cast.alder())
    page = browsing.window(site.url)
    page.goto(f"{PORTAL}link/{cast.token_of(cast.invited(person))}/")
    reach(page, "Sign in as")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Hello, Ana")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    reach(page, "Profile")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Profile", exact=True)).to_be_visible()
    reach(page, "Sign out")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Enter your email")).to_be_visible()
    expect(page.get_by_text("Hello, Ana")).to_have_count(0)
    expect(page.get_by_text(person.email_addresses.get().address)).to_have_count(0)
