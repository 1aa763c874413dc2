"""Only the topmost Authentication-Results of a trusted server is believed, whatever else a mail contains."""

import time

import pytest

from portico.plumbing.mail.reports import authentication_results, mime_reader
from portico.plumbing.mail.returned_mail import AuthenticationResults, MethodResult

MX = "mx.elm.example"
RECEIVED = f"Received: from mail.alder.example (mail.alder.example [192.0.2.1]) by {MX} with ESMTPS id 1; today"
PASSED = (
    f"Authentication-Results: {MX};\n\tdkim=pass (2048-bit key) header.d=alder.example header.s=s1;\n"
    "  spf=pass smtp.mailfrom=b+tag@alder.example;\n dmarc=pass (p=REJECT dis=NONE) header.from=alder.example"
)
FORGED = f"Authentication-Results: {MX}; dkim=pass header.d=alder.example; dmarc=pass header.from=alder.example"
FAILED = f"Authentication-Results: {MX}; dkim=fail header.d=alder.example"


def read(*fields: str, trusted: tuple[str, ...] = ()) -> AuthenticationResults | None:
    mail = mime_reader.read("\n".join([*fields, "", "Hello"]).encode())
    return authentication_results.read(mail, trusted=trusted)


def stated(*fields: str, trusted: tuple[str, ...] = ()) -> list[str]:
    results = read(*fields, trusted=trusted)
    return [f"{each.method}={each.result}" for each in results.statements] if results is not None else []


def test_folded_statements_are_read_with_their_properties() -> None:
    assert read(RECEIVED, PASSED) == AuthenticationResults(
        MX,
        is_trusted=True,
        statements=(
            MethodResult("dkim", "pass", {"header.d": "alder.example", "header.s": "s1"}),
            MethodResult("spf", "pass", {"smtp.mailfrom": "b+tag@alder.example"}),
            MethodResult("dmarc", "pass", {"header.from": "alder.example"}),
        ),
    )


def test_only_the_topmost_field_of_the_server_counts() -> None:
    assert stated(RECEIVED, FAILED, FORGED) == ["dkim=fail"]
    assert stated(FAILED, RECEIVED, FORGED) == ["dkim=fail"]


def test_fields_of_other_servers_are_not_believed() -> None:
    other = FORGED.replace(MX, "mail.alder.example")
    assert read(RECEIVED, other) == AuthenticationResults("mail.alder.example", is_trusted=False)
    assert stated(RECEIVED, other, FAILED) == ["dkim=fail"]
    assert stated(RECEIVED, FORGED.replace(MX, f"{MX}.evil.example")) == []
    assert stated(RECEIVED, FORGED.replace(MX, f"evil{MX}")) == []


def test_the_receiving_server_may_say_no_more_than_its_name() -> None:
    assert stated(f"Received: by {MX}; Mon, 30 Nov 2026 10:00:00 -0800", FAILED) == ["dkim=fail"]


def test_named_servers_replace_the_receiving_one() -> None:
    assert stated(RECEIVED, PASSED, trusted=("mx.google.com",)) == []
    assert stated(RECEIVED, FORGED.replace(MX, "MX.Google.com"), trusted=("mx.google.com",)) == [
        "dkim=pass",
        "dmarc=pass",
    ]
    assert stated(RECEIVED, FORGED.replace(MX, "elm.example")) == ["dkim=pass", "dmarc=pass"]


@pytest.mark.parametrize(
    "received",
    [
        "Received: by 2002:a05:6400:1 with SMTP id 1; today",
        f"Received: from by.{MX} (by {MX}) by backend with LMTP; today",
        f"Received: (from {MX} by {MX}",
    ],
)
def test_a_server_without_a_name_is_not_guessed(received: str) -> None:
    lower = f"Received: from evil.example by {MX} with SMTP; today"
    assert read(received, FORGED, lower) == AuthenticationResults(MX, is_trusted=False)
    assert read(FORGED) == AuthenticationResults(MX, is_trusted=False)


@pytest.mark.parametrize(
    "value",
    [
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=alder.example; dkim=pass header.d=alder.example",
        "; dkim=pass header.d=alder.example",
        "",
        f"({MX}) ; dkim=pass",
        "(" * 200 + f"{MX}; dkim=pass",
        f'"{MX}; dkim=pass',
    ],
)
def test_a_field_that_does_not_name_its_server_is_nothing(value: str) -> None:
    assert read(RECEIVED, f"Authentication-Results: {value}") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"{MX}; none", []),
        (f"{MX} 1; dkim=pass", ["dkim=pass"]),
        (f"{MX} 2; dkim=pass", []),
        (f"{MX} dkim=pass; spf=pass", []),
        (f"{MX}; dkim = fail (not dkim=pass; (it says) dkim=pass)", ["dkim=fail"]),
        (f'{MX}; dkim=fail reason="x; dkim=pass"', ["dkim=fail"]),
        (f'{MX}; dkim=fail reason="\\"; dkim=pass"', ["dkim=fail"]),
        (f"{MX}; dkim/1=pass; dkim/2=pass; x y; =; dkim", ["dkim=pass"]),
        (f"{MX}; dkim=pass header.d", ["dkim=pass"]),
    ],
)
def test_malformed_statements_state_nothing(value: str, expected: list[str]) -> None:
    assert stated(RECEIVED, f"Authentication-Results: {value}") == expected


def test_a_field_of_100_kb_is_not_read_and_hides_no_other() -> None:
    long = f"Authentication-Results: {MX}; dkim=pass header.d=alder.example; x=" + "y" * 100_000
    assert stated(RECEIVED, long, FORGED) == []
    started_at = time.process_time()
    for text in ("(" * 100_000, '"\\' * 50_000, "a.b=c " * 20_000, "; dkim=pass" * 10_000, "\n x" * 33_000):
        stated(RECEIVED, *[f"Authentication-Results: {MX}; {text}"] * 30)
    assert time.process_time() - started_at < 1


def test_the_keys_of_signatures_are_read() -> None:
    mail = mime_reader.read(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=Alder.example;\n s=s1; bh=x; b=a\n b\n"
        b"DKIM-Signature: v=1; d=provider.example; s=pm.2026; b=x\n"
        b"DKIM-Signature: v=1; d=alder.example; s=s1; b=again\n"
        b"DKIM-Signature: v=1; d=alder.example; s=../s2; b=x\n"
        b"DKIM-Signature: v=1; d=" + b"a." * 200 + b"example; s=s3; b=x\n"
        b"DKIM-Signature: v=1; s=s4; b=x\n\n"
    )
    assert [key.host for key in authentication_results.dkim_keys(mail)] == [
        "s1._domainkey.alder.example",
        "pm.2026._domainkey.provider.example",
    ]
