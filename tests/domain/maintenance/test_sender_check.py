"""The sender check against a real DNS server on loopback."""

import base64
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import call_command
from pytest_django.fixtures import Settings

from portico.domain.maintenance.models import CheckName, CheckReason, SenderCheck, Verdict
from portico.domain.maintenance.sender_check import checking
from portico.domain.maintenance.sender_check.results import CheckResult
from portico.gateways.dns import DnsServer, NotAnswered, Resolver
from portico.plumbing import clock
from sandbox.dns import server
from sandbox.dns.server import Records

DOMAIN, SMTP = "alder.example", "mail.alder.example"
SELECTOR = f"s1._domainkey.{DOMAIN}"
SPF, DKIM, DMARC, MX = CheckName.SPF, CheckName.DKIM, CheckName.DMARC, CheckName.MX


def dkim_key(bits: int = 2048) -> str:
    public = rsa.generate_private_key(65537, bits).public_key()
    return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


KEY = dkim_key()


@pytest.fixture
def records() -> Records:
    """Returns the records of a domain in which everything is in order."""
    found = Records()
    found.set(DOMAIN, TXT=["google-site-verification=1", f"v=spf1 a:{SMTP} -all"], MX=[f"10 {SMTP}."])
    found.set(SMTP, A=["192.0.2.1"])
    found.set(SELECTOR, TXT=[f"v=DKIM1; k=rsa; p={KEY}"])
    found.set(f"_dmarc.{DOMAIN}", TXT=["v=DMARC1; p=quarantine; rua=mailto:dmarc@alder.example"])
    return found


@pytest.fixture
def dns(records: Records) -> Iterator[Resolver]:
    with server.running(records) as running:
        yield Resolver(DnsServer("127.0.0.1", running.port))


def results(
    dns: Resolver,
    *,
    domain: str = DOMAIN,
    return_domain: str = "",
    selectors: tuple[str, ...] = ("s1",),
    mail_server: str = SMTP,
) -> dict[CheckName, CheckResult]:
    found = checking.check_domain(
        domain, dns, return_domain=return_domain or domain, selectors=selectors, mail_server=mail_server
    )
    return {each.name: each for each in found}


def verdict_of(dns: Resolver, name: CheckName, *, mail_server: str = SMTP) -> tuple[Verdict, CheckReason]:
    result = results(dns, mail_server=mail_server)[name]
    return result.verdict, result.reason


def test_a_domain_in_order_is_ok(dns: Resolver) -> None:
    found = results(dns)
    assert {name: (each.verdict, each.reason) for name, each in found.items()} == dict.fromkeys(
        (SPF, DKIM, DMARC, MX), (Verdict.OK, CheckReason.GOOD)
    )
    assert found[SPF].found == f"v=spf1 a:{SMTP} -all"
    assert found[DKIM].found == f"v=DKIM1; k=rsa; p={KEY}"
    assert found[MX].found == f"10 {SMTP}"


