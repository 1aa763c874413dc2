"""The root URL configuration; each audience has its own."""

from django.urls import include, path

from portico.web import error_pages
from portico.web.entrance import branding, front_page
from portico.web.hooks import health, mail, stripe

urlpatterns = [
    path("", front_page.front_door, name="front_door"),
    path("office/", include("portico.web.office.urls")),
    path("portal/<slug:slug>/", include("portico.web.entrance.urls")),
    path("portal/<slug:slug>/", include("portico.web.portal.urls")),
    path("look/hue-<int:degrees>.css", branding.hue, name="hue"),
    path("hooks/stripe/<slug:slug>/", stripe.receive, name="stripe_hook"),
    path("hooks/mail/<str:provider>/", mail.receive, name="mail_hook"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler400 = error_pages.bad_request
handler403 = error_pages.forbidden
handler404 = error_pages.not_found
handler500 = error_pages.server_error
