"""Settings chooses the staff members who get an email about completed documents."""

import re

import pytest
from django.test import Client as Browser

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import DocumentNotices, Practice
from portico.plumbing.models import AuditEntry
from tests import cast

pytestmark = pytest.mark.django_db
EMAILS, SAVE = "/office/settings/emails/", "/office/settings/emails/documents/"


def test_an_owner_chooses_who_is_notified(client: Browser, practice: Practice) -> None:
    owner = cast.signed_in(client, cast.elm(practice))
    assert practice.document_notices == DocumentNotices.CLINICIAN
    for chosen in (DocumentNotices.CLIENT_EDITORS, DocumentNotices.CLIENT_EDITORS, "everybody"):
        owner.post(SAVE, {"document_notices": chosen, "shown": practice.document_notices})
        practice.refresh_from_db()
        assert practice.document_notices == DocumentNotices.CLIENT_EDITORS
    assert re.search(r'name="document_notices" value="client_editors"[^>]* checked', owner.get(EMAILS).text)
    entry = AuditEntry.objects.get(action=AuditAction.PRACTICE_EDITED)
    assert entry.details == {"fields": "document_notices"}
