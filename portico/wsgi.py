"""What the web server calls: granian the `server`; any other that speaks WSGI the `application`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portico.settings")
django.setup(set_prefix=False)

from portico.web.reading import Application  # noqa: E402 - the settings come first
from portico.web.serving import Server  # noqa: E402

application = Application()
server = Server(application)
