from django.urls import path

from connections.views import deletion, form, listing, testing

urlpatterns = [
    path("", listing.index, name="connections"),
    path("new/", form.create, name="connection-new"),
    path("check-id/", form.check_conn_id, name="connection-check-id"),
    path("test/", testing.start, name="connection-test"),
    path("test/<int:pk>/", testing.result, name="connection-test-result"),
    path("<str:conn_id>/edit/", form.edit, name="connection-edit"),
    path("<str:conn_id>/overview/", form.edit, name="connection"),
    path("<str:conn_id>/delete/", deletion.delete, name="connection-delete"),
]
