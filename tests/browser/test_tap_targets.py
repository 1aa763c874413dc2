"""In the portal's documents everything that is tapped is at least 44 pixels high on a phone."""

import io
from typing import Any

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from portico.domain.access.models import PortalAccess
from portico.domain.documents.completion import uploads
from tests import cast, shared_documents
from tests.support import files
from tests.support.browser.chromium import Browsing, carry
from tests.support.portal_client import Browser

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PORTAL = "/portal/alder-street/"
# A box and its words are one target, whose area a pseudo-element of the label extends. Links in a sentence are exempt.
SMALL_TARGETS = """() => {
  const parts = ["::before", "::after"];
  const heightOf = (target) => {
    const label = ["checkbox", "radio"].includes(target.type) && target.parentElement.querySelector("label");
    const around = label ? parts.map((part) => parseFloat(getComputedStyle(label, part).height) || 0) : [];
    return Math.round(Math.max(...around, (label || target).getBoundingClientRect().height));
  };
  return [...document.querySelectorAll("main :is(a, button, summary, select, input:not([type=hidden]))")]
    .filter((target) => target.offsetParent && !(getComputedStyle(target).display === "inline" && target.closest("p")))
    .map((target) => [target.outerHTML.slice(0, 120), heightOf(target)])
    .filter(([_target, height]) => height < 44);
}"""


def test_everything_that_is_tapped_is_large_enough(
    browsing: Browsing, live_server: LiveServer, transactional_db: None
) -> None:
    practice = cast.alder()
    ana = cast.ana(practice)
    page = browsing.window(live_server.url, width=390)
    carry(page, live_server.url, cast.in_the_portal(Browser(), ana), settings.CLIENT_COOKIE_NAME)
    access = PortalAccess.objects.get(own_client=ana)
    consent, signed, form, upload, file = shared_documents.shared(
        access,
        shared_documents.consent(practice, may_be_declined=True),
        shared_documents.consent(practice),
        shared_documents.form(practice),
        shared_documents.request_for_file(practice),
        shared_documents.file_to_read(practice),
    )
    shared_documents.signed(signed, access)
    uploads.add(upload, io.BytesIO(files.pdf()), name="card.pdf", by=cast.DESK)
    small: dict[str, Any] = {}  # Any: what the script returns.
    for path in (
        *("home/", "documents/", f"documents/{form.ref}/pages/1/", f"documents/{form.ref}/review/"),
        *(f"documents/{consent.ref}/declining/", f"documents/{signed.ref}/done/"),
        *(f"documents/{each.ref}/" for each in (consent, signed, upload, file)),
    ):
        page.goto(f"{PORTAL}{path}")
        small |= {path: found} if (found := page.evaluate(SMALL_TARGETS)) else {}
    # An empty signature is refused: the summary's links lead to its fields.
    page.goto(f"{PORTAL}documents/{consent.ref}/")
    page.locator("form button[type=submit]").last.click()
    page.locator("#errors").wait_for()
    small |= {"refused": found} if (found := page.evaluate(SMALL_TARGETS)) else {}
    assert small == {}
