"""The addresses that are pages, which axe and the screenshots must cover."""

from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

from portico.web.route_list import all_routes

LEAD_ON = {
    "office:home",
    "office:settings",
    "office:set_up_arrival",
    "office:client_uploads",
    "entrance:link_arrival",
    "entrance:new_email_arrival",
    # Only after a sign-in; else files are posted to it.
    "portal:upload",
}
FILES = {
    *("hue", "entrance:logo", "office:recovery_codes_text", "office:client_guide", "office:invitation_letter"),
    *(f"office:{paper}_pdf" for paper in ("invoice", "receipt", "refund_receipt", "statement")),
    *(f"portal:{paper}_pdf" for paper in ("invoice", "receipt", "refund_receipt", "statement")),
    *("portal:document_pdf", "portal:shared_file", "office:client_upload", "office:template_file"),
    "office:submission_pdf",
    *("office:invoices_file", "office:payment_list_file", "office:figures_file", "office:balances_file"),
    *("office:needs_a_fix_file", "office:needs_a_fix_letters", "office:document_export", "office:documents_file"),
}


def names(*parts: str) -> set[str]:
    """Returns the names of all pages, or of those of these audiences: `office`, `entrance`, `portal`."""
    pages = {route.name for route in all_routes() if "GET" in route.methods and route.audience != "machine"}
    return {name for name in pages - LEAD_ON - FILES if not parts or name.partition(":")[0] in parts}


def without_arguments(part: str) -> dict[str, str]:
    """Returns the addresses without parameters of this audience's pages, by page name."""
    wanted = names(part)
    return {route.name: route.path for route in all_routes() if route.name in wanted and "<" not in route.path}


def name_of(address: str) -> str:
    """Returns the name of the page at an address; empty if there is none."""
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return ""
