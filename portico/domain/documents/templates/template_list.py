"""The list of a practice's templates, in the order in which clients get them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, Case, Q, QuerySet, Value, When

from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.practices.models import Practice
from portico.plumbing.database.compiled import CompiledQuery, Parameter

MAX_ARCHIVED = 100


@dataclass(frozen=True)
class TemplateRow:
    """A template as the list shows it; without a version, `version` and `published_at` are None."""

    ref: str
    kind: TemplateKind
    title: str
    in_welcome_packet: bool
    version: int | None
    published_at: datetime | None
    has_draft: bool
    has_spanish: bool


def active(practice: Practice) -> list[TemplateRow]:
    """Returns the templates that are not archived, in their order."""
    return _rows(_active.rows(practice=practice.pk))


def archived(practice: Practice) -> list[TemplateRow]:
    """Returns the templates archived last, up to MAX_ARCHIVED."""
    return _rows(_archived.rows(practice=practice.pk))


type _Values = tuple[str, str, str, bool, int | None, datetime | None, bool, bool]


def _rows(values: Iterable[_Values]) -> list[TemplateRow]:
    return [TemplateRow(each[0], TemplateKind(each[1]), *each[2:6], bool(each[6]), bool(each[7])) for each in values]


@CompiledQuery
def _active(practice: Parameter) -> QuerySet[DocumentTemplate, _Values]:
    return _columns(DocumentTemplate.objects.active().filter(practice=practice)).order_by("position", "id")


@CompiledQuery
def _archived(practice: Parameter) -> QuerySet[DocumentTemplate, _Values]:
    rows = DocumentTemplate.objects.filter(practice=practice, archived_at__isnull=False)
    return _columns(rows).order_by("-archived_at", "-id")[:MAX_ARCHIVED]


def _columns(rows: QuerySet[DocumentTemplate]) -> QuerySet[DocumentTemplate, _Values]:
    """Selects what the list shows, without the content itself, which may be large."""
    return rows.annotate(
        has_draft=_flag(~Q(draft={})), has_spanish=_flag(Q(current_version__content__has_key="es"))
    ).values_list(
        "ref",
        "kind",
        "title",
        "in_welcome_packet",
        "current_version__number",
        "current_version__published_at",
        "has_draft",
        "has_spanish",
    )


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())  # noqa: FBT003 - SQL
