"""`make screenshots`: starts a demo in its own folder and takes a screenshot of each page, beside its design."""

import argparse
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import django
from playwright.sync_api import Browser, Page, sync_playwright

from portico.operating.demo import demo_command
from tests.support.browser import pages
from tests.support.browser.chromium import FLAGS, chromium_path
from tests.support.servers.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "build" / "screenshots"
PICTURES = ROOT.parent / "shared" / "design" / "png"
STARTING_SECONDS = 120
# Of the demo: without the settings of the tests, from which this program reads the list of pages.
ENVIRONMENT = dict(os.environ)
# Width, color scheme and the suffix in the names of the designs.
type View = tuple[int, Literal["light", "dark"], str]
VIEWS: tuple[View, ...] = (
    (1280, "light", "desktop"),
    (1280, "dark", "desktop-dark"),
    (390, "dark", "mobile-dark"),
    (390, "light", "mobile"),
    (320, "light", "320"),
)

# In the place of a design's name.
NO_DESIGN = "no-design"

# After two frames everything is drawn; before that a long page may have blank areas.
DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"

# The name of a screenshot, the design it is compared with, and the client's name or the URL.
OFFICE = (
    ("clients", "01-clients", "/office/clients/"),
    ("create-client", "01d-create-client", "/office/clients/new/"),
    ("invoices", "05c-invoices", "/office/invoices/"),
    ("balances", "05c-invoices", "/office/invoices/balances/"),
    ("figures", "05c-invoices", "/office/invoices/figures/"),
    ("payment-list", "05c-invoices", "/office/payments/list/"),
    ("nothing-in-doubt", "05c-invoices", "/office/payments/"),
    ("services", "16a-settings-practice", "/office/settings/services/"),
    ("shareable-documents", "16a-settings-practice", "/office/settings/documents/"),
    ("emails", "15-emails", "/office/emails/"),
    ("settings-practice", "16a-settings-practice", "/office/settings/practice/"),
    ("settings-emails", "16c-settings-emails", "/office/settings/emails/"),
    ("email-text", "16c-settings-emails", "/office/settings/emails/texts/invoice_shared/"),
    ("payments", "06e-payments-test-mode", "/office/settings/payments/"),
    ("test-payments", "06e-payments-test-mode", "/office/settings/payments/tests/"),
    ("help", "16d-settings-trail", "/office/help/"),
    ("help-access", "16d-settings-trail", "/office/help/access/"),
    ("help-documents", "16d-settings-trail", "/office/help/documents/"),
    ("trail", "16d-settings-trail", "/office/settings/trail/"),
    ("team", "16b-settings-team", "/office/settings/team/"),
    ("account", "16b-settings-team", "/office/account/"),
    ("account-details", "16b-settings-team", "/office/account/details/"),
    ("account-password", "16b-settings-team", "/office/account/password/"),
    ("account-passkey", "20d-owner-authenticator", "/office/account/passkeys/new/"),
    ("account-authenticator", "20d-owner-authenticator", "/office/account/authenticator/"),
    ("prove", "20b-staff-code", "/office/prove/"),
)
# Reached from a list, by its first row.
FIRST = (
    ("member", "16b-settings-team", "/office/settings/team/"),
    ("service", "16a-settings-practice", "/office/settings/services/"),
    ("document", "16a-settings-practice", "/office/settings/documents/"),
    ("email", "15-emails", "/office/emails/"),
)
# Reached from a client's Billing tab, by its link.
BOOKS = (
    ("new-invoice", "05b-invoice-edit", "Invoice"),
    ("draft", "05b-invoice-edit", "Draft"),
    ("record-payment", "05d-record-payment", "Record a payment"),
    ("credit", "05d-record-payment", "Add credit"),
    ("refund", "05e-refund", "Refund"),
    ("take-back", "05e-refund", "Void payment"),
    ("receipt", "17b-receipt", "Receipt"),
    ("statement", "17-statement", "Statement"),
)
# Invoices of the demo by number, and the link to follow there.
INVOICES = (
    ("paid", "05g-invoice-paid", 1, ""),
    ("partly-paid", "05-invoice", 4, ""),
    ("void", "05-invoice", 5, ""),
    ("not-shared", "05-invoice", 6, ""),
    ("voiding", "05f-void", 4, "Void"),
    ("paying", "05d-record-payment", 4, "Record a payment"),
)
KEYS = (
    ("start", "06a-payments-start", ""),
    ("problem", "06d-payments-problem", "sk_test_demo_restricted"),
    ("currency", "06d-payments-problem", "sk_test_demo_eur"),
    ("test-mode", "06e-payments-test-mode", "sk_test_demo"),
    # There are test payments in the books.
    ("too-early", "06d-payments-problem", "sk_live_demo"),
)
CLIENTS = (
    ("signed-in", "04f-client-portal-signed-in", "state=signed_in"),
    ("waiting", "04b-client-portal-waiting", "state=invited"),
    ("attention", "04d-client-portal-never-invited", "state=needs_attention"),
    ("off", "04e-client-portal-off", "state=no_access"),
)