def test_a_domain_without_records_says_what_to_add(dns: Resolver, records: Records) -> None:
    records.by_name.clear()
    found = results(dns)
    assert {name: (each.verdict, each.reason) for name, each in found.items()} == {
        SPF: (Verdict.BROKEN, CheckReason.NO_SPF),
        DKIM: (Verdict.BROKEN, CheckReason.NO_DKIM),
        DMARC: (Verdict.WARN, CheckReason.NO_DMARC),
        MX: (Verdict.BROKEN, CheckReason.NO_MX),
    }
    assert found[SPF].wanted == f"v=spf1 a:{SMTP} ~all"
    assert (found[DMARC].host, found[DMARC].wanted) == (f"_dmarc.{DOMAIN}", "v=DMARC1; p=none")
    assert found[DKIM].host == SELECTOR


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["v=spf1 mx ~all"], (Verdict.OK, CheckReason.GOOD, "")),
        (["V=SPF1 ip4:192.0.2.0/24 ip6:2001:db8::/32 a/24 mx//64 -ALL"], (Verdict.OK, CheckReason.GOOD, "")),
        (["v=spf1 mx +all"], (Verdict.WARN, CheckReason.SPF_ALLOWS_ALL, "v=spf1 mx ~all")),
        (["v=spf1 mx all"], (Verdict.WARN, CheckReason.SPF_ALLOWS_ALL, "v=spf1 mx ~all")),
        (["v=spf1 mx ?all"], (Verdict.WARN, CheckReason.SPF_NO_END, "v=spf1 mx ~all")),
        (["v=spf1 mx"], (Verdict.WARN, CheckReason.SPF_NO_END, "v=spf1 mx ~all")),
        (["v=spf1 redirect=_spf.alder.example"], (Verdict.OK, CheckReason.GOOD, "")),
        (
            ["v=spf1 mx -all", "v=spf1 a:one.example ~all"],
            (Verdict.BROKEN, CheckReason.SEVERAL_SPF, "v=spf1 a:one.example mx -all"),
        ),
        (["v=spf1 mx ipv4:192.0.2.1 -all"], (Verdict.BROKEN, CheckReason.SPF_MALFORMED, "")),
        (["v=spf1 ip4:192.0.2.300 -all"], (Verdict.BROKEN, CheckReason.SPF_MALFORMED, "")),
        (["v=spf1 include: -all"], (Verdict.BROKEN, CheckReason.SPF_MALFORMED, "")),
        (["v=spf1 include:nothing.example -all"], (Verdict.BROKEN, CheckReason.SPF_INCLUDE_MISSING, "")),
        (["v=spf1 include:%{i}._spf.alder.example -all"], (Verdict.OK, CheckReason.GOOD, "")),
        (["v=spf10 -all"], (Verdict.BROKEN, CheckReason.NO_SPF, f"v=spf1 a:{SMTP} ~all")),
    ],
)
def test_spf(dns: Resolver, records: Records, texts: list[str], expected: tuple[Verdict, CheckReason, str]) -> None:
    records.set("_spf.alder.example", TXT=["v=spf1 ip4:192.0.2.1 -all"])
    records.set(DOMAIN, TXT=texts)
    result = results(dns)[SPF]
    assert (result.verdict, result.reason, result.wanted) == expected


@pytest.mark.parametrize(("names", "reason"), [(9, CheckReason.GOOD), (10, CheckReason.SPF_TOO_MANY)])
def test_spf_counts_ten_lookups_with_included_ones(
    dns: Resolver, records: Records, names: int, reason: CheckReason
) -> None:
    hosts = " ".join(f"a:h{number}.example" for number in range(names))
    records.set("_spf.alder.example", TXT=[f"v=spf1 ip4:192.0.2.1 {hosts} -all"])
    records.set(DOMAIN, TXT=["v=spf1 include:_spf.alder.example -all"])
    assert results(dns)[SPF].reason == reason


def test_spf_that_includes_itself_ends(dns: Resolver, records: Records) -> None:
    records.set(DOMAIN, TXT=[f"v=spf1 include:{DOMAIN} -all"])
    assert verdict_of(dns, SPF) == (Verdict.BROKEN, CheckReason.SPF_TOO_MANY)


def test_spf_must_name_a_known_provider(dns: Resolver, records: Records) -> None:
    result = results(dns, mail_server="smtp.gmail.com")[SPF]
    assert (result.verdict, result.reason) == (Verdict.WARN, CheckReason.SPF_OTHER_PROVIDER)
    assert result.wanted == f"v=spf1 a:{SMTP} include:_spf.google.com -all"
    records.set("_spf.google.com", TXT=["v=spf1 ip4:192.0.2.0/24 ~all"])
    records.set(DOMAIN, TXT=[result.wanted])
    assert verdict_of(dns, SPF, mail_server="smtp.gmail.com") == (Verdict.OK, CheckReason.GOOD)


