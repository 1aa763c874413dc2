"""The Django app of the web layer."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "portico.web"
    label = "web"
