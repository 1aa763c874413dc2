"""Tokens: random, stored as hashes, and derivable from their row."""

import re

import pytest
from pytest_django import Settings

from portico.plumbing import tokens


def test_refs_are_short_and_unique() -> None:
    refs = {tokens.new_ref() for _ in range(200)}

    assert len(refs) == 200
    assert all(re.fullmatch("[a-z2-7]{16}", ref) for ref in refs)


def test_a_token_has_256_bits_safe_in_a_url() -> None:
    assert re.fullmatch(r"[\w-]{43}", tokens.new_token())
    assert tokens.new_token() != tokens.new_token()


def test_the_stored_digest_does_not_reveal_the_token() -> None:
    token = tokens.new_token()

    assert token not in tokens.digest(token)
    assert len(tokens.digest(token)) == 64


def test_malformed_input_has_a_digest() -> None:
    assert len(tokens.digest("\ud800\x00é")) == 64


def test_each_attempt_derives_the_same_token() -> None:
    nonce = tokens.new_nonce()

    assert tokens.derive(nonce, purpose="invitation") == tokens.derive(nonce, purpose="invitation")
    assert re.fullmatch(r"[\w-]{43}", tokens.derive(nonce, purpose="invitation"))


def test_tokens_depend_on_their_purpose() -> None:
    nonce = tokens.new_nonce()

    assert tokens.derive(nonce, purpose="invitation") != tokens.derive(nonce, purpose="set-up")
    assert tokens.derive(nonce, purpose="x") != tokens.derive(tokens.new_nonce(), purpose="x")


def test_key_rotation_keeps_the_token_of_a_waiting_mail(settings: Settings) -> None:
    nonce, old = tokens.new_nonce(), settings.SECRET_KEY
    token = tokens.derive(nonce, purpose="invitation")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", ["another", old]

    assert tokens.derive_matching(nonce, purpose="invitation", digest=tokens.digest(token)) == token


def test_a_missing_key_raises(settings: Settings) -> None:
    nonce = tokens.new_nonce()
    digest = tokens.digest(tokens.derive(nonce, purpose="invitation"))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", []

    with pytest.raises(tokens.KeyMissing):
        tokens.derive_matching(nonce, purpose="invitation", digest=digest)
