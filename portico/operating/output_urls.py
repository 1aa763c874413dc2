"""Absolute URLs of pages, for the output of commands."""

from django.conf import settings
from django.urls import reverse


def absolute_url(name: str, *arguments: str) -> str:
    return f"{settings.PUBLIC_BASE_URL}{reverse(name, args=arguments)}"