# Clients of the demo whose chain stops at different steps, with the picture that it is compared with.
CHAINS = (
    ("no-email-ok", "04g-client-portal-no-email-ok", "Emery Vale"),
    ("no-address", "04g-client-portal-no-email-ok", "Blair Sutton"),
    ("not-invited", "04d-client-portal-never-invited", "Finley Marsh"),
    ("withdrawn", "04g-client-portal-no-email-ok", "Sage Hollis"),
    ("slow-server", "04b-client-portal-waiting", "Iris Novak"),
    ("bounced", "04-client-portal", "Gale Winters"),
    ("full-mailbox", "04-client-portal", "Nadia Brandt"),
    ("marked-as-spam", "04-client-portal", "Casey Morrow"),
    ("near-miss", "04b-client-portal-waiting", "Jordan Avery"),
    ("opened", "04b-client-portal-waiting", "Olive Park"),
    ("pin", "04b-client-portal-waiting", "June Keller"),
    ("wrong-code", "04f-client-portal-signed-in", "Paloma Reyes Soto"),
    ("archived", "04h-client-portal-archived", "Quincy Bell"),
)

FAMILY = "ashford.family@home.example"
COLLEAGUE = "kim@alder.example"

# The screenshot of each page. A test compares this with the list of routes.
SHOWN = {
    "office:sign_in": "sign-in",
    "office:forgotten": "forgotten",
    "office:forgotten_sent": "forgotten-sent",
    "office:set_up": "set-up",
    "office:prove": "prove",
    "office:account": "account",
    "office:own_details": "account-details",
    "office:own_password": "account-password",
    "office:own_authenticator": "account-authenticator",
    "office:own_passkey": "account-passkey",
    "office:help": "help",
    "office:help_page": "help-access",
    "office:help_request": "help-request",
    "office:clients": "clients",
    "office:create_client": "create-client",
    "office:client": "overview-signed-in",
    "office:client_activity": "activity-signed-in",
    "office:client_documents": "client-documents",
    "office:new_paper_signature": "paper-signature",
    "office:submission": "submission",
    "office:client_info": "client-info-signed-in",
    "office:client_portal": "client-portal-signed-in",
    "office:client_pin": "pin-given",
    "office:client_view": "view-as-client",
    "office:share_documents": "share",
    "office:new_document_run": "share-with-many",
    "office:remind_documents": "remind-documents",
    "office:document_run": "document-run",
    "office:new_contact": "new-contact",
    "office:contact": "contact",
    "office:client_billing": "client-billing",
    "office:give_credit": "books-credit",
    "office:record_for_client": "books-record-payment",
    "office:statement": "books-statement",
    "office:new_invoice": "books-new-invoice",
    "office:choose_clients": "choose-clients",
    "office:new_invoices": "new-invoices",
    "office:invoices": "invoices",
    "office:balances": "balances",
    "office:figures": "figures",
    "office:new_invitation_run": "invite-clients",
    "office:invitation_run": "invitation-run",
    "office:share_all": "share-all",
    "office:payment_list": "payment-list",
    "office:sharing_run": "sharing-run",
    "office:invoice": "invoice-paid",
    "office:invoice_draft": "books-draft",
    "office:record_payment": "invoice-paying",
    "office:void_invoice": "invoice-voiding",
    "office:payments": "in-doubt",
    "office:attempt_releasing": "in-doubt-release",
    "office:receipt": "books-receipt",
    "office:refund_receipt": "books-refund-receipt",
    "office:payment_taking_back": "books-take-back",
    "office:refund": "books-refund",
    "office:emails": "emails",
    "office:email": "first-email",
    "office:settings_practice": "settings-practice",
    "office:settings_emails": "settings-emails",
    "office:settings_email_text": "email-text",
    "office:team": "team",
    "office:team_member": "first-member",
    "office:online_payments": "payments",
    "office:test_payments": "test-payments",
    "office:services": "services",
    "office:service": "first-service",
    "office:shareable_documents": "shareable-documents",
    "office:shareable_document": "first-document",
    "office:document_preview": "document-preview",
    "office:document_questions": "document-questions",
    "office:document_question": "document-question",
    "office:new_document_question": "document-new-question",
    "office:document_translation": "document-translation",
    "office:trail": "trail",
    "entrance:doorway": "doorway",
    "entrance:code": "code",
    "entrance:help": "help-spanish",
    "entrance:link": "link",
    "entrance:pin": "pin",
    "entrance:ask_for_help": "ask-for-help",
    "portal:home": "home",
    "portal:who": "who",
    "portal:billing": "billing",
    "portal:pay_balance": "pay-saved-card",
    "portal:statement": "statement-with-payments",
    "portal:receipt": "receipt",
    "portal:invoice": "invoice",
    "portal:pay_invoice": "pay-new-card",
    "portal:payment": "paid",
    "portal:profile": "profile",
    "portal:ask_for_help": "ask-for-help-inside",
    "portal:change_email": "change-email",
    "portal:documents": "documents",
    "portal:document": "consent",
    "portal:document_page": "form-page",
    "portal:document_review": "form-review",
    "portal:documents_done": "documents-done",
    "entrance:new_email": "new-email",
}
# Pages without a screenshot of their own, with the reason. Pages of the office whose address has no ref need neither:
# they are photographed under the name of their route.
NOT_IN_THE_DEMO = {
    "front_door": "with one practice it leads to its door",
    "office:second_step": "the demo asks for no second factor",
    "office:first_factor": "the same",
    "office:recovery_codes": "the same",
    "office:kept_post": "no session ends while a form is filled in",
    "portal:refund_receipt": "no client who signs in has a refund",
    "office:paper_signature": "the page of a new paper signature, with fewer fields",
    "portal:document_declining": "no document of the welcome packet may be declined",
}


