from django.contrib.admin.apps import AdminConfig


class PatchbayAdminConfig(AdminConfig):
    default_site = "patchbay.admin.PatchbayAdminSite"

    def ready(self) -> None:
        super().ready()
        # Every process that may send a message needs the app that knows the broker.
        from patchbay import celery  # noqa: F401