@pytest.mark.parametrize(
    ("texts", "verdict", "reason"),
    [
        ([f"p={KEY}"], Verdict.OK, CheckReason.GOOD),
        ([f"v=DKIM1; t=y; p={KEY}"], Verdict.WARN, CheckReason.DKIM_TESTING),
        ([f"v=DKIM1; p={dkim_key(1024)}"], Verdict.WARN, CheckReason.DKIM_WEAK_KEY),
        (["v=DKIM1; p="], Verdict.BROKEN, CheckReason.DKIM_REVOKED),
        (["v=DKIM1; p=MIIB"], Verdict.BROKEN, CheckReason.DKIM_MALFORMED),
        (["v=DKIM1; p=not base64!"], Verdict.BROKEN, CheckReason.DKIM_MALFORMED),
        ([f"v=DKIM1; k=ed25519; p={KEY}"], Verdict.BROKEN, CheckReason.DKIM_MALFORMED),
        ([f"p={KEY}", "p="], Verdict.BROKEN, CheckReason.SEVERAL_DKIM),
        (["v=spf1 -all"], Verdict.BROKEN, CheckReason.NO_DKIM),
    ],
)
def test_dkim(dns: Resolver, records: Records, texts: list[str], verdict: Verdict, reason: CheckReason) -> None:
    records.set(SELECTOR, TXT=texts)
    assert verdict_of(dns, DKIM) == (verdict, reason)


def test_dkim_reads_ed25519_and_follows_an_alias(dns: Resolver, records: Records) -> None:
    raw = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    records.set(SELECTOR, TXT=[], CNAME=["s1.provider.example."])
    records.set("s1.provider.example", TXT=[f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"])
    assert verdict_of(dns, DKIM) == (Verdict.OK, CheckReason.GOOD)


def test_a_key_seen_in_a_test_email_counts_if_the_dns_has_it(dns: Resolver, records: Records) -> None:
    def dkim(*seen: str) -> CheckResult:
        found = checking.check_domain(DOMAIN, dns, return_domain=DOMAIN, selectors=(), seen_keys=seen, mail_server=SMTP)
        return next(each for each in found if each.name == DKIM)

    assert dkim(f"forged._domainkey.{DOMAIN}").reason == CheckReason.NO_SELECTOR
    assert (dkim(f"forged._domainkey.{DOMAIN}", SELECTOR).host, dkim(SELECTOR).verdict) == (SELECTOR, Verdict.OK)
    records.set(SELECTOR, TXT=["v=DKIM1; p="])
    assert dkim(SELECTOR).reason == CheckReason.DKIM_REVOKED


def test_one_good_selector_is_enough(dns: Resolver) -> None:
    assert results(dns, selectors=("old", "s1"))[DKIM].verdict == Verdict.OK
    assert results(dns, selectors=())[DKIM].reason == CheckReason.NO_SELECTOR


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["v=DMARC1; p=reject"], (Verdict.OK, CheckReason.GOOD, "")),
        (
            ["v=DMARC1; p=none; rua=mailto:a@b.example"],
            (Verdict.WARN, CheckReason.DMARC_MONITORS, "v=DMARC1; p=quarantine; rua=mailto:a@b.example"),
        ),
        (["v=DMARC1; p=maybe"], (Verdict.BROKEN, CheckReason.DMARC_MALFORMED, "v=DMARC1; p=none")),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], (Verdict.BROKEN, CheckReason.SEVERAL_DMARC, "")),
        (["p=none; v=DMARC1"], (Verdict.WARN, CheckReason.NO_DMARC, "v=DMARC1; p=none")),
    ],
)
def test_dmarc(dns: Resolver, records: Records, texts: list[str], expected: tuple[Verdict, CheckReason, str]) -> None:
    records.set(f"_dmarc.{DOMAIN}", TXT=texts)
    result = results(dns)[DMARC]
    assert (result.verdict, result.reason, result.wanted) == expected


