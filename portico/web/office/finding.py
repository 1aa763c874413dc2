"""Finds what an address names, within the asker's own practice."""

from django.http import Http404

from portico.domain.clients.models import Client
from portico.web.requests import OfficeRequest


def client_of(request: OfficeRequest, ref: str) -> Client:
    """The practice's client of that ref, with the clinician. Raises Http404.

    Another practice's is missing just as one that never was; `web.refusals` puts the attempt into the trail.
    """
    client = Client.objects.filter(practice=request.practice, ref=ref).select_related("clinician").first()
    if client is None:
        raise Http404
    client.practice = request.practice
    return client
