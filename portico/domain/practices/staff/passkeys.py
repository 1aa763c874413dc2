"""Passkeys as a second factor (WebAuthn): registration, verification and removal."""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import StaffMember
from portico.domain.practices.staff import recovery_codes, second_factor, security_notice_mail
from portico.domain.practices.staff.second_factor import SecondFactorAlreadySetUp
from portico.plumbing import tokens
from portico.plumbing.actors import Actor

# fido2 is loaded with the first passkey.
if TYPE_CHECKING:
    from fido2.server import Fido2Server
    from fido2.webauthn import AttestedCredentialData

KIND = Authenticator.Type.WEBAUTHN
# A browser's response has a few kilobytes at most.
MAX_RESPONSE_LENGTH = 16 * 1024
# Errors that the library raises while it parses a malformed response.
_PARSE_ERRORS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    RecursionError,
    struct.error,
)

type BrowserResponse = dict[str, Any]  # Any: JSON as browsers send it.
type State = dict[str, Any]  # Any: the library's state between challenge and response.


class PasskeyRejected(Exception):
    """The browser's response cannot be parsed, or belongs to another challenge, address or device."""


@dataclass(frozen=True)
class PasskeyChallenge:
    """The options for the browser, and the state to keep until its response."""

    options: dict[str, Any]  # Any: JSON for navigator.credentials.
    state: State


def registration_challenge(staff: StaffMember) -> PasskeyChallenge:
    """Returns the challenge with which a browser creates a passkey for this person."""
    from fido2.webauthn import (  # noqa: PLC0415 - see above
        PublicKeyCredentialUserEntity,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    person = PublicKeyCredentialUserEntity(id=staff.ref.encode(), name=staff.email, display_name=staff.name)
    options, state = _server(staff).register_begin(
        user=person,
        credentials=list(_credentials(staff).values()),
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return PasskeyChallenge(dict(options), state)


def add(staff: StaffMember, state: State, response: str, *, name: str, first: bool, by: Actor) -> bool:
    """Saves the passkey that the browser created. With `first` it must be the person's first factor.

    Returns True if recovery codes were created too. Raises PasskeyRejected, SecondFactorAlreadySetUp.
    """
    from allauth.mfa.webauthn.internal.auth import WebAuthn  # noqa: PLC0415 - it imports fido2

    credential = _parse_response(response, "clientDataJSON", "attestationObject")
    try:
        made = _server(staff).register_complete(state, credential).credential_data
    except _PARSE_ERRORS as wrong:
        raise PasskeyRejected from wrong
    with transaction.atomic():
        locked = second_factor.lock(staff)
        if first and second_factor.is_set_up(locked):
            raise SecondFactorAlreadySetUp
        if made is None or made.credential_id in {known.credential_id for known in _credentials(locked).values()}:
            raise PasskeyRejected
        row = WebAuthn.add(locked, name, credential).instance
        # Addresses contain a ref, never the number of a row.
        row.data["ref"] = tokens.new_ref()
        row.save(update_fields=["data"])
        security_notice_mail.record_and_notify(locked, AuditAction.PASSKEY_ADDED, by=by, name=name)
        return recovery_codes.create_first(locked, by=by)


def authentication_challenge(staff: StaffMember) -> PasskeyChallenge:
    """Returns the challenge that a browser signs with one of the person's passkeys."""
    from fido2.webauthn import UserVerificationRequirement  # noqa: PLC0415 - see above

    options, state = _server(staff).authenticate_begin(
        credentials=list(_credentials(staff).values()), user_verification=UserVerificationRequirement.PREFERRED
    )
    return PasskeyChallenge(dict(options), state)


def use(staff: StaffMember, state: State | None, response: str) -> bool:
    """Returns True if one of the person's passkeys signed this challenge for our own address."""
    if not state:
        return False
    known = _credentials(staff)
    try:
        credential_json = _parse_response(response, "clientDataJSON", "authenticatorData", "signature")
        used = _server(staff).authenticate_complete(state, list(known.values()), credential_json)
    except (PasskeyRejected, *_PARSE_ERRORS):
        return False
    for row, credential in known.items():
        if credential.credential_id == used.credential_id:
            row.record_usage()
    return True


def passkeys_of(staff: StaffMember) -> list[Authenticator]:
    return list(second_factor.authenticators_of(staff).filter(type=KIND).order_by("id"))


def find(staff: StaffMember, ref: str) -> Authenticator | None:
    """Returns the person's own passkey with that ref, or None."""
    return next((row for row in passkeys_of(staff) if row.data.get("ref") == ref), None)


def find_by_refs(refs: Sequence[str]) -> QuerySet[Authenticator]:
    """Returns the passkeys with those refs, of any person."""
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(type=KIND, data__ref__in=refs)
    return rows


def remove(staff: StaffMember, row: Authenticator, *, by: Actor) -> None:
    """Removes a passkey. Raises LastFactor."""
    second_factor.remove(staff, row, AuditAction.PASSKEY_REMOVED, by=by, name=row.data["name"])


def _server(staff: StaffMember) -> "Fido2Server":
    from fido2.server import Fido2Server  # noqa: PLC0415 - see above
    from fido2.webauthn import PublicKeyCredentialRpEntity  # noqa: PLC0415 - see above

    # PUBLIC_BASE_URL is written as browsers write an origin (hosts.py). The Host header of the request is ignored.
    origin = settings.PUBLIC_BASE_URL
    relying_party = PublicKeyCredentialRpEntity(id=urlsplit(origin).hostname or "", name=staff.practice.name)
    return Fido2Server(relying_party, verify_origin=lambda claimed: claimed == origin)


def _credentials(staff: StaffMember) -> "dict[Authenticator, AttestedCredentialData]":
    known = {row: row.wrap().authenticator_data.credential_data for row in passkeys_of(staff)}
    return {row: credential for row, credential in known.items() if credential is not None}


def _parse_response(text: str, *parts: str) -> BrowserResponse:
    """Returns only the required parts of the browser's response. Raises PasskeyRejected."""
    if len(text) > MAX_RESPONSE_LENGTH:
        raise PasskeyRejected
    try:
        parsed = json.loads(text)
        response = {part: parsed["response"][part] for part in parts}
        credential_json = {"id": parsed["id"], "rawId": parsed["rawId"], "type": "public-key", "response": response}
    except _PARSE_ERRORS as wrong:
        raise PasskeyRejected from wrong
    if not all(
        isinstance(value, str) for value in (credential_json["id"], credential_json["rawId"], *response.values())
    ):
        raise PasskeyRejected
    return credential_json | {"clientExtensionResults": {}}
