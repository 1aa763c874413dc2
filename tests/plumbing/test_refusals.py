"""A refusal is a sentence for people, and may belong to a field."""

from portico.plumbing.refusals import Refused


class InvitationNeedsConsent(Refused):
    message = "This address has no Email ok."


def test_a_refusal_says_its_sentence() -> None:
    refusal = InvitationNeedsConsent(field="email")

    assert (str(refusal), refusal.field, refusal.status) == ("This address has no Email ok.", "email", 409)


def test_a_refusal_may_be_told_in_other_words() -> None:
    assert str(InvitationNeedsConsent("Ask Ana first.")) == "Ask Ana first."
