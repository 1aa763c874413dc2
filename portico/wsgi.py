"""WSGI entry points: `server` for granian, `application` for any other WSGI server."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portico.settings")
django.setup(set_prefix=False)

from portico.web.http.granian_server import Server  # noqa: E402
from portico.web.http.request_decoding import Application  # noqa: E402 - the settings come first

application = Application()
server = Server(application)
