"""`make screenshots`: starts the demo in a folder of its own and photographs each page beside its picture."""

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

from playwright.sync_api import Browser, Page, sync_playwright

from portico.operating import demo
from tests.support.browser import FLAGS, chromium_path
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "build" / "screenshots"
PICTURES = ROOT.parent / "shared" / "design" / "png"
STARTING_SECONDS = 120
# Width, colours and the ending that the pictures' names carry.
VIEWS = ((1280, "light", "desktop"), (390, "light", "mobile"), (320, "light", "320"), (1280, "dark", "desktop-dark"))

# The name of a photograph, the picture it is held against, and the client's name or the address.
OFFICE = (
    ("clients", "01-clients", "/office/clients/"),
    ("create-client", "01d-create-client", "/office/clients/new/"),
    ("invoices", "05c-invoices", "/office/invoices/"),
    ("figures", "05c-invoices", "/office/invoices/figures/"),
    ("payments-in-doubt", "05c-invoices", "/office/payments/"),
    ("services", "16a-settings-practice", "/office/settings/services/"),
    ("emails", "15-emails", "/office/emails/"),
    ("settings-practice", "16a-settings-practice", "/office/settings/practice/"),
    ("settings-emails", "16c-settings-emails", "/office/settings/emails/"),
    ("payments", "06e-payments-test-mode", "/office/settings/payments/"),
    ("test-payments", "06e-payments-test-mode", "/office/settings/payments/tests/"),
    ("help", "16d-settings-trail", "/office/help/"),
    ("trail", "16d-settings-trail", "/office/settings/trail/"),
    ("team", "16b-settings-team", "/office/settings/team/"),
    ("account", "16b-settings-team", "/office/account/"),
    ("account-authenticator", "20d-owner-authenticator", "/office/account/authenticator/"),
    ("prove", "20b-staff-code", "/office/prove/"),
)
CLIENTS = (
    ("signed-in", "04f-client-portal-signed-in", "state=signed_in"),
    ("waiting", "04b-client-portal-waiting", "state=invited"),
    ("attention", "04d-client-portal-never-invited", "state=needs_attention"),
    ("off", "04e-client-portal-off", "state=no_access"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.screenshots", description=__doc__)
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="a folder of pictures to stand beside")
    pictures: Path = parser.parse_args().pictures
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    with running_demo() as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=FLAGS, chromium_sandbox=os.geteuid() != 0
        )
        for width, colours, ending in VIEWS:
            Photographer(browser, port, width=width, colours=colours, ending=ending).photograph_all()
        browser.close()
    page = write_page(pictures)
    print(f"{len(list(TARGET.glob('*.png')))} photographs: {page}")
    return 0


@contextmanager
def running_demo() -> Iterator[int]:
    """The demo on free ports; its own Ctrl-C ends it."""
    port = free_port()
    while demo.taken(port):
        port = free_port()
    with tempfile.TemporaryDirectory(prefix="portico-screenshots-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "portico", "demo", "--port", str(port)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        try:
            wait_until_ready(process, Path(folder), port)
            yield port
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
    """One width in one colour scheme."""

    def __init__(self, browser: Browser, port: int, *, width: int, colours: str, ending: str) -> None:
        self.base = f"http://localhost:{port}"
        self.mailbox = f"http://localhost:{port + 1}/"
        self.ending = ending
        self.browser = browser
        self.options = {"viewport": {"width": width, "height": 844}, "color_scheme": colours}

    def page(self) -> Page:
        return self.browser.new_context(**self.options).new_page()  # type: ignore[arg-type]  # from a plain dict

    def take(self, page: Page, name: str, picture: str) -> None:
        page.screenshot(path=TARGET / f"{name}--{picture}--{self.ending}.png", full_page=True)

    def photograph_all(self) -> None:
        self.office()
        self.portal()

    def office(self) -> None:
        page = self.page()
        page.goto(f"{self.base}/office/")
        self.take(page, "sign-in", "20-staff-sign-in")
        page.goto(f"{self.base}/office/forgotten-password/")
        self.take(page, "forgotten", "20-staff-sign-in")
        page.goto(f"{self.base}/office/forgotten-password/sent/")
        self.take(page, "forgotten-sent", "08-check-email")
        page.goto(f"{self.base}/office/")
        owner = json.loads(demo.PEOPLE.read_text(encoding="utf-8"))["practices"][0]["staff"][0]
        page.get_by_label("Email", exact=True).fill(owner["email"])
        page.get_by_label("Password", exact=True).fill(owner["password"])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/office/clients/")
        for name, picture, address in OFFICE:
            page.goto(self.base + address)
            self.take(page, name, picture)
        for name, picture, chip in CLIENTS:
            page.goto(f"{self.base}/office/clients/?{chip}")
            page.locator("tbody a.open").first.click()
            self.take(page, f"overview-{name}", "02-client-overview")
            page.get_by_role("link", name="Activity", exact=True).click()
            self.take(page, f"activity-{name}", "02d-client-activity")
            page.get_by_role("link", name="Edit", exact=True).or_(
                page.get_by_role("link", name="Overview", exact=True)
            ).first.click()
            if page.get_by_role("link", name="Edit", exact=True).count():
                page.get_by_role("link", name="Edit", exact=True).click()
            self.take(page, f"client-info-{name}", "03-client-info")
            page.get_by_role("navigation", name="Edit").get_by_role("link", name="Client Portal").click()
            self.take(page, f"client-portal-{name}", picture)
            if name == "waiting":
                page.get_by_role("button", name="Generate PIN").click()
                self.take(page, "pin-given", "04c-client-portal-pin")
        page.context.close()

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
        link = self.newest_link(page)
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
        page.goto(link)
        self.take(page, "used", "09d-link-used")
        page.goto(f"{self.base}/nowhere/")
        self.take(page, "not-found", "18b-404")
        page.context.close()

    def newest_link(self, page: Page) -> str:
        """The link of a mail that no other view has used yet."""
        number = [ending for _, _, ending in VIEWS].index(self.ending)
        page.goto(self.mailbox)
        invitations = page.get_by_test_id("mail").filter(has_text="Your client portal at")
        invitations.nth(number).get_by_role("link").first.click()
        found = re.search(r"http://localhost:\d+/portal/[\w-]+/link/[\w-]+/", page.get_by_test_id("text").inner_text())
        if found is None:
            raise SystemExit("The newest mail in the demo's mailbox holds no link.")
        return found[0]


def write_page(pictures: Path) -> Path:
    """A page that shows every photograph beside the picture it is held against, where there is one."""
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
