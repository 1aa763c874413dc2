"""Base classes of models: rows are made as Django makes them."""

from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model
from django.db.models.fetch_modes import FETCH_PEERS

from portico.plumbing.database.base_models import Row


def content_of(instance: Model) -> dict[str, Any]:  # Any: columns of any type.
    cache = instance._state.fields_cache  # Django makes it when it is first read.
    return vars(instance) | {"_state": vars(instance._state), "cache": cache}


@pytest.mark.parametrize("columns", [slice(None), slice(3)], ids=["all columns", "some columns"])
def test_rows_are_made_as_django_makes_them(columns: slice) -> None:
    for model in (each for each in apps.get_models() if issubclass(each, Row)):
        names = [field.attname for field in model._meta.concrete_fields][columns]
        values = [object() for _name in names]
        made = model.from_db("default", names, values, fetch_mode=FETCH_PEERS)
        expected = Model.from_db.__func__(model, "default", names, values, fetch_mode=FETCH_PEERS)  # type: ignore[attr-defined]  # A bound method.
        assert content_of(made) == content_of(expected)
