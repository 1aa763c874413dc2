"""The accounts of API keys. Any well-formed key opens an account of its own at its first use.

Words in a key's name make an account that is good for trying something: see WORDS.
"""

import hashlib
import re
from dataclasses import dataclass, replace

from sandbox.stripe.api_errors import ApiError

KEY = re.compile(r"(?P<kind>sk|rk)_(?P<mode>test|live)_(?P<name>[A-Za-z0-9_]{1,200})")
UNKNOWN = {"unknown", "wrong", "revoked"}
CURRENCIES = {
    "cad": "CA", "eur": "IE", "gbp": "GB", "isk": "IS", "jpy": "JP", "kwd": "KW", "mga": "MG", "ugx": "UG", "usd": "US",
}  # fmt: skip

WORDS = (
    ("sk_test_demo", "works, in US dollars; so does any other name"),
    ("sk_live_demo", "the same account in live mode (here no less a sandbox)"),
    ("sk_test_demo_eur", "an account in euros; also cad, gbp, isk, jpy, kwd, mga, ugx"),
    ("sk_test_demo_restricted", "an account that may not charge yet"),
    ("sk_test_unknown", "a key that Stripe does not know"),
    ("rk_test_demo", "a restricted key, which may not read the account"),
)


@dataclass(frozen=True)
class Account:
    id: str
    name: str
    livemode: bool
    country: str = "US"
    currency: str = "usd"
    charges_enabled: bool = True

    @property
    def scope(self) -> str:
        """Returns the key of the account's data: test and live mode share nothing."""
        return f"{self.id}/{'live' if self.livemode else 'test'}"


class Accounts:
    """The accounts by API key, and what a test has configured for some keys."""

    def __init__(self) -> None:
        self._named: dict[str, Account] = {}
        self._revoked: set[str] = set()

    def open(
        self, key: str, *, name: str = "", country: str = "US", currency: str = "usd", charges_enabled: bool = True
    ) -> Account:
        """Configures the account of a key; repeating it changes the same account."""
        account = self._usual(key)
        self._named[key] = replace(
            account,
            name=name or account.name,
            country=country,
            currency=currency,
            charges_enabled=charges_enabled,
        )
        return self._named[key]

    def alias(self, new_key: str, old_key: str) -> Account:
        """Makes a rolled key open the account of the old key."""
        self._named[new_key] = self.of(old_key)
        return self._named[new_key]

    def revoke(self, key: str) -> None:
        self._revoked.add(key)

    def of(self, key: str) -> Account:
        """Returns the account of a key. Raises ApiError (401 or 403)."""
        found = KEY.fullmatch(key)
        if found is None or key in self._revoked or (key not in self._named and UNKNOWN & _words(found["name"])):
            raise ApiError(401, f"Invalid API Key provided: {_masked(key)}")
        if found["kind"] == "rk" and key not in self._named:
            raise ApiError(
                403,
                f"The provided key '{_masked(key)}' does not have the required permissions for this endpoint.",
                code="more_permissions_required",
            )
        return self._named.get(key) or self._usual(key)

    def _usual(self, key: str) -> Account:
        found = KEY.fullmatch(key)
        if found is None:
            raise ValueError(f"{_masked(key)} is no key: sk_test_… or sk_live_…")
        words = _words(found["name"])
        currency = next((word for word in CURRENCIES if word in words), "usd")
        return Account(
            id="acct_" + hashlib.sha256(found["name"].encode()).hexdigest()[:16],
            name="Alder Street Wellness (sandbox)",
            livemode=found["mode"] == "live",
            country=CURRENCIES[currency],
            currency=currency,
            charges_enabled="restricted" not in words,
        )


def _words(name: str) -> set[str]:
    return set(name.lower().split("_"))


def _masked(key: str) -> str:
    return f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 12 else "*" * len(key)
