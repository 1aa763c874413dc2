"""Internal modules of allauth that Portico uses: few, present, and of exactly one version."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parents[4]
USED = {
    "allauth.mfa.recovery_codes.internal.auth": ("RecoveryCodes.activate", "RecoveryCodes.validate_code"),
    "allauth.mfa.totp.internal.auth": ("TOTP.activate", "format_hotp_value", "generate_totp_secret", "hotp_value"),
    "allauth.mfa.webauthn.internal.auth": ("WebAuthn.add",),
}


def test_only_known_internal_modules_are_imported() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "portico").rglob("*.py"))
    found = re.findall(r"from (allauth[\w.]*internal[\w.]*) import (\w+)", sources)
    assert {module if module in USED else f"{module}.{name}" for module, name in found} == set(USED)


@pytest.mark.parametrize("module", USED)
def test_internal_names_exist(module: str) -> None:
    for name in USED[module]:
        found: object = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        assert callable(found), name


def test_allauth_is_pinned_to_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pinned,) = (each for each in project["dependencies"] if each.startswith("django-allauth"))
    assert re.fullmatch(r"django-allauth\[mfa\]==[\d.]+", pinned)
