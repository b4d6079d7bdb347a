from django.urls import path

from patchbay.help import views

urlpatterns = [
    path("", views.index, name="help"),
    path("<path:page>/", views.page, name="help-page"),
]
