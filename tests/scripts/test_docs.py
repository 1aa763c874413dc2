"""The documentation: it agrees with the code, and its links have targets."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from portico import configuration
from portico.configuration import ConfigurationRefused
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Role
from portico.web.route_list import all_routes

# Independent of the database.
pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("management", "commands")
MAX_MODULES = 16
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FIRST_CELL = re.compile(r"^\| `([^`]+)` \|(.*)$", re.MULTILINE)


class Noticing(Mapping[str, str]):
    """An empty environment that records which names are read."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_exactly_the_audit_actions_are_documented() -> None:
    rows = FIRST_CELL.findall((DOCS / "audit-log.md").read_text("utf-8"))
    documented = [first for first, _ in rows if "." in first]
    assert sorted(documented) == sorted(AuditAction.values)


def test_every_setting_is_documented() -> None:
    environment = Noticing()
    with pytest.raises(ConfigurationRefused):
        configuration.read(environment)
    assert environment.asked >= {"SECRET_KEY", "TRUSTED_PROXY_COUNT", *configuration.WHOLE_SECONDS}
    assert environment.asked - settings_rows().keys() == set()


def test_durations_have_bounds_and_default() -> None:
    rows = settings_rows()
    for name, (default, least, most) in configuration.WHOLE_SECONDS.items():
        assert f"{least} to {most}" in rows[name], name
        assert rows[name].split("|")[1].strip() == str(default), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_have_targets(page: Path) -> None:
    nowhere = [target for target in links_of(page) if not has_target(page, target)]
    assert nowhere == []


def settings_rows() -> dict[str, str]:
    """Returns the rest of each row of the settings' table, by the setting's name."""
    return dict(FIRST_CELL.findall((DOCS / "operating.md").read_text("utf-8")))


def links_of(page: Path) -> list[str]:
    text = FENCED.sub("", page.read_text("utf-8"))
    return [target for target in LINK.findall(text) if "://" not in target]


