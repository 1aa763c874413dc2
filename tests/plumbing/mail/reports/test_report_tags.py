"""Tags of mails in delivery reports."""

from pytest_django import Settings

from portico.plumbing import tokens
from portico.plumbing.mail.reports import report_tags

BASE = "bounces@practice.example"


def test_a_tag_names_its_mail_in_any_case() -> None:
    ref = tokens.new_ref()
    sender = report_tags.envelope_sender(ref, base=BASE)
    assert sender.startswith("bounces+")
    assert report_tags.refs_in([f"To: <{sender.upper()}>", sender]) == (ref,)


def test_a_forged_tag_names_no_mail() -> None:
    ref, other = tokens.new_ref(), tokens.new_ref()
    signature = report_tags.tag_of(other).partition("-")[2]
    assert report_tags.refs_in([f"bounces+{ref}-{signature}@practice.example"]) == ()


def test_a_tag_stays_valid_after_a_new_secret_key(settings: Settings) -> None:
    ref = tokens.new_ref()
    tag = report_tags.tag_of(ref)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "n" * 60
    assert report_tags.tag_of(ref) != tag
    assert report_tags.refs_in([tag]) == (ref,)
    settings.SECRET_KEY_FALLBACKS = []
    assert report_tags.refs_in([tag]) == ()


def test_a_long_sender_is_left_as_it_is() -> None:
    base = f"{'b' * 40}@practice.example"
    assert report_tags.envelope_sender(tokens.new_ref(), base=base) == base
