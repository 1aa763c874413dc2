"""In place of a button that a role lacks, the page says which role has it and whom to ask."""

import pytest
from django.test import Client as Browser

from portico.domain.practices.models import Practice
from tests import cast

pytestmark = pytest.mark.django_db


def test_fay_reads_who_can_refund(office: Browser, practice: Practice) -> None:
    cast.elm(practice)
    ana = cast.ana(practice)
    page = office.get(f"/office/clients/{ana.ref}/billing/").text
    assert "Only an owner or a biller can refund or add credit. Ask Dr. Naomi Elm." in " ".join(page.split())
    assert "Only an owner can change settings and the team. Ask Dr. Naomi Elm." in " ".join(page.split())


def test_an_owner_reads_no_such_line(client: Browser, practice: Practice) -> None:
    ana, browser = cast.ana(practice), cast.signed_in(client, cast.elm(practice))
    assert 'data-testid="not-yours"' not in browser.get(f"/office/clients/{ana.ref}/billing/").text
