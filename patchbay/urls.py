from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from patchbay.health import healthz
from tasks.views import dashboard

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("", include("tasks.urls")),
    path("connections/", include("connections.urls")),
    path("audit/", include("access.urls")),
    path("admin/", admin.site.urls),
    path("login/", LoginView.as_view(template_name="access/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("healthz", healthz),
]
