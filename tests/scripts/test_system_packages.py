"""The mail servers of the tests: installed only where they can run, and always in CI, where nothing is skipped."""

from pathlib import Path

import pytest

from scripts import system_packages

pytestmark = pytest.mark.sqlite


@pytest.fixture
def beside_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root on a machine with another mail server than Postfix."""
    sendmail = tmp_path / "sendmail"
    sendmail.touch()
    monkeypatch.setattr(system_packages, "SENDMAIL", str(sendmail))
    monkeypatch.setattr(system_packages, "POSTFIX", str(tmp_path / "postfix"))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.delenv(system_packages.SKIP_NOTHING, raising=False)


@pytest.mark.usefixtures("beside_another")
def test_another_mail_server_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not system_packages.can_have_mail_servers()
    assert "postfix" not in system_packages.missing()
    monkeypatch.setattr(system_packages, "SENDMAIL", "/nowhere")
    assert "postfix" in system_packages.missing()


@pytest.mark.usefixtures("beside_another")
def test_ci_needs_the_mail_servers_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(system_packages.SKIP_NOTHING, "1")
    assert "postfix" in system_packages.missing()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert not system_packages.can_have_mail_servers()


def test_ci_sets_the_variable() -> None:
    script = Path(__file__).parents[2] / ".ci" / "run"
    assert f"export {system_packages.SKIP_NOTHING}=1" in script.read_text(encoding="utf-8")
