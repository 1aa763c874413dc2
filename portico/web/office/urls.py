"""The office's addresses."""

from django.urls import path

from portico.web.office import (
    activity,
    client_info,
    client_list,
    client_portal,
    create_client,
    emails,
    guide,
    kept_post,
    overview,
    proving,
    setting_up,
    settings_index,
    settings_trail,
    sign_in,
)

app_name = "office"
urlpatterns = [
    path("", client_list.home, name="home"),
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("set-up/<str:token>/", setting_up.open_link, name="set_up_arrival"),
    path("set-up/", setting_up.choose_password, name="set_up"),
    path("prove/", proving.prove, name="prove"),
    path("prove/passkey/", proving.prove_by_passkey, name="prove_by_passkey"),
    path("help/", guide.show, name="help"),
    path("kept/<str:ref>/", kept_post.show, name="kept_post"),
    path("clients/", client_list.index, name="clients"),
    path("clients/new/", create_client.create, name="create_client"),
    path("clients/<str:ref>/", overview.show, name="client"),
    path("clients/<str:ref>/activity/", activity.show, name="client_activity"),
    path("clients/<str:ref>/archiving/", overview.archive, name="client_archiving"),
    path("clients/<str:ref>/restoring/", overview.restore, name="client_restoring"),
    path("clients/<str:ref>/edit/info/", client_info.edit, name="client_info"),
    path("clients/<str:ref>/edit/portal/", client_portal.edit, name="client_portal"),
    path("clients/<str:ref>/edit/portal/draft/", client_portal.keep_draft, name="invitation_draft"),
    path("clients/<str:ref>/edit/portal/preview/", client_portal.preview, name="invitation_preview"),
    path("emails/", emails.index, name="emails"),
    path("emails/<str:ref>/", emails.show, name="email"),
    path("emails/<str:ref>/restart/", emails.restart, name="email_restart"),
    path("settings/", settings_index.index, name="settings"),
    path("settings/trail/", settings_trail.index, name="trail"),
]
