"""`Settings` > `Team`: inviting staff, changing roles, deactivating and reactivating accounts."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from allauth.account.adapter import get_adapter
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.validators import validate_email
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.clients import client_list, reassignment
from portico.domain.clients.models import Client
from portico.domain.practices.models import SET_UP_LINK_TTL, Role, StaffMember
from portico.domain.practices.staff import team
from portico.domain.practices.staff.staff_creation import EmailTaken
from portico.domain.practices.staff.team import StaffConflict
from portico.plumbing.mail import rendering
from portico.plumbing.refusals import Refused
from portico.plumbing.text import input_validation
from portico.plumbing.text.mailboxes import header_address
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import OfficeForm, address_field, line_field, refusing_malformed_address
from portico.web.office.sign_in import reauthentication
from portico.web.office.sign_in.reauthentication import recently_verified


class InviteForm(OfficeForm):
    name = line_field(gettext_lazy("Name"), longest=100, required=True)
    email = address_field(gettext_lazy("Email"), required=True)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, initial=Role.FRONT_DESK)

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        with refusing_malformed_address():
            header_address(email)
            validate_email(email)
        return email

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class MoveClientsForm(forms.Form):
    """Takes the ref of the colleague who gets the clients of another."""

    to = forms.ChoiceField(
        label=gettext_lazy("Move their clients to"), error_messages={"required": gettext_lazy("Choose a team member.")}
    )

    def __init__(self, colleagues: list[StaffMember], data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.colleagues = {each.ref: each for each in colleagues}
        field = cast(forms.ChoiceField, self.fields["to"])
        field.choices = [("", _("Choose…")), *((each.ref, each.name) for each in colleagues)]

    @property
    def colleague(self) -> StaffMember:
        return self.colleagues[self.cleaned_data["to"]]


class VersionForm(forms.Form):
    """The staff member's version when the page was rendered; an invalid one counts as 0, which matches none."""

    version = forms.IntegerField(min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    @property
    def seen(self) -> int:
        return int(self.cleaned_data["version"]) if self.is_valid() else 0


class RoleForm(VersionForm):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        return {"version": 0} | cleaned


@office_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: OfficeRequest) -> HttpResponse:
    if request.method == "POST":
        return reauthentication.reauthentication_needed(request) or _invite(request)
    return _team_page(request, InviteForm())


@office_page(Role.OWNER)
@recently_verified
@require_http_methods(["GET", "HEAD", "POST"])
def member(request: OfficeRequest, ref: str) -> HttpResponse:
    staff = _get_member(request, ref)
    if request.method == "POST":
        return _change_role(request, staff)
    return _member_page(request, staff)


@office_page(Role.OWNER)
@recently_verified
@require_POST
def invite_again(request: OfficeRequest, ref: str) -> HttpResponse:
    staff = _get_member(request, ref)
    message = _("A new link is on its way to %(email)s. Earlier links no longer work.") % {"email": staff.email}
    return _run_operation(request, staff, lambda: team.invite_again(staff, by=request.actor), message)


@office_page(Role.OWNER)
@recently_verified
@require_POST
def deactivate(request: OfficeRequest, ref: str) -> HttpResponse:
    """Deactivates a staff member; owners may deactivate themselves while another owner remains."""
    staff = _get_member(request, ref)
    version = VersionForm(request.POST).seen
    if staff.pk == request.staff.pk:
        return _deactivate_self(request, staff, version)
    message = _("%(name)s has been deactivated, signed out everywhere and can no longer sign in.") % {
        "name": staff.name
    }
    return _run_operation(request, staff, lambda: team.deactivate(staff, version=version, by=request.actor), message)


@office_page(Role.OWNER)
@recently_verified
@require_POST
def reactivate(request: OfficeRequest, ref: str) -> HttpResponse:
    staff = _get_member(request, ref)
    version = VersionForm(request.POST).seen
    message = _("%(name)s has been reactivated and can sign in again.") % {"name": staff.name}
    return _run_operation(request, staff, lambda: team.reactivate(staff, version=version, by=request.actor), message)


