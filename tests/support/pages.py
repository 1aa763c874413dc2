"""Which addresses are pages: what people look at, and so what axe and the camera have to see."""

from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

from portico.web.route_list import all_routes

LEAD_ON = {"office:home", "office:settings", "office:set_up_arrival", "entrance:link_arrival"}
FILES = {
    *("hue", "entrance:logo", "office:recovery_codes_text", "office:client_guide", "office:invitation_letter"),
    *(f"office:{paper}_pdf" for paper in ("invoice", "receipt", "refund_receipt", "statement")),
    *(f"portal:{paper}_pdf" for paper in ("invoice", "receipt", "refund_receipt", "statement")),
    "office:invoices_file",
}


def names(*parts: str) -> set[str]:
    """The names of all pages, or of those in these parts of the product: `office`, `entrance`, `portal`."""
    pages = {route.name for route in all_routes() if "GET" in route.methods and route.audience != "machine"}
    return {name for name in pages - LEAD_ON - FILES if not parts or name.partition(":")[0] in parts}


def without_arguments(part: str) -> dict[str, str]:
    """The addresses of the pages in this part of the product that name no row, by the pages' names."""
    wanted = names(part)
    return {route.name: route.path for route in all_routes() if route.name in wanted and "<" not in route.path}


def name_of(address: str) -> str:
    """The page at an address; empty when there is none."""
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return ""
