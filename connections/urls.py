from django.urls import path

from connections import views

urlpatterns = [
    path("", views.index, name="connections"),
    path("new/", views.create, name="connection-new"),
    path("check-id/", views.check_conn_id, name="connection-check-id"),
    path("<str:conn_id>/edit/", views.edit, name="connection"),
    path("<str:conn_id>/delete/", views.delete, name="connection-delete"),
]
