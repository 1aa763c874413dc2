"""URLs of a practice's entrance."""

from django.urls import path

from portico.web.entrance import ask_for_help, branding, code, guide, link, new_email, new_link, pin, request_link

app_name = "entrance"
urlpatterns = [
    path("", request_link.show, name="doorway"),
    path("code/", code.show, name="code"),
    path("help/", guide.show, name="help"),
    path("help/request/", ask_for_help.show, name="ask_for_help"),
    path("again/", new_link.send, name="again"),
    path("logo/<str:digest>.png", branding.logo, name="logo"),
    path("link/", link.show, name="link"),
    path("pin/", pin.enter, name="pin"),
    path("new-email/", new_email.show, name="new_email"),
    path("new-email/<str:token>/", new_email.open_link, name="new_email_arrival"),
    path("link/<str:token>/", link.open_link, name="link_arrival"),
]
