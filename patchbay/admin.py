"""The Django admin in Patchbay's clothes."""

from django.contrib import admin


class PatchbayAdminSite(admin.AdminSite):
    site_header = "Patchbay admin"
    site_title = "Patchbay"
    index_title = "Tables"
    enable_nav_sidebar = True
