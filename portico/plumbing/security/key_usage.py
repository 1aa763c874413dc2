"""Which of FIELD_KEYS the data were made with, wherever they stand: found by their form, not by a list of columns."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models.functions import Substr

from portico.plumbing.models.audit import AuditSeal
from portico.plumbing.security import encryption

OWN_PACKAGE = "portico."
# Form, length and the longest id (configuration.py), and what makes a box of the shortest.
BEGINNING = 64


def missing_keys() -> dict[str, list[str]]:
    """Ids of keys that FIELD_KEYS lacks, each with the kinds of rows that need it, in the words of the models."""
    lost: dict[str, set[str]] = {}
    for key_id, kind in _in_use():
        if key_id not in settings.FIELD_KEYS:
            lost.setdefault(key_id, set()).add(kind)
    return {key_id: sorted(kinds) for key_id, kinds in sorted(lost.items())}


def _in_use() -> Iterator[tuple[str, str]]:
    for key_id in AuditSeal.objects.order_by().values_list("key_id", flat=True).distinct():
        yield key_id, _kind(AuditSeal)
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            for box in _boxes(model, field):
                found = encryption.key_id_of(box)
                if found is not None:
                    yield found, _kind(model)


def _boxes(model: type[models.Model], field: "models.Field[Any, Any]") -> Iterator[bytes]:  # Any: of whatever type.
    """What may be a box in this column. Columns of a fixed length hold digests."""
    rows = model._base_manager.order_by()
    if isinstance(field, models.BinaryField) and field.max_length is None:
        beginning = Substr(field.name, 1, BEGINNING, output_field=models.BinaryField())
        found = rows.filter(**{f"{field.name}__isnull": False}).values_list(beginning, flat=True)
        yield from (bytes(each) for each in found.iterator())
    elif isinstance(field, models.JSONField) and not model.__module__.startswith(OWN_PACKAGE):
        # A library has no binary column for what we encrypt for it; our own JSON holds no secret.
        for contents in rows.values_list(field.name, flat=True).iterator():
            yield from _decoded(contents)


def _decoded(contents: object) -> Iterator[bytes]:
    if isinstance(contents, dict):
        contents = list(contents.values())
    if isinstance(contents, list):
        for part in contents:
            yield from _decoded(part)
    if isinstance(contents, str):
        try:
            yield base64.b64decode(contents, validate=True)
        except (binascii.Error, ValueError):
            return


def _kind(model: type[models.Model]) -> str:
    return str(model._meta.verbose_name_plural)
