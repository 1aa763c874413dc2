"""Finds the FIELD_KEYS in use by scanning all columns for encrypted values, without a list of columns."""

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
# Enough for the header with the longest key id (configuration.py) and the shortest encrypted value.
PREFIX_LENGTH = 64


def missing_keys() -> dict[str, list[str]]:
    """Returns the ids of keys missing from FIELD_KEYS, each with the verbose names of the models that need it."""
    missing: dict[str, set[str]] = {}
    for key_id, kind in _in_use():
        if key_id not in settings.FIELD_KEYS:
            missing.setdefault(key_id, set()).add(kind)
    return {key_id: sorted(kinds) for key_id, kinds in sorted(missing.items())}


def _in_use() -> Iterator[tuple[str, str]]:
    for key_id in AuditSeal.objects.order_by().values_list("key_id", flat=True).distinct():
        yield key_id, _kind(AuditSeal)
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            for candidate in _candidates(model, field):
                found = encryption.key_id_of(candidate)
                if found is not None:
                    yield found, _kind(model)


def _candidates(model: type[models.Model], field: "models.Field[Any, Any]") -> Iterator[bytes]:  # Any: any type.
    """Yields the values of the column that may be encrypted. Columns with a maximum length hold digests."""
    rows = model._base_manager.order_by()
    if isinstance(field, models.BinaryField) and field.max_length is None:
        prefix = Substr(field.name, 1, PREFIX_LENGTH, output_field=models.BinaryField())
        found = rows.filter(**{f"{field.name}__isnull": False}).values_list(prefix, flat=True)
        yield from (bytes(each) for each in found.iterator())
    elif isinstance(field, models.JSONField) and not model.__module__.startswith(OWN_PACKAGE):
        # Values that we encrypt for a library are in its JSON columns; our own JSON holds no secret.
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