def test_dmarc_of_the_domain_above_applies(dns: Resolver, records: Records) -> None:
    below = f"mail2.{DOMAIN}"
    records.set(f"_dmarc.{DOMAIN}", TXT=["v=DMARC1; p=none; sp=reject"])
    records.set(below, TXT=["v=spf1 -all"])
    result = results(dns, domain=below)[DMARC]
    assert (result.host, result.verdict) == (f"_dmarc.{DOMAIN}", Verdict.OK)


def test_a_policy_that_our_mail_cannot_meet_is_broken(dns: Resolver, records: Records) -> None:
    records.set(DOMAIN, TXT=[])
    assert verdict_of(dns, DMARC) == (Verdict.OK, CheckReason.GOOD)
    records.set(SELECTOR, TXT=[])
    assert verdict_of(dns, DMARC) == (Verdict.BROKEN, CheckReason.DMARC_NOT_MET)


@pytest.mark.parametrize(
    ("policy", "return_domain", "verdict"),
    [
        ("p=reject", f"bounces.{DOMAIN}", Verdict.OK),
        ("p=reject; aspf=s", f"bounces.{DOMAIN}", Verdict.BROKEN),
        ("p=reject", "bounces.provider.example", Verdict.BROKEN),
        ("p=none", "bounces.provider.example", Verdict.WARN),
    ],
)
def test_spf_counts_for_dmarc_if_it_is_aligned(
    dns: Resolver, records: Records, policy: str, return_domain: str, verdict: Verdict
) -> None:
    records.set(SELECTOR, TXT=[])
    records.set(f"_dmarc.{DOMAIN}", TXT=[f"v=DMARC1; {policy}"])
    records.set(return_domain, TXT=["v=spf1 ip4:192.0.2.1 -all"], MX=["10 gone.example."])
    found = results(dns, return_domain=return_domain)
    assert (found[SPF].host, found[SPF].verdict) == (return_domain, Verdict.OK)
    assert found[DMARC].verdict == verdict
    assert (found[MX].host, found[MX].reason) == (return_domain, CheckReason.MX_WITHOUT_ADDRESS)


@pytest.mark.parametrize("texts", [[], ["v=spf1 ip4:192.0.2.1 -all"]])
def test_behind_a_providers_api_only_dkim_counts(dns: Resolver, records: Records, texts: list[str]) -> None:
    records.set(DOMAIN, TXT=texts)
    found = results(dns, mail_server="")
    assert (found[SPF].verdict, found[DMARC].verdict) == (Verdict.OK, Verdict.OK)
    assert found[SPF].reason == (CheckReason.GOOD if texts else CheckReason.SPF_NOT_NEEDED)
    records.set(SELECTOR, TXT=[])
    assert verdict_of(dns, DMARC, mail_server="") == (Verdict.BROKEN, CheckReason.DMARC_NEEDS_DKIM)


@pytest.mark.parametrize(
    ("exchangers", "verdict", "reason"),
    [
        (["10 gone.example.", f"20 {SMTP}."], Verdict.OK, CheckReason.GOOD),
        (["10 gone.example."], Verdict.BROKEN, CheckReason.MX_WITHOUT_ADDRESS),
        (["0 ."], Verdict.BROKEN, CheckReason.MX_REFUSES),
        ([], Verdict.BROKEN, CheckReason.NO_MX),
    ],
)
def test_mx(dns: Resolver, records: Records, exchangers: list[str], verdict: Verdict, reason: CheckReason) -> None:
    records.set(DOMAIN, MX=exchangers)
    assert verdict_of(dns, MX) == (verdict, reason)


def test_a_domain_with_an_address_alone_gets_mail(dns: Resolver, records: Records) -> None:
    records.set(DOMAIN, MX=[], AAAA=["2001:db8::1"])
    assert verdict_of(dns, MX) == (Verdict.WARN, CheckReason.MX_BY_ADDRESS)


