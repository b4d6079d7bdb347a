from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "Tasks"

    def ready(self) -> None:
        from django.core import checks

        from connections import dependents
        from connections.checks import PACKAGES
        from tasks.checks import check_packages
        from tasks.usage import PROVIDER

        dependents.register(PROVIDER)
        checks.register(check_packages, PACKAGES)
