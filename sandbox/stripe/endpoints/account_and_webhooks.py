"""The account itself, its events and its webhook endpoints."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from sandbox.stripe import objects
from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import Json, invalid
from sandbox.stripe.endpoints import pagination
from sandbox.stripe.parameters import Parameters

MOST_ENDPOINTS = 16


def retrieve(data: AccountData, parameters: Parameters) -> Json:
    parameters.done()
    account = data.account
    body = objects.new("account", now=data.now, livemode=account.livemode)
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


def event(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    return data.get("event", id_)


def every_event(data: AccountData, parameters: Parameters) -> Json:
    types = parameters.texts("types")
    if types:
        bodies = data.all("event", lambda each: each["type"] in types)
        found = pagination.page(parameters, bodies, "/v1/events")
    else:
        found = pagination.answer(data, parameters, "event", "/v1/events", fields=("type",))
    parameters.done()
    return found


def create_endpoint(data: AccountData, parameters: Parameters) -> Json:
    url, events = parameters.text("url"), parameters.texts("enabled_events")
    values = {"description": parameters.maybe("description"), "metadata": parameters.metadata()}
    version = parameters.maybe("api_version")
    parameters.done()
    _refuse_private(url)
    if not events:
        raise invalid("Missing required param: enabled_events.", param="enabled_events", code="parameter_missing")
    if len(data.all("webhook_endpoint")) >= MOST_ENDPOINTS:
        raise invalid(f"You have reached the maximum of {MOST_ENDPOINTS} test webhook endpoints.")
    secret = f"whsec_{objects.new_id('', 32)}"
    endpoint = data.new(
        "webhook_endpoint", url=url, enabled_events=events, api_version=version, _secrets=[secret], **values
    )
    # Returned once, in the response to this request.
    return endpoint | {"secret": secret}


def endpoint(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    return data.get("webhook_endpoint", id_)


def delete_endpoint(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    data.remove(data.get("webhook_endpoint", id_))
    return {"id": id_, "object": "webhook_endpoint", "deleted": True}


def every_endpoint(data: AccountData, parameters: Parameters) -> Json:
    found = pagination.answer(data, parameters, "webhook_endpoint", "/v1/webhook_endpoints")
    parameters.done()
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
