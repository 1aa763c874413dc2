"""Every operation on money that an office page calls takes the amounts that the page showed."""

import ast
import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import portico.web.office
from portico.domain.billing import bill_mail_texts
from portico.domain.billing.invoices import invoicing
from portico.domain.billing.ledger import practice_currency
from portico.domain.billing.reminders import by_hand
from portico.domain.billing.stripe_sync import going_live

OFFICE = Path(portico.web.office.__file__).parent
BILLING = "portico.domain.billing"
# New drafts come from a page without amounts; edited drafts and the practice have a version; keys and
# reminders move no money.
WITHOUT: set[Callable[..., object]] = {
    invoicing.create_draft,
    invoicing.create_drafts,
    invoicing.edit_draft,
    going_live.save_keys,
    practice_currency.save_details,
    by_hand.send,
    bill_mail_texts.save,
}


def modules() -> Iterator[tuple[ModuleType, ast.Module]]:
    for path in sorted(OFFICE.rglob("*.py")):
        name = ".".join(path.relative_to(OFFICE).with_suffix("").parts).removesuffix("__init__")
        yield import_module(f"portico.web.office.{name}".rstrip(".")), ast.parse(path.read_text())


def operations() -> dict[str, Callable[..., object]]:
    """Returns the billing functions with a parameter `by` that pages use."""
    found: dict[str, Callable[..., object]] = {}
    for module, tree in modules():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
                continue
            of = getattr(module, node.value.id, None)
            named: Any = getattr(of, node.attr, None)  # Any: whatever the page names.
            if isinstance(of, ModuleType) and of.__name__.startswith(BILLING) and acts(named):
                found[f"{of.__name__}.{node.attr}"] = named
    return found


def acts(named: object) -> bool:
    """Returns True for a function with a parameter `by`."""
    return inspect.isfunction(named) and bool({"by", "requested_by"} & set(inspect.signature(named).parameters))


def test_operations_require_the_shown_sums() -> None:
    found = operations()
    assert {
        f"{BILLING}.invoices.invoicing.void",
        f"{BILLING}.stripe_sync.card_refunds.send",
        f"{BILLING}.invoices.invoice_sharing.unshare",
    } <= set(found)
    forgotten = []
    for name, operation in found.items():
        shown = inspect.signature(operation).parameters.get("shown")
        if operation not in WITHOUT and (shown is None or shown.default is not inspect.Parameter.empty):
            forgotten.append(name)
    assert forgotten == []


def test_no_page_passes_empty_sums() -> None:
    silent = [
        f"{module.__name__}:{node.value.lineno}"
        for module, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "shown"
        if isinstance(node.value, ast.Constant)
    ]
    assert silent == []
