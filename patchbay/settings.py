"""Patchbay's settings: one file for every installation, read from the environment."""

from __future__ import annotations

import os
from pathlib import Path

import django_stubs_ext

from patchbay.environment import Environment
from patchbay.logs import logging_settings

# Lets classes name what they are generic over (`ModelAdmin[Dag]`) when they run, too.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
environment = Environment(os.environ, base=BASE_DIR)

PATCHBAY_HOME = environment.home
PATCHBAY_VERSION = "0.1.0"
DAGS_FOLDER = Path(environment.text("DAGS_FOLDER", default=str(BASE_DIR / "dags")))
DAG_PARSE_TIMEOUT = environment.seconds("DAG_PARSE_TIMEOUT", default=10)
#: Whether the schedule of a new DAG waits until somebody switches it on.
DAGS_PAUSED_AT_CREATION = environment.boolean("DAGS_PAUSED_AT_CREATION", default=True)
#: Whether scheduled runs have data intervals, and come at their end, as in Airflow 2.
CRON_DATA_INTERVALS = environment.boolean("CRON_DATA_INTERVALS", default=False)
#: How long a worker holds a task instance without renewing, before another may take it over.
LEASE_SECONDS = environment.seconds("LEASE_SECONDS", default=30)
#: Whether workers run the Python code of DAG files as tasks; what it may use: memory, in MiB, and
#: the variables of the worker's environment that it sees beside the usual ones.
PYTHON_TASKS = environment.boolean("PYTHON_TASKS", default=True)
PYTHON_TASK_MEMORY = environment.whole_number(
    "PYTHON_TASK_MEMORY", default=2048, least=128, most=1_048_576
)
PYTHON_TASK_ENVIRONMENT = environment.passed_on("PYTHON_TASK_ENVIRONMENT")
#: How large the JSON of one result that a task leaves for others may be.
XCOM_BYTES = environment.whole("XCOM_BYTES", default=49_152, between=(1, 10_000_000))
#: How long a token lasts that was got by a password, in seconds: a day; less than a year.
TOKEN_LIFETIME = int(environment.seconds("TOKEN_LIFETIME", default=86_400, below=31_536_000))
#: How often a name may fail to sign in.
SIGN_IN_LIMIT = environment.rate("SIGN_IN_LIMIT", default="10/5m")

#: How long the API waits for a worker's test of a connection, in seconds.
CONNECTION_TEST_WAIT = environment.seconds("CONNECTION_TEST_WAIT", default=20)

SECRET_KEY = environment.secret_key()
FIELD_ENCRYPTION_KEY = environment.field_encryption_keys()
DEBUG = False
ALLOWED_HOSTS = environment.names("ALLOWED_HOSTS") or ["127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = environment.names("CSRF_TRUSTED_ORIGINS")
HTTPS = environment.boolean("HTTPS", default=True)

INSTALLED_APPS = [
    "patchbay.apps.PatchbayAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "ninja",
    "access.apps.AccessConfig",
    "connections.apps.ConnectionsConfig",
    "tasks.apps.TasksConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "patchbay.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "access.middleware.RightsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "patchbay.urls"
ASGI_APPLICATION = "patchbay.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "access.rights.offered",
                "patchbay.navigation.navigation",
            ],
            "builtins": ["patchbay.templatetags.patchbay", "patchbay.templatetags.help"],
        },
    },
]

DATABASES = {"default": environment.database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "login"

BROKER_URL = environment.broker_url()
#: Whether the broker is the one that `make run` starts and ends.
BROKER_IS_LOCAL = environment.is_from_local_file("BROKER_URL")

LANGUAGE_CODE = "en"
TIME_ZONE = environment.text("TIME_ZONE", default="UTC")
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles" if HTTPS else None
STATICFILES_DIRS = [BASE_DIR / "static"]
# Without HTTPS (a try-out on one machine) files are served as they lie, so that no build
# step stands between a clone and a first page.
WHITENOISE_USE_FINDERS = not HTTPS
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "patchbay.storage.HashedStaticFilesStorage"
        if HTTPS
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
#: A form that acts on a thousand connections names each of them.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

LOGGING_CONFIG = "patchbay.logs.configure"
LOGGING = logging_settings(
    environment.choice("LOG_LEVEL", among=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
)
