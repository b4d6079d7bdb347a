from typing import Any

from django.db import migrations, models


class AddIndexMeanwhile(migrations.AddIndex):
    """On PostgreSQL the index is made while others write: the table may be large."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.add_index(model, self.index, concurrently=True)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("tasks", "0009_cancel_reason"),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name="step",
            index=models.Index(
                condition=models.Q(("number__in", (2, 3)), ("state", "failed")),
                fields=["conn_id", "-ended_at"],
                name="step_last_refusal",
            ),
        ),
    ]
