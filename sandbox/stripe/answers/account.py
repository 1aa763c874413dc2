"""The account itself, its events and its webhook endpoints."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from sandbox.stripe import objects
from sandbox.stripe.answers import listing
from sandbox.stripe.asking import Asked
from sandbox.stripe.desk import Desk
from sandbox.stripe.problems import Json, invalid

MOST_ENDPOINTS = 16


def retrieve(desk: Desk, asked: Asked) -> Json:
    asked.done()
    account = desk.account
    body = objects.new("account", now=desk.now, livemode=account.livemode)
    body |= {
        "id": account.id,
        "country": account.country,
        "default_currency": account.currency,
        "charges_enabled": account.charges_enabled,
        "payouts_enabled": account.charges_enabled,
        "details_submitted": account.charges_enabled,
    }
    body["business_profile"]["name"] = body["settings"]["dashboard"]["display_name"] = account.name
    if not account.charges_enabled:
        body["capabilities"]["card_payments"] = "inactive"
        body["requirements"] |= {
            "currently_due": ["business_profile.url", "external_account"],
            "disabled_reason": "requirements.past_due",
        }
    return body


def event(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    return desk.get("event", id_)


def every_event(desk: Desk, asked: Asked) -> Json:
    types = asked.texts("types")
    if types:
        bodies = desk.all("event", lambda each: each["type"] in types)
        found = listing.page(asked, bodies, "/v1/events")
    else:
        found = listing.answer(desk, asked, "event", "/v1/events", fields=("type",))
    asked.done()
    return found


def create_endpoint(desk: Desk, asked: Asked) -> Json:
    url, events = asked.text("url"), asked.texts("enabled_events")
    values = {"description": asked.maybe("description"), "metadata": asked.metadata()}
    version = asked.maybe("api_version")
    asked.done()
    _refuse_private(url)
    if not events:
        raise invalid("Missing required param: enabled_events.", param="enabled_events", code="parameter_missing")
    if len(desk.all("webhook_endpoint")) >= MOST_ENDPOINTS:
        raise invalid(f"You have reached the maximum of {MOST_ENDPOINTS} test webhook endpoints.")
    secret = f"whsec_{objects.new_id('', 32)}"
    endpoint = desk.new(
        "webhook_endpoint", url=url, enabled_events=events, api_version=version, _secrets=[secret], **values
    )
    # Returned once, in the response to this request.
    return endpoint | {"secret": secret}


def endpoint(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    return desk.get("webhook_endpoint", id_)


def delete_endpoint(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    desk.remove(desk.get("webhook_endpoint", id_))
    return {"id": id_, "object": "webhook_endpoint", "deleted": True}


def every_endpoint(desk: Desk, asked: Asked) -> Json:
    found = listing.answer(desk, asked, "webhook_endpoint", "/v1/webhook_endpoints")
    asked.done()
    return found


def _refuse_private(url: str) -> None:
    """Refuses local URLs, as Stripe does: it could not reach this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        private = ip_address(host).is_private
    except ValueError:
        private = host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    if parts.scheme not in {"http", "https"} or not host or private:
        raise invalid("Invalid URL: URL must be publicly accessible.", param="url", code="url_invalid")
