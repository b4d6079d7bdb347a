"""A limit on how many tasks may have a session of a connection at once."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0005_encrypted_schema")]
    operations = [
        migrations.AddField(
            "connection",
            "max_sessions",
            models.PositiveIntegerField(
                "sessions at once",
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(10_000),
                ],
            ),
        ),
    ]
