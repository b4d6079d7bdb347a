from django.urls import path

from connections.views import bulk, deletion, detail, form, listing, paste, testing, transfer

urlpatterns = [
    path("", listing.index, name="connections"),
    path("new/", form.create, name="connection-new"),
    path("paste/", paste.paste, name="connection-paste"),
    path("import/", transfer.import_page, name="connections-import"),
    path("export/", transfer.export_page, name="connections-export"),
    path("bulk/", bulk.bulk, name="connections-bulk"),
    path("check-id/", form.check_conn_id, name="connection-check-id"),
    path("test/", testing.start, name="connection-test"),
    path("test/<int:pk>/", testing.result, name="connection-test-result"),
    path("<str:conn_id>/edit/", form.edit, name="connection-edit"),
    path("<str:conn_id>/overview/", detail.overview, name="connection"),
    path("<str:conn_id>/health/", detail.health, name="connection-health"),
    path("<str:conn_id>/used-by/", detail.used_by, name="connection-used-by"),
    path("<str:conn_id>/audit/", detail.audit, name="connection-audit"),
    path("<str:conn_id>/delete/", deletion.delete, name="connection-delete"),
    path("<str:conn_id>/", detail.short, name="connection-short"),
]
