from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0008_held_sessions"),
    ]

    operations = [
        migrations.AddField(
            model_name="dagrun",
            name="cancel_reason",
            field=models.TextField(blank=True),
        ),
        migrations.AddIndex(
            model_name="step",
            index=models.Index(
                condition=models.Q(("number__in", (2, 3)), ("state", "failed")),
                fields=["conn_id", "-ended_at"],
                name="step_last_refusal",
            ),
        ),
    ]
