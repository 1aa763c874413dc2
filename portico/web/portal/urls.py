"""The portal's addresses."""

from django.urls import path

from portico.web.portal import billing, home, people, profile

app_name = "portal"
urlpatterns = [
    path("home/", home.show, name="home"),
    path("who/", people.choose, name="who"),
    path("billing/", billing.index, name="billing"),
    path("billing/<str:ref>/", billing.show, name="invoice"),
    path("profile/", profile.show, name="profile"),
    path("language/", profile.choose_language, name="language"),
    path("sessions/<str:ref>/end/", profile.end_session, name="session_end"),
    path("sign-out/", profile.sign_out, name="sign_out"),
]
