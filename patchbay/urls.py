from django.contrib import admin
from django.urls import include, path

from patchbay.api.errors import server_error
from patchbay.health import healthz
from tasks.views import dashboard

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("", include("tasks.urls")),
    path("connections/", include("connections.urls")),
    path("", include("access.urls")),
    path("help/", include("patchbay.help.urls")),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("", include("patchbay.api.urls")),
]
handler500 = server_error
