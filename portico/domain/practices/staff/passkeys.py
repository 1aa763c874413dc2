"""Passkeys: a device or a password manager proves itself by a signature, bound to our own address."""

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
from portico.domain.practices.staff.second_factor import AlreadySetUp
from portico.plumbing import tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log

# fido2 is loaded with the first passkey.
if TYPE_CHECKING:
    from fido2.server import Fido2Server
    from fido2.webauthn import AttestedCredentialData

KIND = Authenticator.Type.WEBAUTHN
# What a browser answers has a few kilobytes at most.
ANSWER_LENGTH = 16 * 1024
# What reading an answer that no browser made may end in, deep inside the library.
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

type Answer = dict[str, Any]  # Any: JSON as browsers send it.
type State = dict[str, Any]  # Any: as the library keeps it between question and answer.


class PasskeyRejected(Exception):
    """The browser's answer cannot be read, or belongs to another question, address or device."""


@dataclass(frozen=True)
class PasskeyChallenge:
    """What the browser is asked, and what must be remembered until it answers."""

    options: dict[str, Any]  # Any: JSON for navigator.credentials.
    state: State


def registration_challenge(staff: StaffMember) -> PasskeyChallenge:
    """Asks a browser to make a passkey for this person."""
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


def add(staff: StaffMember, state: State, answer: str, *, name: str, first: bool, by: Actor) -> bool:
    """Keeps the passkey that the browser made. With `first` it must be the person's first factor.

    True when recovery codes were made too. Raises WrongAnswer, AlreadySetUp.
    """
    from allauth.mfa.webauthn.internal.auth import WebAuthn  # noqa: PLC0415 - it imports fido2

    credential = _parse_answer(answer, "clientDataJSON", "attestationObject")
    try:
        made = _server(staff).register_complete(state, credential).credential_data
    except _PARSE_ERRORS as wrong:
        raise PasskeyRejected from wrong
    with transaction.atomic():
        locked = second_factor.lock(staff)
        if first and second_factor.is_set_up(locked):
            raise AlreadySetUp
        if made is None or made.credential_id in {known.credential_id for known in _credentials(locked).values()}:
            raise PasskeyRejected
        row = WebAuthn.add(locked, name, credential).instance
        # In addresses a ref, never the number of a row.
        row.data["ref"] = tokens.new_ref()
        row.save(update_fields=["data"])
        entry = audit_log.record(
            AuditAction.PASSKEY_ADDED, practice=locked.practice, by=by, about=locked.ref, name=name
        )
        security_notice_mail.notify(locked, entry, by=by)
        return recovery_codes.create_first(locked, by=by)


def authentication_challenge(staff: StaffMember) -> PasskeyChallenge:
    """Asks a browser for a signature by one of the person's passkeys."""
    from fido2.webauthn import UserVerificationRequirement  # noqa: PLC0415 - see above

    options, state = _server(staff).authenticate_begin(
        credentials=list(_credentials(staff).values()), user_verification=UserVerificationRequirement.PREFERRED
    )
    return PasskeyChallenge(dict(options), state)


def use(staff: StaffMember, state: State | None, answer: str) -> bool:
    """Whether one of the person's passkeys signed this very question, at our own address."""
    if not state:
        return False
    known = _credentials(staff)
    try:
        credential_json = _parse_answer(answer, "clientDataJSON", "authenticatorData", "signature")
        used = _server(staff).authenticate_complete(state, list(known.values()), credential_json)
    except (PasskeyRejected, *_PARSE_ERRORS):
        return False
    for row, credential in known.items():
        if credential.credential_id == used.credential_id:
            row.record_usage()
    return True


def passkeys_of(staff: StaffMember) -> list[Authenticator]:
    return list(second_factor.rows(staff).filter(type=KIND).order_by("id"))


def find(staff: StaffMember, ref: str) -> Authenticator | None:
    """The person's own passkey of that ref."""
    return next((row for row in passkeys_of(staff) if row.data.get("ref") == ref), None)


def names_by_ref(refs: Sequence[str]) -> QuerySet[Authenticator]:
    """Anybody's passkeys of those refs."""
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(type=KIND, data__ref__in=refs)
    return rows


def remove(staff: StaffMember, row: Authenticator, *, by: Actor) -> None:
    """Raises LastFactor."""
    second_factor.remove(staff, row, AuditAction.PASSKEY_REMOVED, by=by, name=row.data["name"])


def _server(staff: StaffMember) -> "Fido2Server":
    from fido2.server import Fido2Server  # noqa: PLC0415 - see above
    from fido2.webauthn import PublicKeyCredentialRpEntity  # noqa: PLC0415 - see above

    # As browsers write it (hosts.py). Whatever Host the request named, only our own address counts.
    origin = settings.PUBLIC_BASE_URL
    relying_party = PublicKeyCredentialRpEntity(id=urlsplit(origin).hostname or "", name=staff.practice.name)
    return Fido2Server(relying_party, verify_origin=lambda said: said == origin)


def _credentials(staff: StaffMember) -> "dict[Authenticator, AttestedCredentialData]":
    known = {row: row.wrap().authenticator_data.credential_data for row in passkeys_of(staff)}
    return {row: credential for row, credential in known.items() if credential is not None}


def _parse_answer(answer: str, *parts: str) -> Answer:
    """The parts of the browser's answer that are needed, and nothing else that was posted. Raises WrongAnswer."""
    if len(answer) > ANSWER_LENGTH:
        raise PasskeyRejected
    try:
        parsed = json.loads(answer)
        response = {part: parsed["response"][part] for part in parts}
        credential_json = {"id": parsed["id"], "rawId": parsed["rawId"], "type": "public-key", "response": response}
    except _PARSE_ERRORS as wrong:
        raise PasskeyRejected from wrong
    if not all(
        isinstance(value, str) for value in (credential_json["id"], credential_json["rawId"], *response.values())
    ):
        raise PasskeyRejected
    return credential_json | {"clientExtensionResults": {}}
