"""The addresses of a practice's entrance."""

from django.urls import path

from portico.web.entrance import doorway, link

app_name = "entrance"
urlpatterns = [
    path("", doorway.show, name="doorway"),
    path("link/", link.show, name="link"),
    path("link/<str:token>/", link.arrive, name="link_arrival"),
]
