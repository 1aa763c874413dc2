"""Signing: what must hold at that moment, whole or not at all, and checked again later."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client as Browser

from portico.domain.access import access_grants, client_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import PortalAccess, PortalSession, SignInMethod
from portico.domain.access.sign_in import portal_sessions, sign_in_pins
from portico.domain.clients.models import Client
from portico.domain.documents.completion import portal_requests, request_states, signing
from portico.domain.documents.completion.signatures import Signature
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.models import DocumentRequest, RequestState, ResponseDraft, Submission
from portico.domain.documents.refusals import (
    AnswersIncomplete,
    DocumentWithdrawn,
    DraftChanged,
    SignatureMissing,
    SigningNotAllowed,
)
from portico.domain.documents.submissions import verification
from portico.domain.documents.submissions.submission_content import content_of
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from tests import cast, shared_documents
from tests.cast import DESK
from tests.support.portal_client import Browser as PressingBrowser
from tests.support.processes.simulated_kills import killed_after

pytestmark = pytest.mark.django_db
ANSWERS: dict[str, list[Answer]] = {"name": [{"valueString": "Ana"}], "smokes": [{"valueCoding": {"code": "smokes-0"}}]}


@pytest.fixture
def ana(practice: Practice) -> Client:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    return ana


@pytest.fixture
def consent(ana: Client) -> DocumentRequest:
    return shared_documents.shared(access_of(ana), shared_documents.consent(ana.practice))[0]


@pytest.fixture
def form(ana: Client) -> DocumentRequest:
    return shared_documents.shared(access_of(ana), shared_documents.form(ana.practice))[0]


def access_of(person: Client) -> PortalAccess:
    return PortalAccess.objects.get(own_client=person)


def submit(request: DocumentRequest, *, number: int) -> Submission:
    access = PortalAccess.objects.get(pk=request.access_id)
    found = portal_requests.find(access, request.ref)
    assert found is not None
    return signing.submit(
        found,
        language="en",
        draft_number=number,
        signature=None,
        signer=shared_documents.signer(access),
        by=DESK,
    )


def turn_off(ana: Client) -> None:
    off = AccessInput(enabled=False, address=None, access_billing_documents=False, pay_by_card=False)
    access_grants.save_access(ana, off, version=None, by=DESK)


def stop_documents(ana: Client) -> None:
    PortalAccess.objects.filter(client=ana).update(signs_documents=False)


def archive(ana: Client) -> None:
    client_changes.archive(ana, by=DESK)


def end_sessions(_ana: Client) -> None:
    for session in PortalSession.objects.all():
        portal_sessions.end(session, by=DESK)


@pytest.mark.parametrize("change", [turn_off, stop_documents, archive, end_sessions])
def test_what_changed_since_the_page_was_opened_counts(
    ana: Client, consent: DocumentRequest, change: Callable[[Client], None]
) -> None:
    access = access_of(ana)
    who = shared_documents.signer(access)
    found = portal_requests.find(access, consent.ref)
    assert found is not None
    change(ana)
    with pytest.raises(SigningNotAllowed):
        signing.submit(found, language="en", draft_number=0, signature=shared_documents.SIGNATURE, signer=who, by=DESK)
    assert not Submission.objects.exists()


def test_a_session_that_timed_out_signs_nothing(
    ana: Client, consent: DocumentRequest, stopped_clock: time_machine.Traveller
) -> None:
    stopped_clock.shift(timedelta(minutes=31))
    with pytest.raises(SigningNotAllowed):
        shared_documents.signed(consent, access_of(ana))


def test_a_consent_is_not_completed_without_signature(consent: DocumentRequest) -> None:
    with pytest.raises(SignatureMissing):
        submit(consent, number=0)


@pytest.mark.parametrize("name", ["", "12", "- -"])
def test_a_name_has_letters(ana: Client, consent: DocumentRequest, name: str) -> None:
    with pytest.raises(SignatureMissing, match="Enter your full name"):
        shared_documents.signed(consent, access_of(ana), Signature(name, "Self", agrees=True))


def test_answers_that_are_missing_are_named(form: DocumentRequest) -> None:
    number = shared_documents.saved(form, {"name": [{"valueString": "Ana"}]})
    with pytest.raises(AnswersIncomplete) as refused:
        submit(form, number=number)
    assert set(refused.value.errors) == {"smokes"}


def test_an_older_draft_is_not_submitted(form: DocumentRequest) -> None:
    number = shared_documents.saved(form, ANSWERS)
    shared_documents.saved(form, {"notes": [{"valueString": "More"}]}, number=number)
    with pytest.raises(DraftChanged):
        submit(form, number=number)


def test_submitted_twice_it_is_the_first(form: DocumentRequest) -> None:
    number = shared_documents.saved(form, ANSWERS)
    first = submit(form, number=number)
    assert submit(form, number=99) == first
    form.refresh_from_db()
    assert (form.state, form.completed_at) == (RequestState.COMPLETED, first.submitted_at)


def test_killed_at_any_moment_it_is_whole_or_not_at_all(form: DocumentRequest) -> None:
    number = shared_documents.saved(form, ANSWERS)
    for statements in range(40):
        with killed_after(statements):
            submit(form, number=number)
        assert list(verification.problems()) == []
        assert Submission.objects.exists() is not ResponseDraft.objects.exists()
        if Submission.objects.exists():
            break
    assert statements > 5
    assert Submission.objects.get().answers[0]["item"][0]["answer"] == ANSWERS["name"]


def test_a_draft_left_over_is_found(form: DocumentRequest) -> None:
    shared_documents.saved(form, ANSWERS)
    DocumentRequest.objects.update(state="withdrawn", withdrawn_at=form.sent_at)
    assert [each.reason for each in verification.problems()] == ["a draft is left of a request that is not open"]


def test_a_document_is_found_by_number_and_digest(form: DocumentRequest, practice: Practice) -> None:
    submission = submit(form, number=shared_documents.saved(form, ANSWERS))
    digest = f"{submission.answers_digest[:30]}\u200b\n{submission.answers_digest[30:]}"
    for text in (
        submission.ref,
        submission.ref.upper(),
        submission.answers_digest,
        f" {submission.document_digest} ",
        digest,
    ):
        assert verification.find_submission(practice, text) == submission
    for text in ("", "nothing", "0" * 64, "x" * 1000):
        assert verification.find_submission(practice, text) is None
    assert verification.find_submission(cast.birch(), submission.ref) is None
    assert verification.check(submission) == []


def test_withdrawn_after_opening_it_is_not_signed(ana: Client, consent: DocumentRequest) -> None:
    request_states.withdraw(consent, by=DESK)
    with pytest.raises(DocumentWithdrawn):
        shared_documents.signed(consent, access_of(ana))


def test_a_pin_may_sign_and_the_evidence_says_so(practice: Practice) -> None:
    ana, browser = cast.ana(practice), PressingBrowser()
    cast.with_access(ana)
    key = tokens.new_token()
    sign_in_pins.generate(ana, form_key=key, by=DESK)
    shown = sign_in_pins.digits(ana, key, to=DESK)
    assert shown is not None
    browser.post("/portal/alder-street/pin/", {"email": "ana@mail.example", "pin": shown[1]})
    (request,) = shared_documents.shared(access_of(ana), shared_documents.consent(practice))
    submission = shared_documents.signed(request, access_of(ana))
    assert submission.method == SignInMethod.PIN
    assert ("Signed in with", "A PIN that the practice gave by phone") in content_of(submission).evidence
