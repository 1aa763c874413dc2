"""System checks that every foreign key between two rows of a practice has a SamePractice constraint."""

from collections.abc import Iterable, Sequence

from django.apps import AppConfig, apps
from django.core import checks
from django.db import models

from portico.plumbing.database.constraints import SamePractice

OWN_PACKAGE = "portico."


def register() -> None:
    checks.register(check_practice_keys, checks.Tags.models)


def check_practice_keys(app_configs: Sequence[AppConfig] | None = None, **_: object) -> list[checks.CheckMessage]:
    """Returns one error for each unguarded key of our models; libraries' models are exempt."""
    configs = apps.get_app_configs() if app_configs is None else app_configs
    return messages_for(
        model for config in configs if config.name.startswith(OWN_PACKAGE) for model in config.get_models()
    )


def messages_for(own_models: Iterable[type[models.Model]]) -> list[checks.CheckMessage]:
    return [
        error
        for model in own_models
        if _is_practice_row(model)
        for error in (*_nullable_practice(model), *_unguarded_keys(model), *_automatic_many_to_many(model))
    ]


def _is_practice_row(model: type[models.Model]) -> bool:
    return any(field.name == "practice" and field.is_relation for field in model._meta.fields)


def _nullable_practice(model: type[models.Model]) -> list[checks.CheckMessage]:
    if not model._meta.get_field("practice").null:
        return []
    # A composite foreign key with a null in it is not checked.
    return [checks.Error("The practice of a row may not be null.", obj=model, id="portico.E002")]


def _unguarded_keys(model: type[models.Model]) -> list[checks.CheckMessage]:
    guarded = {each.field for each in model._meta.constraints if isinstance(each, SamePractice)}
    return [
        checks.Error(
            f"{model._meta.label}.{field.name} may point into another practice.",
            hint=f'Add SamePractice("{field.name}", name=…) to Meta.constraints.',
            obj=model,
            id="portico.E001",
        )
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey)
        and field.name != "practice"
        and _is_practice_row(field.related_model)
        and field.name not in guarded
    ]


def _automatic_many_to_many(model: type[models.Model]) -> list[checks.CheckMessage]:
    return [
        checks.Error(
            f"{model._meta.label}.{field.name} has a table without a practice.",
            hint="Define the table between them as a PracticeRow.",
            obj=model,
            id="portico.E003",
        )
        for field in model._meta.local_many_to_many
        if (through := field.remote_field.through) is not None
        and through._meta.auto_created
        and _is_practice_row(field.related_model)
    ]
