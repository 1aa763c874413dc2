"""The login page of Django's manual: its own form, its own template."""

from django.contrib.auth.forms import AuthenticationForm
from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest, HttpResponse
from django.template import RequestContext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from benchmarks.twins.application import engine


class LoginForm(AuthenticationForm):
    default_renderer = DjangoTemplates


@never_cache
@csrf_protect
def show(request: HttpRequest) -> HttpResponse:
    context = {"form": LoginForm(request), "next": request.GET.get("next", "")}
    return HttpResponse(engine.get_template("twins/login.html").render(RequestContext(request, context)))
