"""`portico routes` lists every URL and who may open it."""

import json
from io import StringIO

from django.core.management import call_command


def routes(*options: str) -> str:
    answer = StringIO()
    call_command("routes", *options, stdout=answer)
    return answer.getvalue()


def test_each_url_has_its_audience_and_roles() -> None:
    listed = {route["name"]: route for route in json.loads(routes("--json"))}
    assert listed["office:clients"]["audience"] == "office"
    assert listed["office:clients"]["roles"] == ["owner", "clinician", "front_desk", "biller"]
    assert listed["office:trail"]["roles"] == ["owner"]
    assert listed["portal:home"] | {"methods": None} == {
        "path": "/portal/<slug:slug>/home/",
        "name": "portal:home",
        "audience": "portal",
        "roles": [],
        "writers": [],
        "methods": None,
    }
    assert listed["office:client_info"]["roles"] == ["owner", "clinician", "front_desk", "biller"]
    assert listed["office:client_info"]["writers"] == ["owner", "clinician", "front_desk"]
    assert listed["healthz"]["audience"] == "machine"


def test_without_json_it_prints_a_list() -> None:
    lines = routes().splitlines()
    assert any(line.startswith("/office/clients/ ") and "office (owner," in line for line in lines)
    assert next(line for line in lines if "edit/info/" in line).endswith("; POST: owner, clinician, front_desk")
