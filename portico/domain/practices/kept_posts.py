"""What was typed into a form whose session had ended: kept for an hour, for the same person alone."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import unquote_plus

from django.db import transaction

from portico.domain.practices.models import KeptPost, StaffMember
from portico.plumbing import clock, encryption
from portico.plumbing.cleaning import MOST_LOOKED_THROUGH, holds_card_number
from portico.plumbing.rows import RowQuerySet

KEPT_FOR = timedelta(hours=1)
MOST_PER_PERSON = 5
# Never kept, whatever form asks for it. The last is no secret but good for one page only.
_SECRET = re.compile(
    r"(?:^|[-_])(?:password|passphrase|secret|pin|key|token)[0-9]*(?:[-_]|$)|csrfmiddlewaretoken", re.IGNORECASE
)


@dataclass(frozen=True)
class Field:
    """One field as it was posted; the same name may stand there several times."""

    name: str
    value: str


def keep(staff: StaffMember, *, path: str, fields: Iterable[Field]) -> KeptPost | None:
    """Keeps the fields, without secrets and card numbers; None when nothing is left. A sixth form pushes out the
    oldest.
    """
    pairs = [(field.name, field.value) for field in fields if _may_be_kept(field)]
    if not any(value.strip() for _, value in pairs):
        return None
    if holds_card_number(unquote_plus(path)):
        path = path.partition("?")[0]
    kept = KeptPost(practice_id=staff.practice_id, staff=staff, path=path)
    kept.contents = encryption.encrypt(json.dumps(pairs).encode(), bound_to=_binding(kept))
    with transaction.atomic():
        kept.save(force_insert=True)
        newest = staff.kept_posts.order_by("-id").values_list("pk", flat=True)[:MOST_PER_PERSON]
        staff.kept_posts.exclude(pk__in=list(newest)).delete()
    return kept


def find(staff: StaffMember, ref: str) -> KeptPost | None:
    """A form that this person posted within the last hour."""
    return _within_the_hour().filter(practice_id=staff.practice_id, staff=staff, ref=ref).first()


def fields_of(kept: KeptPost) -> list[Field]:
    """What was typed. Raises encryption.Undecipherable."""
    plain = encryption.decrypt(bytes(kept.contents), bound_to=_binding(kept))
    return [Field(name, value) for name, value in json.loads(plain)]


def forget_old() -> int:
    """Deletes what nobody came back for; upkeep calls it. Returns how many."""
    return KeptPost.objects.exclude(pk__in=_within_the_hour().values("pk")).delete()[0]


def _may_be_kept(field: Field) -> bool:
    """What is too long to be looked through is too long for any field of ours."""
    is_long = max(len(field.name), len(field.value)) > MOST_LOOKED_THROUGH
    return not (
        _SECRET.search(field.name) or is_long or holds_card_number(field.name) or holds_card_number(field.value)
    )


def _within_the_hour() -> RowQuerySet[KeptPost]:
    return KeptPost.objects.filter(created_at__gt=clock.now() - KEPT_FOR)


def _binding(kept: KeptPost) -> str:
    return f"kept-post:{kept.ref}"
