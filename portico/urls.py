"""Every address. Each audience has its own list."""

from django.urls import include, path

from portico.web import refusals
from portico.web.entrance import front, look
from portico.web.hooks import health, stripe

urlpatterns = [
    path("", front.front_door, name="front_door"),
    path("office/", include("portico.web.office.urls")),
    path("portal/<slug:slug>/", include("portico.web.entrance.urls")),
    path("portal/<slug:slug>/", include("portico.web.portal.urls")),
    path("look/hue-<int:degrees>.css", look.hue, name="hue"),
    path("hooks/stripe/<slug:slug>/", stripe.receive, name="stripe_hook"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler400 = refusals.bad_request
handler403 = refusals.forbidden
handler404 = refusals.not_found
handler500 = refusals.server_error