@office_page(Role.OWNER)
@recently_verified
@require_POST
def move_clients(request: OfficeRequest, ref: str) -> HttpResponse:
    """Gives the clients of a staff member to another, before or after the account is deactivated."""
    staff = _get_member(request, ref)
    form = MoveClientsForm(_other_clinicians(staff), request.POST)
    if not form.is_valid():
        return _member_page(request, staff, moving=form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        number = reassignment.move_clients(staff, form.colleague, by=request.actor)
    except Refused as refusal:
        return _member_page(request, staff, refusal=refusal, status=HTTPStatus.CONFLICT)
    message = ngettext("%(number)d client moved to %(name)s.", "%(number)d clients moved to %(name)s.", number)
    messages.success(request, message % {"number": number, "name": form.colleague.name})
    return redirect("office:team_member", staff.ref)


@office_page(Role.OWNER)
@recently_verified
@require_POST
def reset_second_factor(request: OfficeRequest, ref: str) -> HttpResponse:
    staff = _get_member(request, ref)
    message = _("Two-step verification was reset. %(name)s sets it up again at the next sign-in.") % {
        "name": staff.name
    }
    return _run_operation(request, staff, lambda: team.reset_second_factor(staff, by=request.actor), message)


def _invite(request: OfficeRequest) -> HttpResponse:
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _team_page(request, form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        staff = team.invite(request.practice, **form.cleaned_data, by=request.actor)
    except EmailTaken as taken:
        form.add_error("email", str(taken))
        return _team_page(request, form, status=HTTPStatus.CONFLICT)
    messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": staff.email})
    return redirect("office:team")


def _change_role(request: OfficeRequest, staff: StaffMember) -> HttpResponse:
    form = RoleForm(request.POST)
    form.is_valid()
    if "role" in form.errors:
        return _member_page(request, staff, form=form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        staff = team.change_role(staff, form.cleaned_data["role"], version=form.seen, by=request.actor)
    except Refused as refusal:
        return _member_page(request, staff, form=form, refusal=refusal, status=HTTPStatus.CONFLICT)
    role = staff.get_role_display().lower()
    if staff.pk == request.staff.pk and not staff.is_owner:
        messages.success(request, _("Your role is now %(role)s. Only owners can open Settings.") % {"role": role})
        return redirect("office:clients")
    message = _("%(name)s’s role is now %(role)s. It takes effect on their next page.")
    messages.success(request, message % {"name": staff.name, "role": role})
    return redirect("office:team")


def _deactivate_self(request: OfficeRequest, staff: StaffMember, version: int) -> HttpResponse:
    try:
        team.deactivate(staff, version=version, by=request.actor)
    except Refused as refusal:
        return _member_page(request, staff, refusal=refusal, status=HTTPStatus.CONFLICT)
    get_adapter().logout(request)
    return redirect(f"{settings.LOGIN_URL}?signed-out")


def _run_operation(
    request: OfficeRequest, staff: StaffMember, operation: Callable[[], object], message: str
) -> HttpResponse:
    try:
        operation()
    except Refused as refusal:
        return _member_page(request, staff, refusal=refusal, status=HTTPStatus.CONFLICT)
    messages.success(request, message)
    return redirect("office:team")


def _get_member(request: OfficeRequest, ref: str) -> StaffMember:
    """Returns the practice's staff member. Raises Http404."""
    if input_validation.is_unstorable(ref):
        raise Http404
    staff = StaffMember.objects.filter(practice=request.practice, ref=ref).first()
    if staff is None:
        raise Http404
    staff.practice = request.practice
    return staff


def _other_clinicians(staff: StaffMember) -> list[StaffMember]:
    """Returns the active owners and clinicians except this one, by name."""
    active = StaffMember.objects.active().filter(practice=staff.practice, role__in=(Role.OWNER, Role.CLINICIAN))
    return list(active.exclude(pk=staff.pk).order_by("name", "id"))


def _team_page(request: OfficeRequest, form: InviteForm, *, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    context = {
        "team": team.team(request.practice),
        "form": form,
        "link_works_for": rendering.duration(SET_UP_LINK_TTL),
    }
    return render(request, "office/settings/team.html", context, status=status)


def _member_page(
    request: OfficeRequest,
    staff: StaffMember,
    *,
    form: RoleForm | None = None,
    moving: MoveClientsForm | None = None,
    refusal: Refused | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """Renders the saved state; after a conflict the chosen role stays selected, so that saving again overwrites."""
    saved = _get_member(request, staff.ref)
    role = form["role"].value() if form is not None else saved.role
    context = {
        "colleague": team.colleague(saved),
        "member": saved,
        "is_self": saved.pk == request.staff.pk,
        "form": form if form is not None and form.errors.get("role") else None,
        "role_form": RoleForm(initial={"role": role, "version": saved.version}),
        "client_count": client_list.count(Client.objects.filter(practice=request.practice, clinician=saved)),
        "moving": moving or MoveClientsForm(_other_clinicians(saved)),
        "refusal": refusal,
        "changed_meanwhile": isinstance(refusal, StaffConflict),
    }
    return render(request, "office/settings/team_member.html", context, status=status)
