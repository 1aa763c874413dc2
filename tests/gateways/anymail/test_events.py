"""Events of every provider: verified, and read as the fact that its documentation says they are."""

import pytest

from portico.gateways.anymail import events, svix_signature
from portico.gateways.anymail.events import PayloadInvalid, SignatureInvalid
from portico.gateways.anymail.providers import PROVIDERS
from tests.gateways.anymail import recorded_events
from tests.gateways.anymail.recorded_events import SECRETS, Recorded, account_at, all_events, request_with

pytestmark = pytest.mark.sqlite

TAG = "abcdefghijklmnop-abcdefghijklmnop"
EVENTS = all_events(TAG)
FORGED = {
    "mailersend": "another-secret",
    "mailgun": "key-of-another-account",
    "mailtrap": "00000000",
    "resend": "whsec_YW5vdGhlciBzZWNyZXQ=",
    "sendgrid": "another key",
}


def read(recorded: Recorded) -> list[events.ProviderEvent]:
    request = request_with(recorded.provider, recorded.body)
    return events.read(request, account_at(recorded.provider), secret=SECRETS[recorded.provider])


def test_every_provider_has_recorded_events() -> None:
    assert {event.provider for event in EVENTS} == PROVIDERS.keys() == SECRETS.keys()


@pytest.mark.parametrize("recorded", EVENTS, ids=str)
def test_an_event_is_read_as_what_it_says(recorded: Recorded) -> None:
    found = read(recorded)
    if not recorded.kind:
        assert found == []
        return
    (event,) = found
    assert (event.tag, event.kind, event.status_code) == (TAG, recorded.kind, recorded.code)
    assert recorded.words in event.words
    assert event.remote_server == "mail.example"
    assert event.happened_at is not None
    assert event.happened_at.tzinfo is not None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_repeated_event_has_the_same_key_and_another_a_different_one(provider: str) -> None:
    known = account_at(provider)
    gone, slow = (
        next(e for e in EVENTS if e.provider == provider and e.kind == kind) for kind in ("failed", "delayed")
    )
    bodies = (gone.body, gone.body, slow.body)
    # Mailgun signs a repeated event again; Amazon repeats its id.
    tokens = ("0", "1", "2") if provider == "mailgun" else ("0", "0", "0")
    requests = [request_with(provider, body, token=token) for body, token in zip(bodies, tokens, strict=True)]
    keys = [events.read(request, known, secret=SECRETS[provider])[0].key for request in requests]
    assert keys[0] == keys[1]
    assert len(keys[0]) <= 128
    # The recorded events of these have the same id, and Resend's is a header.
    assert keys[0] != keys[2] or provider in {"amazon-ses", "sendgrid", "sparkpost", "mailtrap", "resend"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_forged_request_is_refused(provider: str) -> None:
    body = next(event.body for event in EVENTS if event.provider == provider)
    forged = request_with(provider, body, secret=FORGED.get(provider, "portico:guessed-password-0000"))
    with pytest.raises(SignatureInvalid):
        events.read(forged, account_at(provider), secret=SECRETS[provider])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_request_without_any_signature_is_refused(provider: str) -> None:
    request = request_with(provider, next(event.body for event in EVENTS if event.provider == provider))
    for name in [name for name in request.META if name.startswith("HTTP_") and name != "HTTP_COOKIE"]:
        del request.META[name]
    request.__dict__.pop("headers", None)
    request._body = request.body.replace(b'"signature"', b'"unsigned"')
    with pytest.raises(SignatureInvalid):
        events.read(request, account_at(provider), secret=SECRETS[provider])


NO_EVENTS = [{}, [], [[]], {"events": [{}]}, "text", 7, None]
# Mailgun's signature is part of the body, which must be an object.
WITHOUT_EVENTS = [
    pytest.param(provider, body, id=f"{provider}-{body}")
    for provider in PROVIDERS
    for body in NO_EVENTS
    if provider != "mailgun" or isinstance(body, dict)
]


@pytest.mark.parametrize(("provider", "body"), WITHOUT_EVENTS)
def test_a_body_that_is_no_event_never_crashes(provider: str, body: object) -> None:
    request = request_with(provider, body)
    try:
        found = events.read(request, account_at(provider), secret=SECRETS[provider])
    except (PayloadInvalid, SignatureInvalid):
        return
    assert found == []


def test_an_event_about_another_mail_of_the_account_is_left_out() -> None:
    body = all_events(TAG)[0].body | {"Metadata": {"user_id": "43"}}
    assert events.read(request_with("postmark", body), account_at("postmark"), secret=SECRETS["postmark"]) == []


def test_an_old_signature_is_refused() -> None:
    secret, body = recorded_events.RESEND_SECRET, b"{}"
    signed = svix_signature.signature(body, identifier="m", timestamp="1780142400", secret=secret)
    headers = {"svix-id": "m", "svix-timestamp": "1780142400", "svix-signature": f"v1,{signed}"}
    with pytest.raises(svix_signature.Mismatch, match="old"):
        svix_signature.verify(body, headers, secret=secret)


def test_the_signature_is_the_one_of_the_documentation() -> None:
    """https://docs.svix.com/receiving/verifying-payloads/how-manual"""
    assert (
        svix_signature.signature(
            b'{"test": 2432232314}',
            identifier="msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp="1614265330",
            secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        )
        == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )
