"""Finds the practice that a command names."""

from django.core.management.base import CommandError

from portico.domain.practices.models import Practice


def get_practice(slug: str) -> Practice:
    """Returns the practice with this slug. Raises CommandError if there is none."""
    practice = Practice.objects.filter(slug=slug).first()
    if practice is None:
        raise CommandError(f"There is no practice {slug!r}.")
    return practice
