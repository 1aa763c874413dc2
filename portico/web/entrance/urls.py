"""The addresses of a practice's entrance."""

from django.urls import path

from portico.web.entrance import again, code, doorway, guide, link, look, pin

app_name = "entrance"
urlpatterns = [
    path("", doorway.show, name="doorway"),
    path("code/", code.show, name="code"),
    path("help/", guide.show, name="help"),
    path("again/", again.ask, name="again"),
    path("logo/<str:digest>.png", look.logo, name="logo"),
    path("link/", link.show, name="link"),
    path("pin/", pin.enter, name="pin"),
    path("link/<str:token>/", link.arrive, name="link_arrival"),
]
