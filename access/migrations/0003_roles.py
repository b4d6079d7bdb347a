"""Makes the four roles, as groups of Django's with the permissions of their rights."""

from django.db import migrations

from access.rights import ADMIN, ROLES

#: What the Django admin asks for, beside the rights: every act on every table of these.
APPS_OF_ADMIN = ("access", "auth", "connections", "tasks")
ACTS = ("view", "add", "change", "delete")


def make_roles(apps, schema_editor):
    """Django makes permissions after all migrations: those that roles need are made here."""
    group = apps.get_model("auth", "Group")
    for name, rights in ROLES.items():
        role, _ = group.objects.get_or_create(name=name)
        role.permissions.set([_permission(apps, right) for right in rights])
        if rights == ADMIN:
            role.permissions.add(*_permissions_of_tables(apps))


def _permission(apps, right):
    app_label, _, codename = right.value.partition(".")
    for model in apps.get_app_config(app_label).get_models():
        options = model._meta
        own = dict(options.permissions) | {
            f"{act}_{options.model_name}": f"Can {act} {options.verbose_name}" for act in ACTS
        }
        if codename in own:
            return _made(apps, model, codename, own[codename])
    raise LookupError(right)


def _permissions_of_tables(apps):
    for app_label in APPS_OF_ADMIN:
        for model in apps.get_app_config(app_label).get_models():
            for act in ACTS:
                name = f"Can {act} {model._meta.verbose_name}"
                yield _made(apps, model, f"{act}_{model._meta.model_name}", name)


def _made(apps, model, codename, name):
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label=model._meta.app_label, model=model._meta.model_name
    )
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": name}
    )
    return permission


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0002_api_tokens"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("connections", "0002_tests_and_rights"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("tasks", "0002_rights"),
    ]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
