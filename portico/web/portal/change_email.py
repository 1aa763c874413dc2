"""The page on which a client asks to sign in with another email address."""

from collections.abc import Sequence
from http import HTTPStatus

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from portico.domain.access.address_change import change_requests, confirmation_links
from portico.domain.access.models import SignInMethod
from portico.plumbing import tokens
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.refusals import Refused
from portico.plumbing.text.input_validation import NOT_ONE_ADDRESS, AddressField, is_unstorable
from portico.web import client_mismatch, saved_forms
from portico.web.guards import portal_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal.flash_messages import NOT_SENT_YET, Notice

KEY_LENGTH = 43
# Query parameter with the ref of the mail that was sent.
SENT = "sent"


class NewEmailForm(forms.Form):
    """The new address. `form_key` is the random key with which a form sent twice sends one mail."""

    use_required_attribute = False

    email = AddressField(label=_("New email"), malformed=NOT_ONE_ADDRESS)
    form_key = forms.CharField(required=False, widget=forms.HiddenInput, initial=tokens.new_token)

    def clean_form_key(self) -> str:
        key: str = self.cleaned_data["form_key"]
        return key if len(key) == KEY_LENGTH and key.isascii() else ""


@portal_page
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: PortalRequest) -> HttpResponse:
    """Shows the form; POST sends the mail with the link to the new address and leads to the page that says so."""
    if not is_offered(request):
        raise Http404
    if request.method != "POST":
        saved = saved_forms.find_fields_of_client(request)
        if saved is None:
            return _page(request, NewEmailForm())
        return _page(request, NewEmailForm(initial={"email": saved.get("email", "")}), notices=[NOT_SENT_YET])
    form = NewEmailForm(request.POST)
    if not form.is_valid():
        return _page(request, form, HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        email = change_requests.request(
            request.portal_session,
            request.access,
            form.cleaned_data["email"],
            form_key=form.cleaned_data["form_key"],
            by=request.actor,
        )
    except Refused as refusal:
        form.add_error("email", str(refusal))
        return _page(request, form, HTTPStatus(refusal.status))
    query = urlencode({SENT: email.ref, **client_mismatch.for_client(request)})
    return redirect(f"{reverse('portal:change_email', kwargs={'slug': request.practice.slug})}?{query}")


def is_offered(request: PortalRequest) -> bool:
    """Returns True if the page exists for this client; staff who view the portal see what one sees by mail."""
    method = SignInMethod.LINK if request.client_view else request.portal_session.method
    return change_requests.may_request(request.access, method)


def _page(
    request: PortalRequest, form: NewEmailForm, status: HTTPStatus = HTTPStatus.OK, *, notices: Sequence[Notice] = ()
) -> HttpResponse:
    context = {
        "messages": notices,
        "form": form,
        "address": request.access.address.address if request.access.address else "",
        "sent_to": _address_of(request),
    }
    return render(request, "portal/change_email.html", context, status=status)


def _address_of(request: PortalRequest) -> str:
    """Returns the address to which the link named in the URL was sent for this client; empty if there is none."""
    ref = request.GET.get(SENT, "")
    if not ref or is_unstorable(ref):
        return ""
    mails = OutgoingEmail.objects.filter(practice=request.practice, client=request.client, kind=confirmation_links.KIND)
    return mails.filter(ref=ref).values_list("to_address", flat=True).first() or ""
