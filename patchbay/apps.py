from django.contrib.admin.apps import AdminConfig


class PatchbayAdminConfig(AdminConfig):
    default_site = "patchbay.admin.PatchbayAdminSite"
