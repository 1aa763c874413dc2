"""The product's settings with the environment of tests, checks and type checking."""

from pathlib import Path

from tests import environment
from tests.support.database import databases

databases.set_up()
environment.set_up()

from jinja2 import FileSystemBytecodeCache  # noqa: E402 - the environment comes first

from portico.settings import *  # noqa: E402
from tests.support.templates import StrictMissingName  # noqa: E402

if databases.chosen() == "sqlite":
    # A file, as in production: threads and other processes share it, and locks are those of a file.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(DATABASES["default"]["NAME"]).with_name("tests.sqlite3"))}

# Hashed names need `collectstatic` first; real processes keep them.
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
# A name that a page forgot to pass fails its test.
TEMPLATES[0]["OPTIONS"]["undefined"] = StrictMissingName
# Each process would compile every template again.
TEMPLATE_CACHE = environment.BUILD / "templates"
TEMPLATE_CACHE.mkdir(exist_ok=True)
TEMPLATES[0]["OPTIONS"]["bytecode_cache"] = FileSystemBytecodeCache(str(TEMPLATE_CACHE))
# argon2 is slow on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]
# WhiteNoise reads this folder for every new test client; it is empty, since tests serve portico/static.
STATIC_ROOT = environment.BUILD / "no-static"
STATIC_ROOT.mkdir(exist_ok=True)
