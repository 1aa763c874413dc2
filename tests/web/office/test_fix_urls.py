"""Every fix leads to a page that has the part its URL names."""

import re

import pytest
from django.db import transaction
from django.test import Client as Browser

from portico.domain.access import eligibility_steps
from portico.domain.access.diagnosis import steps
from portico.domain.access.eligibility_steps import Fix, Step
from portico.domain.practices.models import Practice
from portico.plumbing.mail import mail_stops
from portico.plumbing.models import StopKind
from portico.web.office.fix_urls import url_of
from tests import cast

pytestmark = pytest.mark.django_db

FIXES = {
    each.name: each
    for each in (
        *(step.fix for step in vars(eligibility_steps).values() if isinstance(step, Step)),
        *(fix for module in (eligibility_steps, steps) for fix in vars(module).values() if isinstance(fix, Fix)),
    )
}


@pytest.mark.parametrize("name", FIXES)
def test_a_fix_leads_to_a_part_that_exists(office: Browser, practice: Practice, name: str) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    email = None
    if name != "invite":
        email = cast.invited(ana).email
        with transaction.atomic():
            mail_stops.lock(email.practice_id, mail_stops.key_of(email))
            mail_stops.stop(email, StopKind.REFUSED, "It came back.")
    path, _hash, part = url_of(FIXES[name], ana, email).partition("#")
    answer = office.get(path)
    assert answer.status_code == 200
    assert not part or f'id="{part}"' in answer.text
    if name == "resend":
        assert re.search(r'<details[^>]*id="invitation"[^>]* open>', answer.text)