def unlisted_office_pages() -> dict[str, str]:
    """Returns the addresses, by name, of the office's pages without a ref that are in neither list above."""
    listed = SHOWN.keys() | NOT_IN_THE_DEMO.keys()
    return {name: path for name, path in pages.without_arguments("office").items() if name not in listed}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.screenshots", description=__doc__)
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="a folder of pictures to stand beside")
    pictures: Path = parser.parse_args().pictures
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    with running_demo() as (port, folder), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=FLAGS, chromium_sandbox=os.geteuid() != 0
        )
        Photographer(browser, port, folder).photograph_all()
        browser.close()
    page = write_page(pictures)
    print(f"{len(list(TARGET.glob('*.png')))} photographs: {page}")
    return 0


@contextmanager
def running_demo() -> Iterator[tuple[int, Path]]:
    """The demo on free ports, and its folder; interrupting it ends it."""
    port = free_port()
    while demo_command.describe_taken_port(port):
        port = free_port()
    with tempfile.TemporaryDirectory(prefix="portico-screenshots-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "portico", "demo", "--port", str(port)],
            cwd=folder,
            env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        try:
            wait_until_ready(process, Path(folder), port)
            yield port, Path(folder)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def wait_until_ready(process: subprocess.Popen[bytes], folder: Path, port: int) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"The demo did not start in {folder}; run `make demo` to see why.")


