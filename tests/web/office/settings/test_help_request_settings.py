"""Settings chooses the staff members who get an email about help requests."""

import re

import pytest
from django.test import Client as Browser

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import HelpNotices, Practice
from portico.plumbing.models import AuditEntry
from tests import cast

pytestmark = pytest.mark.django_db
EMAILS, SAVE = "/office/settings/emails/", "/office/settings/emails/help-requests/"


def test_an_owner_chooses_who_is_notified(client: Browser, practice: Practice) -> None:
    owner = cast.signed_in(client, cast.elm(practice))
    for chosen in (HelpNotices.CLIENT_EDITORS, HelpNotices.CLIENT_EDITORS, "everybody"):
        owner.post(SAVE, {"help_notices": chosen, "shown": practice.help_notices})
        practice.refresh_from_db()
        assert practice.help_notices == HelpNotices.CLIENT_EDITORS
    assert re.search(r'value="client_editors"[^>]* checked', owner.get(EMAILS).text)
    entry = AuditEntry.objects.get(action=AuditAction.PRACTICE_EDITED)
    assert entry.details == {"fields": "help_notices"}


def test_owners_are_notified_unless_the_practice_chooses(practice: Practice) -> None:
    assert practice.help_notices == HelpNotices.OWNERS
