"""`Settings` > `Practice`: its details, texts for clients, accent color and logo."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portico.domain.billing.ledger import practice_currency
from portico.domain.billing.ledger.practice_currency import PriceHasNoPlace
from portico.domain.practices import logos
from portico.domain.practices.models import Practice, Role
from portico.domain.practices.practice_settings import CurrencyFixed, SettingsConflict
from portico.plumbing import images
from portico.plumbing.images import ImageRejected
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.clients import edit_conflicts
from portico.web.office.clients.edit_conflicts import FieldConflict
from portico.web.office.settings.practice_settings_form import LogoForm, PracticeForm


@office_page(Role.OWNER)
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    return redirect("office:settings_practice")


@office_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OfficeRequest) -> HttpResponse:
    if request.method == "POST":
        return _save(request)
    return _page(request, PracticeForm(request.practice))


@office_page(Role.OWNER)
@require_POST
def sample(request: OfficeRequest) -> HttpResponse:
    """Renders a sample of the sign-in page in the hue of the submitted form."""
    return render(
        request, "office/settings/sample.html", {"hue": PracticeForm(request.practice, request.POST).shown_hue}
    )


@office_page(Role.OWNER)
@require_POST
def save_logo(request: OfficeRequest) -> HttpResponse:
    form = LogoForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, PracticeForm(request.practice), logo=form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        logos.save(request.practice, form.file, by=request.actor)
    except ImageRejected as refusal:
        form.add_error("logo", str(refusal))
        return _page(request, PracticeForm(request.practice), logo=form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    messages.success(request, _("The logo was saved. Clients see it at the entrance and in the portal."))
    return redirect("office:settings_practice")


@office_page(Role.OWNER)
@require_POST
def remove_logo(request: OfficeRequest) -> HttpResponse:
    logos.remove(request.practice, by=request.actor)
    messages.success(request, _("The logo was removed. The practice’s initial is shown instead."))
    return redirect("office:settings_practice")


def _save(request: OfficeRequest) -> HttpResponse:
    form = PracticeForm(request.practice, request.POST)
    is_valid = form.is_valid()
    if request.POST.get("action") == "preview":
        # The preview button for browsers without JavaScript: nothing is validated or saved.
        return _page(request, PracticeForm(request.practice, **form.values()))
    if not is_valid:
        return _page(request, form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        version = form.cleaned_data["version"]
        practice_currency.save_details(request.practice, form.details, version=version, by=request.actor)
    except SettingsConflict:
        return _conflict_page(request, form)
    except (CurrencyFixed, PriceHasNoPlace) as refusal:
        form.add_error(refusal.field, str(refusal))
        return _page(request, form, status=HTTPStatus.CONFLICT)
    messages.success(request, _("The practice settings were saved."))
    return redirect("office:settings_practice")


def _conflict_page(request: OfficeRequest, typed: PracticeForm) -> HttpResponse:
    """Renders the typed form beside the version another owner saved meanwhile; saving again overwrites that."""
    practice = Practice.objects.get(pk=request.practice.pk)
    saved = PracticeForm(practice)
    form = PracticeForm(practice, **(typed.values() | {"version": practice.version}))
    return _page(request, form, conflicts=edit_conflicts.of_forms(typed, saved), status=HTTPStatus.CONFLICT)


def _page(
    request: OfficeRequest,
    form: PracticeForm,
    *,
    logo: LogoForm | None = None,
    conflicts: list[FieldConflict] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    context = {
        "form": form,
        "logo": logo or LogoForm(),
        "logo_limits": images.LIMITS_IN_WORDS,
        "hue": form.shown_hue,
        "conflicts": conflicts,
    }
    return render(request, "office/settings/practice.html", context, status=status)
