"""The last runs of each DAG without reading all of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0005_rows_of_earlier_releases")]
    operations = [
        migrations.AddIndex(
            model_name="dagrun",
            index=models.Index(fields=["dag", "-queued_at"], name="run_by_dag"),
        )
    ]