def has_target(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return False
    return not anchor or anchor in anchors_of(file)


def anchors_of(page: Path) -> set[str]:
    """Returns headings as anchors, in the format of repository hosts."""
    headings = HEADING.findall(FENCED.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_example_proxies_drop_headers_with_underscores() -> None:
    """Many servers read `X_Forwarded_For` as `X-Forwarded-For`: a value from the visitor would be trusted."""
    operating = (DOCS / "operating.md").read_text("utf-8")
    (caddy,) = re.findall(r"^Caddy:\n\n```\n(.+?)```", operating, re.MULTILINE | re.DOTALL)
    (nginx,) = re.findall(r"^nginx:\n\n```nginx\n(.+?)```", operating, re.MULTILINE | re.DOTALL)
    assert caddy.index("request_header -*_*") < caddy.index("reverse_proxy")
    assert "underscores_in_headers" not in nginx


def test_the_manual_warns_of_changing_the_sender() -> None:
    assert "**`EMAIL_FROM` should not change unannounced.**" in (DOCS / "operating.md").read_text("utf-8")


# The subject of each row of the matrix in security.md: URLs of the office, and whether it is about GET or POST.
LOOK, SEND = "roles", "writers"
SHAREABLE_DOCUMENTS = "settings/documents/"
CLIENTS = ("client_info", "client_portal")
MATRIX = {
    "see clients, their addresses, consent, access and activity": (
        LOOK,
        ("clients", "client", "client_activity", *CLIENTS),
    ),
    "see and download what clients completed, and the files that they sent": (
        LOOK,
        (
            "document_list",
            "document_runs",
            "document_run",
            "documents_file",
            "document_check",
            "client_documents",
            "submission",
            "submission_pdf",
            "client_uploads",
            "client_upload",
        ),
    ),
    "withdraw, review and countersign documents, ask again, record paper, copy answers to the client record": (
        SEND,
        (
            *("document_withdrawal", "document_asking_again", "submission_review", "submission_countersignature"),
            *("new_paper_signature", "paper_signature", "record_update"),
        ),
    ),
    "change clients, addresses, consent, access; invitations, PINs, sessions": (
        SEND,
        (
            *("create_client", *CLIENTS, "client_archiving", "client_restoring", "client_ending", "client_session_end"),
            *("client_pin", "client_pin_tries", "lift_stop", "invitation_draft", "invitation_preview"),
            *("new_invitation_run", "invitation_run_pause", "invitation_run_resume", "invitation_run_stop"),
        ),
    ),
    "add, change and remove contacts, decide when a client comes of age, note that parents live apart": (
        SEND,
        ("new_contact", "contact", "contact_ending", "contact_keeping", "parents_apart"),
    ),
    "share documents with clients": (SEND, ("share_documents", "new_document_run", "remind_documents")),
    "see bulk invitations and their progress": (LOOK, ("invitation_runs", "invitation_run")),
    "download the list of addresses that need a fix": (LOOK, ("needs_a_fix_file",)),
    "view the portal as a client": (SEND, ("client_view",)),
    "invoices: make, issue, share; record payments": (
        SEND,
        (
            *(
                "new_invoice",
                "new_invoices",
                "invoice_draft",
                "invoice_issuing",
                "invoice_sharing",
                "invoice_unsharing",
            ),
            *("share_all", "record_payment", "record_for_client"),
        ),
    ),
    "see help requests": (LOOK, ("help_requests", "help_request")),
    "close a help request with a note": (SEND, ("help_request_done",)),
    "`Emails` page, one mail, start a failed mail again": (LOOK, ("emails", "email", "email_restart")),
    "undo a payment that they recorded themselves in the last 15 minutes": (SEND, ("payment_taking_back",)),
    "void, refund or release a payment, give credit, download lists and reports": (
        LOOK,
        (
            *("void_invoice", "refund", "attempt_releasing", "give_credit", "credit_keeping"),
            *("credit_taking_back", "invoices_file", "payment_list_file", "balances_file", "figures_file"),
        ),
    ),
    # Where a name ends in a slash, every address below it.
    "`Settings` > `Shareable documents`: make, publish, order": (LOOK, (SHAREABLE_DOCUMENTS,)),
    "close the list of what a new owner sets up": (SEND, ("set_up_closing",)),
    "`Settings`: practice, team, services, emails, Online Payments, the practice's audit log": (LOOK, ("settings/",)),
}


def matrix_names(does: str) -> set[str]:
    """Returns the names of the addresses that a row of the matrix is about."""
    names = set[str]()
    for name in MATRIX[does][1]:
        below = {each.name.removeprefix("office:") for each in all_routes() if each.path.startswith(f"/office/{name}")}
        if name == "settings/":
            below -= matrix_names("`Settings` > `Shareable documents`: make, publish, order")
        names |= below if name.endswith("/") else {name}
    return names


def test_the_role_matrix_matches_the_guards() -> None:
    table = (DOCS / "security.md").read_text("utf-8").partition("## Who may do what")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    columns = [Role(name.replace(" ", "_")) for name in rows[0][1:]]
    assert [row[0] for row in rows[2:]] == list(MATRIX)
    guards = {route.name: route for route in all_routes()}
    for does, *cells in rows[2:]:
        promised = {role for role, cell in zip(columns, cells, strict=True) if cell == "yes"}
        for name in matrix_names(does):
            found = set(getattr(guards[f"office:{name}"], MATRIX[does][0]))
            assert found == {role.value for role in promised}, (does, name)


def test_every_address_that_a_role_may_not_open_is_in_the_matrix() -> None:
    listed = set().union(*(matrix_names(does) for does in MATRIX))
    office = [each for each in all_routes() if each.name.startswith("office:") and each.roles]
    restricted = {
        each.name for each in office if {*each.roles} != {*Role} or (each.writers and {*each.writers} != {*Role})
    }
    assert {name.removeprefix("office:") for name in restricted} - listed == set()


def test_docstrings_say_what_a_thing_is() -> None:
    """As in Django's: a noun or a verb first, not the question that it answers."""
    asks = re.compile(r'^\s*"""(Who|What|Which|Whoever|Whether|Why|How|Where)\b', re.MULTILINE)
    paths = [
        path
        for folder in ("portico", "sandbox", "scripts", "benchmarks", "tests")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert len(paths) > 500
    assert [str(path.relative_to(ROOT)) for path in paths if asks.search(path.read_text("utf-8"))] == []


def test_the_map_agrees_with_the_tree() -> None:
    text = (DOCS / "map.md").read_text("utf-8")
    rooms = {path.parent.name for path in (ROOT / "portico").rglob("__init__.py")} - {"migrations", "portico"}
    assert len(rooms) > 50
    assert sorted(room for room in rooms if not re.search(rf"\b{room}\b", text)) == []
    modules = {path.stem for folder in ("portico", "tests") for path in (ROOT / folder).rglob("*.py")} | rooms
    staircase = text[text.index("## The domain's staircase") : text.index("## The pages")]
    table = [line.split("|")[3] for line in staircase.splitlines() if line.startswith("| `")]
    named = {name for cell in table for name in re.findall(r"`([a-z_]+)/?`", cell)}
    assert len(named) > 80
    assert sorted(named - modules) == []


def test_no_folder_has_more_modules_than_can_be_seen_at_once() -> None:
    modules = [
        path
        for folder in ("portico", "sandbox", "tests", "benchmarks", "scripts")
        for path in (ROOT / folder).rglob("*.py")
        # Django looks for commands in one folder.
        if path.name != "__init__.py" and path.parent.name != "migrations" and path.parts[-3:-1] != COMMANDS
    ]
    assert len(modules) > 1_000
    counted = Counter(path.parent.relative_to(ROOT) for path in modules)
    assert {str(folder): number for folder, number in counted.items() if number > MAX_MODULES} == {}
