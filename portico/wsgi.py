"""The WSGI entry point for other servers; `portico web` makes its own."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portico.settings")
django.setup(set_prefix=False)

from portico.web.http.wsgi_application import Application  # noqa: E402 - the settings come first

application = Application()
