"""Webhooks of email providers: events become delivery reports, once; everything else is refused and stores nothing."""

import json
from base64 import b64encode
from http import HTTPStatus

import pytest
from django.db import OperationalError
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from portico.domain.practices.models import Practice
from portico.gateways import mail_transport
from portico.gateways.anymail.providers import PROVIDERS
from portico.plumbing.mail import delivery
from portico.plumbing.mail.reports import delivery_reports, report_application, report_tags
from portico.plumbing.models import DeliveryReport, EmailState, MailStop, OutgoingEmail
from sandbox.postmark import server
from sandbox.postmark.server import Postmark
from tests import cast
from tests.gateways.anymail import recorded_events
from tests.gateways.anymail.recorded_events import BASIC, all_events, request_with
from tests.gateways.anymail.test_transport import Api

pytestmark = pytest.mark.django_db
CONFIRMED = (
    b'<ConfirmSubscriptionResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ConfirmSubscriptionResult>'
    b"<SubscriptionArn>arn:aws:sns:us-east-1:123456789012:portal:1</SubscriptionArn></ConfirmSubscriptionResult>"
    b"</ConfirmSubscriptionResponse>"
)
HOOK = "/hooks/mail/postmark/"
URL = "anymail+postmark://token@"


@pytest.fixture
def email(practice: Practice, settings: Settings) -> OutgoingEmail:
    settings.EMAIL_URL, settings.EMAIL_HOOK_SECRET = URL, BASIC
    return cast.invited(cast.ana(practice)).email


def bounce(email: OutgoingEmail, name: str = "gone") -> bytes:
    events = all_events(report_tags.tag_of(email.ref))
    return json.dumps(next(each.body for each in events if str(each) == f"postmark {name}")).encode()


def post(body: bytes, *, hook: str = HOOK, secret: str = BASIC) -> int:
    headers = recorded_events._headers("postmark", body, secret)
    # Without cookies, and with the CSRF check on.
    return (
        Browser(enforce_csrf_checks=True).post(hook, body, content_type="application/json", headers=headers).status_code
    )


