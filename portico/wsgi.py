"""What the web server calls."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portico.settings")
django.setup(set_prefix=False)

from portico.web.reading import Application  # noqa: E402 - the settings come first

application = Application()
