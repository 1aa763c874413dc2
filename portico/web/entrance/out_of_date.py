"""The page for a form whose link, address or session is no longer in this browser."""

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import render

from portico.web.guards import client_session
from portico.web.http.request_types import OpenRequest


def page(request: OpenRequest) -> HttpResponse:
    """Returns `This page is out of date`, with 409. Shows who is signed in now, if anyone."""
    session = client_session(request, request.practice)
    context = {"practice": request.practice, "signed_in": session.account if session else None}
    return render(request, "entrance/out_of_date.html", context, status=HTTPStatus.CONFLICT)
