"""The email to staff about completed documents: to whom, how often, and with which words."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries
from time_machine import Traveller

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.completion import completion_notices
from portico.domain.documents.models import DocumentRequest, Submission, TemplateVersion
from portico.domain.documents.submissions import reviews
from portico.domain.practices import practice_settings
from portico.domain.practices.models import DocumentNotices, Practice
from portico.plumbing import clock
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail
from tests import cast, shared_documents

pytestmark = pytest.mark.django_db
ELM, HAL = "elm@alder-street.example", "hal@alder-street.example"
TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture
def sign(practice: Practice) -> Callable[[Client], Submission]:
    """Returns a function that shares a consent with a client, who signs it."""
    consent: TemplateVersion = shared_documents.consent(practice)

    def _sign(person: Client) -> Submission:
        access = PortalAccess.objects.get(own_client=person)
        return shared_documents.signed(shared_documents.shared(access, consent)[0], access)

    return _sign


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.in_the_portal(Browser(), person)
    return person


def mailed() -> list[tuple[str, str]]:
    rows = OutgoingEmail.objects.filter(kind=completion_notices.KIND).order_by("id")
    return list(rows.values_list("to_address", "subject"))


def test_documents_are_announced_together_and_once_an_hour(
    practice: Practice, ana: Client, sign: Callable[[Client], Submission], stopped_clock: Traveller
) -> None:
    cast.elm(practice)
    sign(ana)
    assert completion_notices.announce() == 0
    sign(ana)
    stopped_clock.shift(TEN_MINUTES)
    assert completion_notices.announce() == 1
    assert completion_notices.announce() == 0

    sign(ana)
    stopped_clock.shift(timedelta(minutes=59, seconds=59))
    assert completion_notices.announce() == 0
    stopped_clock.shift(timedelta(seconds=1))
    assert completion_notices.announce() == 1
    assert mailed() == [(ELM, "2 documents were completed"), (ELM, "A document was completed")]


def test_what_was_reviewed_before_is_not_announced(
    practice: Practice, ana: Client, sign: Callable[[Client], Submission], stopped_clock: Traveller
) -> None:
    elm = cast.elm(practice)
    reviews.review(sign(ana).request, note="", by=elm.actor)
    stopped_clock.shift(TEN_MINUTES)
    assert completion_notices.announce() == 0


def test_a_clinician_learns_of_their_own_clients_and_owners_of_the_rest(
    practice: Practice, ana: Client, sign: Callable[[Client], Submission], stopped_clock: Traveller
) -> None:
    cast.elm(practice)
    hal, carol, bruno = cast.hal(practice), cast.carol(practice), cast.bruno(practice)
    for person, clinician in ((ana, hal), (carol, None), (bruno, cast.gus(practice))):
        cast.in_the_portal(Browser(), person)
        Client.objects.filter(pk=person.pk).update(clinician=clinician)
        sign(person)
    stopped_clock.shift(TEN_MINUTES)

    assert completion_notices.announce() == 2

    assert sorted(mailed()) == [(ELM, "2 documents were completed"), (HAL, "A document was completed")]


@pytest.mark.parametrize(
    ("notices", "expected"),
    [
        (DocumentNotices.NOT_SENT, set()),
        (DocumentNotices.OWNERS, {"elm"}),
        (DocumentNotices.CLIENT_EDITORS, {"elm", "hal", "fay"}),
    ],
)
def test_the_practice_chooses_who_is_notified(
    ana: Client,
    sign: Callable[[Client], Submission],
    stopped_clock: Traveller,
    notices: DocumentNotices,
    expected: set[str],
) -> None:
    for member in (cast.elm, cast.hal, cast.fay, cast.ines, cast.gus):
        member(ana.practice)
    practice_settings.save_document_notices(ana.practice, notices, shown=None, by=cast.DESK)
    sign(ana)
    stopped_clock.shift(TEN_MINUTES)
    completion_notices.announce()
    assert {address for address, _subject in mailed()} == {f"{name}@alder-street.example" for name in expected}
    assert not DocumentRequest.objects.unannounced().exists()


def test_the_email_names_neither_document_nor_client(
    practice: Practice, ana: Client, sign: Callable[[Client], Submission], stopped_clock: Traveller
) -> None:
    cast.elm(practice)
    sign(ana)
    stopped_clock.shift(TEN_MINUTES)
    completion_notices.announce()
    email = OutgoingEmail.objects.select_related("practice").get(kind=completion_notices.KIND)
    composed = outbox.composer_of(email.kind).compose(email, None)
    for body in (composed.text, composed.html):
        assert "/office/documents/?show=review" in body
        assert not any(word in body for word in ("Ana", "Abreu", "Consent", "consent", "treatment"))


def test_staff_who_may_not_see_documents_any_more_get_no_email(
    practice: Practice, ana: Client, sign: Callable[[Client], Submission], stopped_clock: Traveller
) -> None:
    elm = cast.elm(practice)
    sign(ana)
    stopped_clock.shift(TEN_MINUTES)
    completion_notices.announce()
    email = OutgoingEmail.objects.select_related("practice").get(kind=completion_notices.KIND)
    composer = outbox.composer_of(email.kind)
    assert composer.refuse(email) is None
    elm.role = "biller"
    elm.save()
    assert composer.refuse(email) is not None


def test_a_paused_practice_and_old_documents_are_left_out(
    practice: Practice, ana: Client, sign: Callable[[Client], Submission], stopped_clock: Traveller
) -> None:
    cast.elm(practice)
    sign(ana)
    practice.suspended_at = clock.now()
    practice.save()
    stopped_clock.shift(TEN_MINUTES)
    assert completion_notices.announce() == 0
    Practice.objects.update(suspended_at=None)
    stopped_clock.shift(completion_notices.LONGEST)
    assert completion_notices.announce() == 0


def test_the_number_of_queries_does_not_depend_on_the_documents(
    practice: Practice,
    ana: Client,
    sign: Callable[[Client], Submission],
    stopped_clock: Traveller,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    cast.elm(practice)
    for number, wait in ((1, TEN_MINUTES), (3, completion_notices.PAUSE)):
        for _each in range(number):
            sign(ana)
        stopped_clock.shift(wait)
        with django_assert_num_queries(15):
            assert completion_notices.announce() == 1
