"""How django-allauth keeps second factors here: seeds encrypted, bound to what they are for."""

import base64

from allauth.mfa.adapter import DefaultMFAAdapter

from portico.plumbing.security import encryption

# The library's hook names no row, so that a seed is bound to its purpose, not to its person.
SEED = "authenticator-seed"


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth comes without types.
    def encrypt(self, text: str) -> str:
        return base64.b64encode(encryption.encrypt(text.encode(), bound_to=SEED)).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        """Raises encryption.Undecipherable."""
        return encryption.decrypt(base64.b64decode(encrypted_text), bound_to=SEED).decode()
