from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0002_rights"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="step",
            index=models.Index(
                condition=models.Q(("number", 2), ("state", "success")),
                fields=["conn_id", "-started_at"],
                name="step_last_use",
            ),
        ),
    ]
