"""Refusals: a sentence for people, with or without a form field."""

from portico.plumbing.refusals import Refused


class InvitationNeedsConsent(Refused):
    message = "This address has no Email ok."


def test_a_refusal_has_its_default_message() -> None:
    refusal = InvitationNeedsConsent(field="email")

    assert (str(refusal), refusal.field, refusal.status) == ("This address has no Email ok.", "email", 409)


def test_a_refusal_can_have_another_message() -> None:
    assert str(InvitationNeedsConsent("Ask Ana first.")) == "Ask Ana first."
