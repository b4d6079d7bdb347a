from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "Tasks"

    def ready(self) -> None:
        from connections import dependents
        from tasks.usage import dags_that_use

        dependents.register(dags_that_use)
