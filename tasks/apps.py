from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "Tasks"

    def ready(self) -> None:
        from connections import dependents
        from tasks.usage import PROVIDER

        dependents.register(PROVIDER)
