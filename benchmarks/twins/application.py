"""A WSGI application with the middleware of a new Django project, beside Portico's in the same process."""

from pathlib import Path

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.template import Engine
from django.test.utils import override_settings

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
engine = Engine(
    dirs=[str(Path(__file__).parent / "templates")],
    libraries={name: f"django.templatetags.{name}" for name in ("i18n", "static")},
    context_processors=["django.template.context_processors.csrf", "django.contrib.auth.context_processors.auth"],
)


class TwinRequest(WSGIRequest):
    urlconf = "benchmarks.twins.urls"


class TwinApplication(WSGIHandler):
    request_class = TwinRequest


def application() -> TwinApplication:
    """Returns the application; its middleware is read from the settings when it is made."""
    with override_settings(MIDDLEWARE=MIDDLEWARE):
        return TwinApplication()
