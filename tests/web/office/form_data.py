"""Form data of the client forms."""

from django.test import Client as Browser

from portico.domain.clients.models import Client


def rows(name: str, *each: dict[str, str]) -> dict[str, str]:
    """Returns the data of a formset."""
    sent = {f"{name}-TOTAL_FORMS": str(len(each)), f"{name}-INITIAL_FORMS": "0"}
    for place, row in enumerate(each):
        sent |= {f"{name}-{place}-{field}": value for field, value in row.items()}
    return sent


def address(typed: str, *, ok: bool = True, was: str = "", kind: str = "home") -> dict[str, str]:
    """Returns one address row; `was` is the ref of the saved address."""
    return {"address": typed, "kind": kind, "id": was} | ({"email_ok": "on"} if ok else {})


def phone(typed: str, *, kind: str = "mobile") -> dict[str, str]:
    return {"number": typed, "kind": kind}


def new_client(*addresses: dict[str, str], phones: tuple[dict[str, str], ...] = (), **typed: str) -> dict[str, str]:
    """Returns `Create Client` filled in for Ana, with changes."""
    details = {"first_name": "Ana", "last_name": "Abreu", "language": "en", "form_key": "k" * 43}
    return details | rows("addresses", *addresses) | rows("phones", *phones) | typed


def client_info(
    client: Client, *addresses: dict[str, str], phones: tuple[dict[str, str], ...] = (), **typed: str
) -> dict[str, str]:
    """Returns `Client Info` as saved, with these rows and changes."""
    details = {
        "first_name": client.first_name,
        "last_name": client.last_name,
        "preferred_name": client.preferred_name,
        "language": client.language,
        "status": client.status,
        "version": str(client.version),
    }
    return details | rows("addresses", *addresses) | rows("phones", *phones) | typed


def said(browser: Browser, path: str) -> str:
    """Returns the page as text."""
    return browser.get(path).content.decode()
