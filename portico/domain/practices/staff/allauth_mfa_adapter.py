"""Encryption of the authenticator secrets that django-allauth stores."""

import base64

from allauth.mfa.adapter import DefaultMFAAdapter

from portico.plumbing.security import encryption

# The library's hook does not pass a row, so a secret is bound to its purpose, not to its staff member.
SEED = "authenticator-seed"


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth comes without types.
    def encrypt(self, text: str) -> str:
        return base64.b64encode(encryption.encrypt(text.encode(), bound_to=SEED)).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        """Raises encryption.DecryptionFailed."""
        return encryption.decrypt(base64.b64decode(encrypted_text), bound_to=SEED).decode()
