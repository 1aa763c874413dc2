"""Finds one of the client’s requests for a page, and describes its signer."""

import ipaddress

from django.http import Http404
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language

from portico.domain.documents.completion import portal_requests, request_states
from portico.domain.documents.completion.signatures import Signer
from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.templates import version_content
from portico.web import client_mismatch, formatting
from portico.web.http import ip_and_browser
from portico.web.http.request_types import PortalRequest


def find(request: PortalRequest, ref: str) -> DocumentRequest:
    """Returns the client’s request with version, template, draft and submission. Raises Http404."""
    found = portal_requests.find(request.access, ref)
    if found is None:
        raise Http404
    return found


def open_in(request: PortalRequest, found: DocumentRequest) -> DocumentRequest:
    """Records that the client opened the document; not if staff view the page."""
    if request.client_view is not None:
        return found
    request_states.mark_opened(found, language=language_of(found), by=request.actor)
    return found


def language_of(found: DocumentRequest) -> str:
    """Returns the language of the document’s text on the page: the page’s, or English if it has no other."""
    return version_content.language_for(found.version, get_language())


def title_of(found: DocumentRequest) -> str:
    title: str = version_content.content_in(found.version, language_of(found))["title"]
    return title


def signer(request: PortalRequest) -> Signer:
    email = request.account.email
    return Signer(
        request.portal_session,
        formatting.masked(email) if email else "",
        _network_address(ip_and_browser.ip_of(request)),
    )


def address(request: PortalRequest, name: str, ref: str, **more: int) -> str:
    """Returns the path of a page about one document."""
    return reverse(name, kwargs={"slug": request.practice.slug, "ref": ref, **more})


def list_address(request: PortalRequest) -> str:
    """Returns the address of `Documents`, which names the client if the mailbox has several."""
    query = urlencode(client_mismatch.for_client(request))
    return reverse("portal:documents", kwargs={"slug": request.practice.slug}) + (f"?{query}" if query else "")


def _network_address(text: str) -> str | None:
    # A server behind a socket knows none.
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