def test_a_server_that_fails_is_unknown_never_broken(dns: Resolver, records: Records) -> None:
    records.failing.update({DOMAIN, SELECTOR, f"_dmarc.{DOMAIN}"})
    assert {each.verdict for each in results(dns).values()} == {Verdict.UNKNOWN}


@pytest.mark.real_time
def test_a_silent_server_is_no_answer_after_two_seconds(dns: Resolver, records: Records) -> None:
    records.silent.add(DOMAIN)
    started_at = time.monotonic()
    with pytest.raises(NotAnswered):
        dns.texts(DOMAIN)
    assert 1.9 < time.monotonic() - started_at < 10


def test_an_included_domain_without_an_answer_is_unknown(dns: Resolver, records: Records) -> None:
    records.set(DOMAIN, TXT=["v=spf1 include:slow.example -all"])
    records.failing.add("slow.example")
    assert verdict_of(dns, SPF) == (Verdict.UNKNOWN, CheckReason.NOT_ANSWERED)


def test_names_that_cannot_exist_have_no_record(dns: Resolver, records: Records) -> None:
    for name in ("a..example", f"{'a' * 64}.example", ".".join(["a" * 60] * 5)):
        assert dns.texts(name) == []
    assert records.questions == []


@pytest.mark.django_db
def test_unknown_keeps_the_last_verdict_with_its_date(dns: Resolver, records: Records, settings: Settings) -> None:
    configure(settings, dns)
    first = clock.now()
    assert checking.check_sender() == 4
    records.failing.update({DOMAIN, SELECTOR, f"_dmarc.{DOMAIN}"})
    later = first + timedelta(days=1)
    with time_machine.travel(later, tick=False):
        checking.check_sender()
    spf = SenderCheck.objects.get(name=SPF)
    assert (spf.verdict, spf.found, spf.is_current) == (Verdict.OK, f"v=spf1 a:{SMTP} -all", False)
    assert (spf.known_at, spf.ok_at, spf.checked_at) == (first, first, later)
    settings.EMAIL_FROM = "portal@other.example"
    checking.check_sender()
    assert set(SenderCheck.objects.values_list("domain", flat=True)) == {"other.example"}


@pytest.mark.django_db
def test_the_command_prints_and_fails_if_something_is_broken(
    dns: Resolver, records: Records, settings: Settings
) -> None:
    configure(settings, dns)
    out = StringIO()
    call_command("check_sender", stdout=out)
    assert out.getvalue().count(": OK") == 4
    records.set(DOMAIN, TXT=[])
    with pytest.raises(SystemExit):
        call_command("check_sender", stdout=out)
    assert f"Add to {DOMAIN}: v=spf1 a:{SMTP} ~all" in out.getvalue()


@pytest.mark.django_db
def test_the_command_checks_and_prints_what_a_test_email_showed(dns: Resolver, settings: Settings) -> None:
    configure(settings, dns)
    settings.DKIM_SELECTORS = ()
    SenderCheck.objects.create(
        domain=DOMAIN,
        name=CheckName.TEST_EMAIL,
        verdict=Verdict.WARN,
        reason=CheckReason.TEST_NOT_SIGNED,
        host="mx.elm.example",
        found="dkim=none",
        dkim_keys=SELECTOR,
        checked_at=clock.now(),
    )
    out = StringIO()
    call_command("check_sender", stdout=out)
    assert "DKIM: OK" in out.getvalue()
    assert "Test email: could be better\n  Sent: " in out.getvalue()
    assert "Stated by mx.elm.example: dkim=none" in out.getvalue()


def configure(settings: Settings, dns: Resolver) -> None:
    settings.EMAIL_FROM = settings.EMAIL_RETURN_PATH = f"portal@{DOMAIN}"
    settings.EMAIL_URL = f"smtp://{SMTP}"
    settings.DNS_SERVER, settings.DKIM_SELECTORS = dns.server, ("s1",)
