from django.apps import AppConfig
from django.core import checks


class ConnectionsConfig(AppConfig):
    name = "connections"
    verbose_name = "Connections"

    def ready(self) -> None:
        from connections.checks import PACKAGES, check_packages
        from connections.search import check_search_indexes

        checks.register(check_packages, PACKAGES)
        checks.register(check_search_indexes, checks.Tags.database)
