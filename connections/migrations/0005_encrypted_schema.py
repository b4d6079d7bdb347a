"""Encrypts the schemas: azure_service_bus, as Airflow has it, keeps its connection string there."""

from django.db import migrations

import connections.fields


def encrypt(apps, schema_editor):
    model = apps.get_model("connections", "Connection")
    for row in model.objects.exclude(plain_schema="").only("pk", "plain_schema", "schema"):
        row.schema = row.plain_schema
        row.save(update_fields=["schema"])


def decrypt(apps, schema_editor):
    model = apps.get_model("connections", "Connection")
    for row in model.objects.exclude(schema__isnull=True).only("pk", "plain_schema", "schema"):
        row.plain_schema = row.schema
        row.save(update_fields=["plain_schema"])


class Migration(migrations.Migration):
    dependencies = [("connections", "0004_parked_text")]
    operations = [
        migrations.RenameField("connection", "schema", "plain_schema"),
        migrations.AddField(
            "connection", "schema", connections.fields.SecretTextField(blank=True, null=True)
        ),
        migrations.RunPython(encrypt, decrypt),
        migrations.RemoveField("connection", "plain_schema"),
    ]
