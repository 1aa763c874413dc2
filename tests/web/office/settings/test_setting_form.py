"""A setting that another owner has saved meanwhile is not overwritten unseen."""

from dataclasses import dataclass
from html import unescape

import pytest
from django.test import Client as Browser

from portico.domain.practices.models import Practice
from tests import cast
from tests.support import payment_outcomes
from tests.web.page_forms import forms_on

pytestmark = pytest.mark.django_db
EMAILS, PAYMENTS = "/office/settings/emails/", "/office/settings/payments/"

type Choice = dict[str, list[str]]


@dataclass(frozen=True)
class Setting:
    """A setting with its form: what two owners choose on the same page, and what the second is told."""

    page: str
    action: str
    column: str
    first: Choice
    second: Choice
    said: str


SETTINGS = (
    Setting(EMAILS, "reminders/", "reminder_days", {"days": ["3"]}, {"days": ["7", "14"]}, "saved: 7 days"),
    Setting(EMAILS, "reminders/documents/", "document_reminder_days", {"document_days": ["1"]}, {}, "nothing checked"),
    Setting(
        *(EMAILS, "help-requests/", "help_notices"),
        *({"help_notices": ["not_sent"]}, {"help_notices": ["client_editors"]}, "Yours was not saved: "),
    ),
    Setting(
        *(EMAILS, "documents/", "document_notices"),
        *({"document_notices": ["owners"]}, {"document_notices": ["not_sent"]}, "Yours was not saved: "),
    ),
    Setting(
        PAYMENTS, "card-default/", "card_payment_by_default", {}, {"card_payment_by_default": ["on"]}, "Someone else"
    ),
)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.column)
def test_the_second_of_two_owners_is_told(client: Browser, practice: Practice, setting: Setting) -> None:
    payment_outcomes.ready_to_pay(cast.ana(practice))
    owner, address = cast.signed_in(client, cast.elm(practice)), f"{setting.page}{setting.action}"

    def opened() -> Choice:
        (form,) = [form for form in forms_on(owner.get(setting.page).text, at=setting.page) if form.action == address]
        return {"shown": [form.fields["shown"]]}

    shown_to_both = opened()
    owner.post(address, shown_to_both | setting.first)
    practice.refresh_from_db()
    saved = getattr(practice, setting.column)
    assert setting.said in unescape(owner.post(address, shown_to_both | setting.second, follow=True).text)
    practice.refresh_from_db()
    assert getattr(practice, setting.column) == saved
    owner.post(address, opened() | setting.second)
    practice.refresh_from_db()
    assert getattr(practice, setting.column) != saved
