from django.contrib.auth.views import LogoutView
from django.urls import path

from access.rights import open_to_signed_in
from access.views import audit, profile, signing_in, tokens, users

urlpatterns = [
    path("login/", signing_in.SignIn.as_view(), name="login"),
    path("logout/", open_to_signed_in(LogoutView.as_view()), name="logout"),
    path("audit/", audit.audit, name="audit"),
    path("settings/", profile.profile, name="settings"),
    path("settings/password/", profile.password, name="settings-password"),
    path("settings/tokens/", tokens.tokens, name="tokens"),
    path("settings/tokens/<int:pk>/delete/", tokens.delete, name="token-delete"),
    path("settings/users/", users.index, name="users"),
    path("settings/users/new/", users.create, name="user-new"),
    path("settings/users/<int:pk>/", users.detail, name="user"),
    path("settings/users/<int:pk>/role/", users.role, name="user-role"),
    path("settings/users/<int:pk>/password/", users.password, name="user-password"),
    path("settings/users/<int:pk>/activation/", users.activation, name="user-activation"),
    path("settings/users/<int:pk>/delete/", users.delete, name="user-delete"),
]
