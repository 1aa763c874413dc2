"""The answer to a form that names what this browser no longer holds: nothing is done, and a page says how to go on."""

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import render

from portico.web.guards import client_session
from portico.web.http.request_types import OpenRequest


def page(request: OpenRequest) -> HttpResponse:
    """Returns `This page is out of date`, with 409. It says who is signed in here now, if anybody is."""
    present = client_session(request, request.practice)
    context = {"practice": request.practice, "signed_in_as": present.account.mailbox_key if present else ""}
    return render(request, "entrance/out_of_date.html", context, status=HTTPStatus.CONFLICT)
