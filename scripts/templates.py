"""Checks the templates: each compiles, its filters and the templates it names exist, no line is too long to review."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import django
from django.template import engines
from jinja2 import Environment, TemplateSyntaxError, meta, nodes

from tests import environment

FOLDER = Path(__file__).resolve().parent.parent / "portico" / "templates"
MAX_LENGTH = 160


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    environment.set_up()
    django.setup()
    sources = {str(path.relative_to(FOLDER)): path.read_text("utf-8") for path in sorted(FOLDER.rglob("*.*"))}
    faults = faults_in(sources, engines["jinja2"].env)  # type: ignore[attr-defined]  # Of its Jinja2 backend alone.
    print("\n".join(faults) or "Templates: each compiles, and every line is short enough.")
    return 1 if faults else 0


def faults_in(sources: Mapping[str, str], jinja: Environment) -> list[str]:
    """Returns what is wrong, each with its file and line."""
    faults = []
    for name, source in sources.items():
        faults += [
            f"{name}:{number}: {len(line)} characters"
            for number, line in enumerate(source.splitlines(), start=1)
            if len(line) > MAX_LENGTH
        ]
        try:
            jinja.compile(source, name)
        except TemplateSyntaxError as error:
            faults.append(f"{name}:{error.lineno}: {error.message}")
            continue
        tree = jinja.parse(source)
        named = set(filter(None, meta.find_referenced_templates(tree)))
        faults += [f"{name}: no template {other}" for other in sorted(named - sources.keys())]
        # Within a condition, Jinja2 itself looks for a filter only when the line runs.
        faults += [
            f"{name}:{node.lineno}: no filter named {node.name}"
            for node in tree.find_all(nodes.Filter)
            if node.name not in jinja.filters
        ]
    return faults


if __name__ == "__main__":
    sys.exit(main())