def test_an_event_becomes_one_report(email: OutgoingEmail, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    # The mail, the number of its reports, and the new one.
    with django_assert_num_queries(3):
        assert post(bounce(email)) == HTTPStatus.OK
    assert post(bounce(email)) == HTTPStatus.OK
    report = DeliveryReport.objects.get()
    assert (report.email, report.source, report.kind, report.status_code) == (email, "postmark", "failed", "5.1.1")
    assert report.words.endswith("The email account that you tried to reach does not exist.")
    assert report.applied_at is None


def test_a_mail_with_a_forged_tag_or_of_nobody_stores_nothing(email: OutgoingEmail) -> None:
    tag = report_tags.tag_of(email.ref)
    for forged in (f"{email.ref}-{'a' * 16}", f"{'a' * 16}-{tag.partition('-')[2]}", email.ref, ""):
        assert post(bounce(email).replace(tag.encode(), forged.encode())) == HTTPStatus.OK
    assert not DeliveryReport.objects.exists()


def test_a_wrong_password_is_refused(email: OutgoingEmail) -> None:
    for secret in ("portico:wrong", "x:y", ":"):
        assert post(bounce(email), secret=secret) == HTTPStatus.UNAUTHORIZED
    answer = Browser().post(HOOK, bounce(email), content_type="application/json")
    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert not DeliveryReport.objects.exists()


def test_a_body_that_is_no_event_is_refused(email: OutgoingEmail) -> None:
    for body in (b"", b"{", b"[]", b"7", b"\xff"):
        assert post(body) == HTTPStatus.BAD_REQUEST
    assert post(b" " * (1024 * 1024 + 1)) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@pytest.mark.parametrize(
    ("url", "secret", "hook"),
    [
        (URL, "", HOOK),
        ("smtp://localhost", BASIC, HOOK),
        (URL, BASIC, "/hooks/mail/sendgrid/"),
        (URL, BASIC, "/hooks/mail/nobody/"),
    ],
)
def test_only_the_configured_provider_has_a_webhook(
    email: OutgoingEmail, settings: Settings, url: str, secret: str, hook: str
) -> None:
    settings.EMAIL_URL, settings.EMAIL_HOOK_SECRET = url, secret
    assert post(bounce(email), hook=hook) == HTTPStatus.NOT_FOUND


def test_nothing_is_confirmed_that_is_not_stored(email: OutgoingEmail, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> int:
        raise OperationalError("The database is away.")

    monkeypatch.setattr(delivery_reports, "store", fail)
    assert post(bounce(email)) == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("provider", recorded_events.SECRETS)
def test_every_providers_events_are_stored(email: OutgoingEmail, settings: Settings, provider: str) -> None:
    login = "key:secret" if PROVIDERS[provider].second_key_option else "key"
    settings.EMAIL_URL = f"anymail+{provider}://{login}@{'?region=us-east-1' * (provider == 'amazon-ses')}"
    settings.EMAIL_HOOK_SECRET = recorded_events.SECRETS[provider]
    events = [each for each in all_events(report_tags.tag_of(email.ref)) if each.provider == provider]
    gone = next(each for each in events if each.kind == "failed")
    request = request_with(provider, gone.body)
    headers = {name[5:].replace("_", "-"): value for name, value in request.META.items() if name.startswith("HTTP_")}
    answer = Browser().post(request.path, request.body, content_type="application/json", headers=headers)
    assert answer.status_code == HTTPStatus.OK
    report = DeliveryReport.objects.get()
    assert (report.source, report.kind, report.status_code) == (provider, gone.kind, gone.code)


def test_amazons_subscription_is_confirmed_with_the_password_only(email: OutgoingEmail, settings: Settings) -> None:
    body = json.dumps(
        {"Type": "SubscriptionConfirmation", "MessageId": "m", "Token": "t", "TopicArn": recorded_events.TOPIC}
    )
    told = {"x-amz-sns-message-type": "SubscriptionConfirmation", "x-amz-sns-message-id": "m"}
    login = {"Authorization": f"Basic {b64encode(BASIC.encode()).decode()}"}
    hook, kind = "/hooks/mail/amazon-ses/", "text/plain; charset=UTF-8"
    with Api(200, CONFIRMED, {"Content-Type": "text/xml"}) as api:
        settings.EMAIL_URL = api.url("amazon-ses")
        first = Browser().post(hook, body, content_type=kind, headers=told)
        # Only then does Amazon send the password.
        assert (first.status_code, first["WWW-Authenticate"]) == (HTTPStatus.UNAUTHORIZED, 'Basic realm="Portico"')
        assert api.requests == []
        assert Browser().post(hook, body, content_type=kind, headers=told | login).status_code == HTTPStatus.OK
    ((_path, _headers, sent),) = api.requests
    assert b"Action=ConfirmSubscription" in sent
    assert b"Token=t" in sent


@pytest.mark.django_db(transaction=True)
def test_from_the_queue_through_postmark_and_back(live_server: LiveServer, settings: Settings) -> None:
    settings.EMAIL_HOOK_SECRET = BASIC
    practice = cast.alder()
    for name in ("ana", "bounce", "block", "slow", "spam", "away", "inactive"):
        cast.invited(cast.client(practice, name, address=f"{name}@mail.example"))
    postmark = Postmark("a-token", settings.EMAIL_FROM)
    with server.running(postmark) as url:
        settings.EMAIL_URL = url
        while delivery.deliver_next("rest", mail_transport.transport(url)):
            pass
        user, _colon, password = BASIC.partition(":")
        assert set(postmark.send_events(f"{live_server.url}{HOOK}", user=user, password=password)) == {200}
    states = dict(OutgoingEmail.objects.values_list("to_name", "state"))
    assert states.pop("inactive") == EmailState.BOUNCED
    assert set(states.values()) == {EmailState.HANDED_OVER}
    reports = DeliveryReport.objects.values_list("email__to_name", "kind", "status_code")
    assert set(reports) == {
        ("ana", "delivered", ""),
        ("bounce", "failed", "5.1.1"),
        ("block", "failed", "5.7.1"),
        ("slow", "delayed", "4.3.0"),
        ("spam", "complained", ""),
        ("away", "auto_replied", ""),
    }
    assert report_application.apply_next()
    assert dict(OutgoingEmail.objects.values_list("to_name", "state")) == {
        "ana": EmailState.DELIVERED,
        "bounce": EmailState.BOUNCED,
        # The receiving server refused us: no word about the mailbox.
        "block": EmailState.FAILED,
        "slow": EmailState.HANDED_OVER,
        "spam": EmailState.COMPLAINED,
        "away": EmailState.HANDED_OVER,
        "inactive": EmailState.BOUNCED,
    }
    stopped = MailStop.objects.live().values_list("mailbox_key", flat=True)
    assert set(stopped) == {"bounce@mail.example", "spam@mail.example", "inactive@mail.example"}
