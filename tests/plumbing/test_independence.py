"""Plumbing knows of the domain two models, by name, and none of its words."""

import re
from pathlib import Path

from django.apps import apps

import portico.plumbing

SOURCE = Path(portico.plumbing.__file__).parent
TRADE = re.compile(r"(?i)\b(portal|guardian|intake|clinician|questionnaire|packet|consent|pay_now|invitation_run)\b")


def test_rows_point_to_practices_and_clients_only() -> None:
    models = apps.get_app_config("plumbing").get_models()
    keys = [field for model in models for field in model._meta.get_fields() if field.many_to_one or field.one_to_one]
    pointed = {str(field.related_model._meta.label) for field in keys if field.concrete and field.related_model}
    assert {label for label in pointed if not label.startswith("plumbing.")} == {"practices.Practice", "clients.Client"}


def test_no_module_speaks_of_the_trade() -> None:
    modules = [module for module in SOURCE.rglob("*.py") if "migrations" not in module.parts]
    assert len(modules) > 50
    found = [
        f"{module.relative_to(SOURCE)}:{number}: {line.strip()}"
        for module in modules
        for number, line in enumerate(module.read_text().splitlines(), 1)
        if TRADE.search(line)
    ]
    assert found == []
