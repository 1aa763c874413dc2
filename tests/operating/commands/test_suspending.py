"""`portico suspend-practice` and `resume-practice` take effect at the next request."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast


def run(command: str, slug: str) -> str:
    answer = StringIO()
    call_command(command, slug, stdout=answer)
    return answer.getvalue()


def test_office_and_portal_pause_and_resume_at_the_next_request(practice: Practice) -> None:
    ana = cast.ana(practice)
    phone, office = cast.in_the_portal(Browser(), ana), cast.signed_in(Browser(), cast.fay(practice))
    home = "/portal/alder-street/home/"
    assert "is suspended" in run("suspend_practice", "alder-street")
    for answer in (phone.get(home), office.get("/office/clients/"), Browser().get("/portal/alder-street/")):
        page = answer.content.decode()
        assert answer.status_code == 503
        assert "Alder Street Therapy has paused this portal." in page
        assert "Ana" not in page
    assert "is active again" in run("resume_practice", "alder-street")
    assert phone.get(home).status_code == 200
    assert office.get("/office/clients/").status_code == 200
    assert set(AuditEntry.objects.filter(action__startswith="practice.").values_list("actor_kind", flat=True)) == {
        "operator"
    }


def test_sign_in_at_a_paused_practice_looks_like_a_wrong_password(client: Browser, practice: Practice) -> None:
    fay = cast.fay(practice)
    run("suspend_practice", "alder-street")
    right = client.post("/office/sign-in/", {"email": fay.email, "password": cast.PASSWORD})
    assert right.status_code == 422
    assert "That email and password don’t match." in right.content.decode()
    run("resume_practice", "alder-street")
    assert client.post("/office/sign-in/", {"email": fay.email, "password": cast.PASSWORD}).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["suspend_practice", "resume_practice"])
def test_an_unknown_slug_is_refused(command: str) -> None:
    with pytest.raises(CommandError, match="There is no practice 'nowhere'"):
        run(command, "nowhere")