class Photographer:
    """Visits everything once and takes a screenshot of each page in every view, without loading it again."""

    def __init__(self, browser: Browser, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder
        self.base = f"http://localhost:{port}"
        self.mailbox = f"http://localhost:{port + 1}/"
        self.stripe = f"http://localhost:{port + 2}"
        self.browser = browser
        self.taken: set[str] = set()

    def page(self) -> Page:
        return self.browser.new_context(reduced_motion="reduce").new_page()

    def take(self, page: Page, name: str, picture: str) -> None:
        self.taken.add(name)
        for width, colors, ending in VIEWS:
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme=colors)
            page.evaluate(DRAWN)
            page.screenshot(path=TARGET / f"{name}--{picture}--{ending}.png", full_page=True)

    def photograph_all(self) -> None:
        self.portal()
        self.family()
        self.documents()
        self.paying()
        self.office()
        if missing := set(SHOWN.values()) - self.taken:
            raise SystemExit(f"Not photographed: {', '.join(sorted(missing))}.")

    def office(self) -> None:
        page = self.page()
        page.goto(f"{self.base}/office/")
        self.take(page, "sign-in", "20-staff-sign-in")
        page.goto(f"{self.base}/office/forgotten-password/")
        self.take(page, "forgotten", "20-staff-sign-in")
        page.goto(f"{self.base}/office/forgotten-password/sent/")
        self.take(page, "forgotten-sent", "08-check-email")
        page.goto(f"{self.base}/office/")
        owner = json.loads(demo_command.PEOPLE.read_text(encoding="utf-8"))["practices"][0]["staff"][0]
        page.get_by_label("Email", exact=True).fill(owner["email"])
        page.get_by_label("Password", exact=True).fill(owner["password"])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/office/clients/")
        for name, picture, address in OFFICE:
            page.goto(self.base + address)
            self.take(page, name, picture)
        for route_name, address in unlisted_office_pages().items():
            page.goto(self.base + address)
            self.take(page, route_name.partition(":")[2], NO_DESIGN)
        page.goto(f"{self.base}/office/help-requests/")
        page.get_by_test_id("help-request").first.get_by_role("heading").get_by_role("link").click()
        self.take(page, "help-request", NO_DESIGN)
        for name, picture, address in FIRST:
            page.goto(self.base + address)
            page.locator("main tbody a").first.click()
            self.take(page, f"first-{name}", picture)
        self.shareable_documents(page)
        for subject in (self.colleague, self.invitations, self.client_documents, self.document_runs):
            subject(page)
        page.goto(f"{self.base}/office/clients/?q=Milo+Hart")
        page.locator("tbody a.open").first.click()
        self.from_overview(page)
        self.books(page)
        for name, picture, chip in CLIENTS:
            page.goto(f"{self.base}/office/clients/?{chip}")
            page.locator("tbody a.open").first.click()
            self.take(page, f"overview-{name}", "02-client-overview")
            for tab, design in (("Activity", "02d-client-activity"), ("Files", NO_DESIGN)):
                page.get_by_role("link", name=tab, exact=True).click()
                self.take(page, f"{tab.lower()}-{name}", design)
            page.get_by_role("link", name="Edit", exact=True).or_(
                page.get_by_role("link", name="Overview", exact=True)
            ).first.click()
            if page.get_by_role("link", name="Edit", exact=True).count():
                page.get_by_role("link", name="Edit", exact=True).click()
            self.take(page, f"client-info-{name}", "03-client-info")
            page.get_by_role("navigation", name="Edit").get_by_role("link", name="Client Portal").click()
            self.take(page, f"client-portal-{name}", picture)
            if name == "signed-in":
                self.view_as_client(page)
            if name == "waiting":
                page.get_by_label("I checked who is calling").check()
                page.get_by_role("button", name="Generate PIN").click()
                self.take(page, "pin-given", "04c-client-portal-pin")
        self.chains(page)
        self.in_doubt(page)
        page.context.close()

    def chains(self, page: Page) -> None:
        """Takes a screenshot of the Client Portal tab for each step at which the chain stops."""
        for name, picture, client in CHAINS:
            page.goto(f"{self.base}/office/clients/?{urlencode({'q': client})}")
            if not page.locator("tbody a.open").count():
                page.goto(f"{self.base}/office/clients/?{urlencode({'q': client, 'state': 'archived'})}")
            page.locator("tbody a.open").first.click()
            page.get_by_role("link", name="Client Portal", exact=True).first.click()
            self.take(page, f"chain-{name}", picture)

    def from_overview(self, page: Page) -> None:
        """Opens the pages of a client's contacts and of sharing from the Overview, and returns to it."""
        overview = page.url
        page.get_by_role("link", name="Share", exact=True).click()
        self.take(page, "share", NO_DESIGN)
        page.goto(overview)
        page.get_by_role("link", name="Add contact").click()
        self.take(page, "new-contact", NO_DESIGN)
        page.goto(overview)
        page.get_by_test_id("contact").first.get_by_role("link").first.click()
        self.take(page, "contact", NO_DESIGN)
        page.goto(overview)

    def client_documents(self, page: Page) -> None:
        """Opens the documents of a client who completed them all, and one of them."""
        page.goto(f"{self.base}/office/clients/?{urlencode({'q': 'Lena'})}")
        page.locator("tbody a.open").first.click()
        page.get_by_role("link", name="Documents", exact=True).click()
        self.take(page, "client-documents", NO_DESIGN)
        page.get_by_role("link", name="Signed on paper", exact=True).click()
        self.take(page, "paper-signature", NO_DESIGN)
        page.go_back()
        page.get_by_role("link", name=re.compile("^Open:")).first.click()
        self.take(page, "submission", NO_DESIGN)

    def document_runs(self, page: Page) -> None:
        """Opens the first step of sharing with many, and the demo's run."""
        page.goto(f"{self.base}/office/documents/sharing/new/?chosen=all")
        self.take(page, "share-with-many", NO_DESIGN)
        page.goto(f"{self.base}/office/documents/reminders/new/?chosen=all")
        self.take(page, "remind-documents", NO_DESIGN)
        page.goto(f"{self.base}/office/documents/sharing/")
        page.get_by_test_id("run-row").first.get_by_role("link").click()
        self.take(page, "document-run", NO_DESIGN)

    def view_as_client(self, page: Page) -> None:
        """Opens the portal from the client's tab and returns to the tab."""
        page.get_by_role("link", name="View as client").click()
        self.take(page, "view-as-client", NO_DESIGN)
        page.get_by_role("button", name="View as client").click()
        self.take(page, "view-home", "10-home")
        page.get_by_role("button", name="End view").click()

    def in_doubt(self, page: Page) -> None:
        """Adds payments in review, one of each kind; they cannot all be caused in the browser within a minute."""
        subprocess.run(
            [sys.executable, "-m", "scripts.demo_payments_in_review", str(self.port)],
            cwd=self.folder,
            env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)},
            check=True,
        )
        page.goto(f"{self.base}/office/payments/")
        self.take(page, "in-doubt", "05c-invoices")
        page.get_by_role("link", name="Release").first.click()
        self.take(page, "in-doubt-release", "05f-void")
        page.goto(f"{self.base}/office/invoices/?show=processing")
        self.take(page, "invoices-processing", "05c-invoices")

    def shareable_documents(self, page: Page) -> None:
        """Takes the pages of the intake form."""
        page.goto(f"{self.base}/office/settings/documents/")
        page.get_by_role("link", name="Intake form", exact=True).click()
        form = page.url
        for name, address in (
            ("preview", "preview/en/"),
            ("questions", "questions/"),
            ("question", "questions/2/"),
            ("new-question", "questions/new/"),
            ("translation", "translation/"),
        ):
            page.goto(form + address)
            self.take(page, f"document-{name}", NO_DESIGN)

    def colleague(self, page: Page) -> None:
        """Invites a colleague as the owner, and opens the mailed link in another browser."""
        page.goto(f"{self.base}/office/settings/team/")
        page.get_by_label("Name", exact=True).fill("Kim Sato")
        page.get_by_label("Email", exact=True).fill(COLLEAGUE)
        page.get_by_role("button", name="Send invitation").click()
        page.wait_for_timeout(3000)  # Meanwhile the worker mails the link.
        other = self.page()
        other.goto(self.newest_link(other, "Your account at", path="office/set-up"))
        self.take(other, "set-up", "20c-owner-set-up")
        other.context.close()

    def invitations(self, page: Page) -> None:
        """Takes screenshots of inviting all clients, and of the progress of inviting one, which no other shot needs."""
        for query in ("", "?q=zoe"):
            page.goto(f"{self.base}/office/clients/{query}")
            page.get_by_label(re.compile("^All .* (that match|clients?)$")).check()
            page.get_by_role("button", name="Invite", exact=True).click()
            if not query:
                self.take(page, "invite-clients", "01-clients")
        page.get_by_role("button", name=re.compile("^Send .* invitation")).click()
        self.take(page, "invitation-run", "01-clients")

    def books(self, page: Page) -> None:
        """Takes screenshots of a client's Billing tab and of the pages behind it."""
        page.goto(f"{self.base}/office/clients/?q=alex")
        page.locator("tbody a.open").first.click()
        page.get_by_role("link", name="Billing", exact=True).click()
        tab = page.url
        self.take(page, "client-billing", "02c-client-billing")
        for name, picture, link in BOOKS:
            page.goto(tab)
            page.get_by_role("link", name=link, exact=True).first.click()
            self.take(page, f"books-{name}", picture)
        for name, picture, number, link in INVOICES:
            page.goto(f"{self.base}/office/invoices/?q={number}")
            page.locator("tbody a.open").first.click()
            if link:
                page.get_by_role("link", name=link, exact=True).first.click()
            self.take(page, f"invoice-{name}", picture)
        page.goto(f"{self.base}/office/clients/?q=lena")
        page.locator("tbody a.open").first.click()
        page.get_by_role("link", name="Billing", exact=True).click()
        page.locator("tbody a.open").first.click()
        page.locator("a[href*='/office/refunds/']").first.click()
        self.take(page, "books-refund-receipt", "17b-receipt")
        page.goto(f"{self.base}/office/invoices/")
        page.get_by_role("link", name="New invoice").click()
        self.take(page, "choose-clients", "05c-invoices")
        for number in range(3):
            page.get_by_role("checkbox").nth(number).check()
        page.get_by_role("button", name="Continue").click()
        self.take(page, "new-invoices", "05b-invoice-edit")
        page.goto(f"{self.base}/office/invoices/")
        page.get_by_role("link", name="Share all with their clients").click()
        self.take(page, "share-all", "05c-invoices")
        page.get_by_role("button", name="Share").click()
        self.take(page, "sharing-run", "05c-invoices")
        self.online_payments(page)

    def online_payments(self, page: Page) -> None:
        """Takes screenshots without a key, with keys that cannot charge, with a live key, and with the demo's own."""
        for name, picture, key in KEYS:
            if key:
                self.enter_key(page, key)
            else:
                page.goto(f"{self.base}/office/settings/payments/")
                page.get_by_text("Disconnect Stripe").first.click()
                page.get_by_role("button", name="Disconnect Stripe").click()
            self.take(page, f"payments-{name}", picture)
        page.goto(f"{self.base}/office/settings/payments/tests/")
        page.get_by_role("button", name="Remove all").click()
        self.enter_key(page, "sk_live_demo")
        self.take(page, "payments-ready", "06c-payments-ready")
        self.enter_key(page, "sk_test_demo")

    def enter_key(self, page: Page, key: str) -> None:
        page.goto(f"{self.base}/office/settings/payments/")
        if not page.get_by_label("Secret key").is_visible():
            page.get_by_text("Change keys").click()
        page.get_by_label("Secret key").fill(key)
        page.get_by_role("button", name="Save and check with Stripe").click()

    def portal(self) -> None:
        page = self.page()
        page.goto(f"{self.base}/portal/alder-street/")
        self.take(page, "doorway", "07-entrance")
        page.goto(f"{self.base}/portal/alder-street/?language=es")
        self.take(page, "doorway-spanish", "07b-entrance-es")
        page.goto(f"{self.base}/portal/alder-street/help/?language=es")
        self.take(page, "help-spanish", "07b-entrance-es")
        page.goto(f"{self.base}/portal/alder-street/help/?language=en")
        self.take(page, "help", "07-entrance")
        page.goto(f"{self.base}/portal/alder-street/code/?language=en")
        self.take(page, "code-elsewhere", "08e-code-other-browser")
        page.goto(f"{self.base}/portal/alder-street/")
        page.get_by_label("Enter your email").fill("somebody@client.example")
        page.get_by_role("button", name="Continue").click()
        self.take(page, "code", "08-check-email")
        page.get_by_label("Code", exact=True).fill("K7M 4QK")
        page.get_by_role("button", name="Sign in", exact=True).click()
        self.take(page, "code-wrong", "08b-wrong-code")
        page.goto(f"{self.base}/portal/alder-street/pin/")
        self.take(page, "pin", "08c-pin")
        page.get_by_label("Enter your email").fill("somebody@else.example")
        page.get_by_label("PIN", exact=True).fill("0000 0000")
        page.get_by_role("button", name="Sign in").click()
        self.take(page, "pin-error", "08d-pin-error")
        page.goto(f"{self.base}/portal/alder-street/help/request/")
        self.take(page, "ask-for-help", NO_DESIGN)
        link = self.newest_link(page, "Your client portal at")
        self.take(page, "mail", "13-email-invitation")
        page.goto(link)
        self.take(page, "link", "09c-link-invitation")
        if page.get_by_role("button", name=re.compile("^Sign in as")).count():
            page.get_by_role("button", name=re.compile("^Sign in as")).click()
            self.take(page, "home", "10b-home-nothing")
            page.goto(f"{self.base}/portal/alder-street/billing/statement/")
            self.take(page, "statement", "17-statement")
            page.goto(f"{self.base}/portal/alder-street/home/")
            page.get_by_role("link", name="Profile").first.click()
            self.take(page, "profile", "12h-profile")
            page.goto(f"{self.base}/portal/alder-street/request/")
            self.take(page, "ask-for-help-inside", NO_DESIGN)
            self.email_change(page)
        page.goto(link)
        self.take(page, "used", "09d-link-used")
        page.goto(f"{self.base}/nowhere/")
        self.take(page, "not-found", "18b-404")
        page.context.close()

    def email_change(self, page: Page) -> None:
        page.goto(f"{self.base}/portal/alder-street/profile/email/")
        page.get_by_label("New email").fill("another@client.example")
        page.get_by_role("button", name="Send the email").click()
        self.take(page, "change-email", NO_DESIGN)
        page.wait_for_timeout(3000)  # Meanwhile the worker mails the link.
        page.goto(self.newest_link(page, "Confirm your new email for", path=r"portal/[\w-]+/new-email"))
        self.take(page, "new-email", NO_DESIGN)

    def documents(self) -> None:
        """Signs in as Alex, whose welcome packet is half done, and completes it."""
        page = self.page()
        portal = f"{self.base}/portal/alder-street/"
        page.goto(portal)
        page.get_by_label("Enter your email").fill("alex@moss.example")
        page.get_by_role("button", name="Continue").click()
        page.wait_for_timeout(3000)  # Meanwhile the worker mails the link.
        page.goto(self.newest_link(page, "Sign in to"))
        page.get_by_role("button", name=re.compile("^Sign in as")).click()
        self.take(page, "home-with-documents", "10-home")
        page.goto(f"{portal}documents/")
        self.take(page, "documents", NO_DESIGN)
        page.get_by_role("link", name=re.compile("^Continue")).first.click()
        self.take(page, "form-page", NO_DESIGN)
        page.goto(f"{page.url.partition('pages/')[0]}review/")
        self.take(page, "form-review", NO_DESIGN)
        page.goto(f"{portal}documents/")
        page.get_by_role("link", name=re.compile("^Get Started")).first.click()
        self.take(page, "consent", NO_DESIGN)
        page.get_by_label("Your full name").fill("Alexandra Moss")
        page.get_by_role("button", name="Submit & Continue").click()
        page.goto(f"{portal}documents/")
        page.get_by_test_id("completed-document").first.get_by_role("heading").get_by_role("link").click()
        self.take(page, "completed-document", NO_DESIGN)
        page.goto(f"{page.url}done/")
        self.take(page, "documents-done", NO_DESIGN)
        page.context.close()

    def family(self) -> None:
        """Takes screenshots of a mailbox with three clients, and of another mailbox's link in the same browser."""
        page = self.page()
        page.goto(f"{self.base}/portal/alder-street/")
        page.get_by_label("Enter your email").fill(FAMILY)
        page.get_by_role("button", name="Continue").click()
        page.wait_for_timeout(3000)  # Meanwhile the worker mails the link.
        page.goto(self.newest_link(page, "Sign in to"))
        self.take(page, "link-asked-for", "09-link")
        page.get_by_role("button", name=re.compile("^Sign in as")).click()
        self.take(page, "who", "10c-who")
        page.get_by_role("button", name="Mia Ashford").click()
        self.take(page, "home-of-a-family", "10-home")
        page.goto(self.newest_link(page, "priya@nair.example"))
        self.take(page, "link-someone-else", "09e-link-someone-else")
        page.context.clear_cookies()
        page.goto(f"{self.base}/portal/alder-street/link/never-was/")
        self.take(page, "link-expired", "09b-link-expired")
        page.context.close()

    def paying(self) -> None:
        """Pays two bills as Alex: on Stripe's page, saving the card, then with that card, which the bank declines."""
        page = self.page()
        page.goto(f"{self.base}/portal/alder-street/")
        page.get_by_label("Enter your email").fill(demo_command.PAYS)
        page.get_by_role("button", name="Continue").click()
        page.wait_for_timeout(3000)  # Meanwhile the worker mails the link.
        page.goto(self.newest_link(page, "Sign in to"))
        page.get_by_role("button", name=re.compile("^Sign in as")).click()
        self.take(page, "home-with-bills", "10-home")
        page.get_by_role("link", name="Billing & Payments", exact=True).click()
        self.take(page, "billing", "11-billing")
        page.get_by_role("link", name="Invoice 2", exact=True).click()
        self.take(page, "invoice", "11c-invoice")
        page.get_by_role("link", name="Pay Now").click()
        self.take(page, "pay-new-card", "12a-pay-new-card")
        page.get_by_label("Save Card").check()
        page.get_by_role("button", name="Continue to Stripe").click()
        self.take(page, "sandbox-stripe", "12a-pay-new-card")
        page.get_by_role("link", name="Back", exact=True).click()
        self.take(page, "payment-started", "12e-payment-started")
        page.get_by_role("link", name="Continue at Stripe").click()
        page.get_by_role("link", name="4000 0000 0000 3220").click()
        page.get_by_role("button", name="Pay $").click()
        page.get_by_role("button", name="Accept").click()
        self.take(page, "paid", "12b-paid")
        page.get_by_role("link", name="Back to Billing & Payments").click()
        self.take(page, "billing-with-card", "11-billing")
        page.get_by_role("link", name=re.compile("^Receipt")).first.click()
        self.take(page, "receipt", "17b-receipt")
        self.saved_card_refused(page)
        page.goto(f"{self.base}/portal/alder-street/billing/statement/")
        self.take(page, "statement-with-payments", "17-statement")
        page.goto(self.mailbox)
        page.get_by_test_id("mail").filter(has_text="receipt").first.get_by_role("link").first.click()
        self.take(page, "mail-receipt", "13c-email-receipt")
        page.context.close()

    def saved_card_refused(self, page: Page) -> None:
        page.goto(f"{self.base}/portal/alder-street/billing/payment/")
        self.take(page, "pay-saved-card", "12-pay")
        page.get_by_role("button", name="Pay $").click()
        self.take(page, "bank-asks", "12e-payment-started")
        page.get_by_role("link", name="Continue to your bank").click()
        page.get_by_role("button", name="Refuse").click()
        self.take(page, "declined", "12d-declined")
        page.get_by_role("link", name="Try this card again").click()
        # Stripe charges the card and the response is lost; then Stripe is unreachable for a while.
        self.sandbox(page, "fault", kind="fail_after", path="/v1/payment_intents", method="POST")
        self.sandbox(page, "fault", kind="503", method="GET", times=10)
        page.get_by_role("button", name="Pay $").click()
        self.take(page, "processing", "12c-processing")
        self.sandbox(page, "clear_faults")

    def sandbox(self, page: Page, verb: str, **script: str | int) -> None:
        page.request.post(f"{self.stripe}/_sandbox/{verb}", data=script)

    def newest_link(self, page: Page, subject: str, *, path: str = r"portal/[\w-]+/link") -> str:
        """Returns the link in the newest mail with such a subject or recipient."""
        page.goto(self.mailbox)
        page.get_by_test_id("mail").filter(has_text=subject).first.get_by_role("link").first.click()
        found = re.search(rf"http://localhost:\d+/{path}/[\w-]+/", page.get_by_test_id("text").inner_text())
        if found is None:
            raise SystemExit("The newest mail in the demo's mailbox holds no link.")
        return found[0]


def write_page(pictures: Path) -> Path:
    """Writes a page that shows every screenshot beside its design, if there is one."""
    rows = []
    for photograph in sorted(TARGET.glob("*.png")):
        name, picture, ending = photograph.stem.split("--")
        beside = pictures / f"{picture}-{ending}.png"
        images = f'<img src="{photograph.name}" alt="">'
        if beside.exists():
            images += f'<img src="{html.escape(beside.resolve().as_uri())}" alt="">'
        rows.append(f"<h2>{html.escape(name)}, {html.escape(ending)}</h2><div>{images}</div>")
    style = "body{font:16px sans-serif}div{display:flex;gap:1rem;align-items:start}img{max-width:48%;border:1px solid}"
    page = TARGET / "index.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><style>{style}</style>{''.join(rows)}")
    return page


if __name__ == "__main__":
    sys.exit(main())
