from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0008_held_sessions"),
    ]

    operations = [
        migrations.AddField(
            model_name="dagrun",
            name="cancel_reason",
            # With a default of the database's: processes of the release before go on.
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]
