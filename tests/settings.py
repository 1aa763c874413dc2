"""The product's settings, under the environment that tests, checks and type checking run in."""

from pathlib import Path

from tests import environment
from tests.support import databases

databases.set_up()
environment.set_up()

from portico.settings import *  # noqa: E402 - the environment comes first
from tests.support.templates import StrictMissingName  # noqa: E402

if databases.chosen() == "sqlite":
    # A file, as in real life: threads and other processes see it, and locks are those of a file.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(DATABASES["default"]["NAME"]).with_name("tests.sqlite3"))}

# Hashed names need `collectstatic` first; real processes keep them.
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
# A name that a page forgot to pass fails its test.
TEMPLATES[0]["OPTIONS"]["undefined"] = StrictMissingName
# argon2 takes its time on purpose; tests have none to give.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]
# WhiteNoise looks for the folder at start; in a fresh checkout nothing has been collected yet.
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)
