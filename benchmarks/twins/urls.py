"""Addresses of the twins."""

from django.urls import path

from benchmarks.twins import lean, login, ordinary

urlpatterns = [
    path("lean/<slug:slug>/", lean.billing, name="lean"),
    path("ordinary/<slug:slug>/", ordinary.billing, name="ordinary"),
    path("ordinary/<slug:slug>/<str:ref>/", ordinary.billing, name="ordinary_bill"),
    path("hooks/<slug:slug>/", lean.webhook, name="webhook"),
    path("login/", login.show, name="login"),
]
