from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from access.rights import open_to_signed_in
from access.views import SignIn
from patchbay.health import healthz
from tasks.views import dashboard

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("", include("tasks.urls")),
    path("connections/", include("connections.urls")),
    path("audit/", include("access.urls")),
    path("admin/", admin.site.urls),
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", open_to_signed_in(LogoutView.as_view()), name="logout"),
    path("healthz", healthz),
]
