"""The docs name what the code has, and their links lead somewhere."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from portico import configuration
from portico.configuration import ConfigurationRefused
from portico.plumbing.verbs import Verb

# Whatever the database.
pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FIRST_CELL = re.compile(r"^\| `([^`]+)` \|(.*)$", re.MULTILINE)


class Noticing(Mapping[str, str]):
    """An empty environment that notices which names are asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_every_act_of_the_trail_is_documented_and_no_other() -> None:
    rows = FIRST_CELL.findall((DOCS / "trail.md").read_text("utf-8"))
    documented = [first for first, _ in rows if "." in first]
    assert sorted(documented) == sorted(Verb.values)


def test_every_setting_has_its_row() -> None:
    environment = Noticing()
    with pytest.raises(ConfigurationRefused):
        configuration.read(environment)
    assert environment.asked >= {"SECRET_KEY", "TRUSTED_PROXY_COUNT", *configuration.WHOLE_SECONDS}
    assert environment.asked - settings_rows().keys() == set()


def test_every_duration_is_documented_with_its_bounds_and_its_default() -> None:
    rows = settings_rows()
    for name, (default, least, most) in configuration.WHOLE_SECONDS.items():
        assert f"{least} to {most}" in rows[name], name
        assert rows[name].split("|")[1].strip() == str(default), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_relative_link_points_nowhere(page: Path) -> None:
    nowhere = [target for target in links_of(page) if not leads_somewhere(page, target)]
    assert nowhere == []


def settings_rows() -> dict[str, str]:
    """The rest of each row of the settings' table, by the setting's name."""
    return dict(FIRST_CELL.findall((DOCS / "operating.md").read_text("utf-8")))


def links_of(page: Path) -> list[str]:
    text = FENCED.sub("", page.read_text("utf-8"))
    return [target for target in LINK.findall(text) if "://" not in target]


def leads_somewhere(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return False
    return not anchor or anchor in anchors_of(file)


def anchors_of(page: Path) -> set[str]:
    """Headings as repository hosts turn them into anchors."""
    headings = HEADING.findall(FENCED.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
