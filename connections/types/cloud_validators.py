"""Checks of what clouds and databases ask for: key IDs, regions, ARNs, hosts, account names.

Each returns the words of what is wrong, or an empty text; none quotes the value.
What follows a specification names it.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from connections.types.service_validators import hostname
from connections.types.validators import absolute_path, http_url
from connections.types.values import truth

#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
ACCESS_KEY_ID = re.compile(r"(AKIA|ASIA|A3T[A-Z0-9]|ABIA|ACCA)[A-Z0-9]{12,}")
SECRET_ACCESS_KEY = re.compile(r"[A-Za-z0-9/+]{40}")
REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,2}-[0-9]{1,2}")
ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:([a-z-]+)/[\w+=,.@/-]+")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
DOMAIN = re.compile(r"(?=.{4,253}\Z)[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
CONNECTION_ID = re.compile(r"[\w.-]{1,200}")
SNOWFLAKE_ACCOUNT = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
SNOWFLAKE_DOMAIN = re.compile(r"\.snowflakecomputing\.(com|cn)", re.IGNORECASE)
TIMEZONE = re.compile(r"[A-Za-z][\w+-]*(/[\w+-]+)*|[+-][0-9]{2}:[0-9]{2}")


# Amazon


def access_key_id(value: str) -> str:
    if ACCESS_KEY_ID.fullmatch(value):
        return ""
    if value != value.strip():
        return "There is space before or after it."
    if SECRET_ACCESS_KEY.fullmatch(value):
        return "This looks like the secret: have the two changed places?"
    return "An access key ID begins with AKIA or ASIA and has 16 or more capitals and digits."


def secret_access_key(value: str) -> str:
    if SECRET_ACCESS_KEY.fullmatch(value):
        return ""
    if value != value.strip():
        return "There is space before or after it."
    if ACCESS_KEY_ID.fullmatch(value):
        return "This looks like an access key ID: have the two changed places?"
    return "A secret access key has 40 letters, digits, / and +. Copy it again, whole."


def region(value: str) -> str:
    if REGION.fullmatch(value):
        return ""
    if REGION.fullmatch(value[:-1]) and value[-1:].isalpha():
        return "This is an availability zone: leave out the letter at its end."
    return "A region such as eu-west-1."


def role_arn(value: str) -> str:
    return _arn(value, "role")


def saml_provider_arn(value: str) -> str:
    return _arn(value, "saml-provider")


def _arn(value: str, kind: str) -> str:
    found = ARN.fullmatch(value)
    if found and found[1] == kind:
        return ""
    if found:
        return f"This is the ARN of something else: one of a {kind} is needed."
    return f"An ARN such as arn:aws:iam::123456789012:{kind}/reports."


def verification(value: str) -> str:
    """Whether certificates are verified, or against which bundle."""
    if truth(value) is not None or not absolute_path(value):
        return ""
    return "true, false, or the path of a CA bundle, beginning with /."


def service_config(value: dict[str, Any]) -> str:
    """Options by service: ``{"s3": {"endpoint_url": …}}``."""
    for name, options in value.items():
        if not isinstance(options, dict):
            return f'“{name}” must hold an object, for example {{"bucket_name": "…"}}.'
        url = options.get("endpoint_url")
        if url and (words := http_url(str(url))):
            return f"endpoint_url of “{name}”: {words}"
    return ""


def token_seconds(value: int) -> str:
    """https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html"""
    return "" if 900 <= value <= 3600 else "From 900 to 3600 seconds."


# Microsoft


def uuid(value: str) -> str:
    if UUID.fullmatch(value):
        return ""
    return "An ID such as 72f988bf-86f1-41af-91ab-2d7cd011db47."


def tenant(value: str) -> str:
    """A directory, by its ID or by one of its domains."""
    if UUID.fullmatch(value) or DOMAIN.fullmatch(value):
        return ""
    return "The ID of a tenant, or its domain, such as acme.onmicrosoft.com."


# Hosts


def database_host(value: str) -> str:
    """A name or an address, several with commas, or the folder of a Unix socket.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-HOST
    """
    if value.startswith("/"):
        return "A folder's path without spaces." if re.search(r"\s", value) else ""
    return next((words for host in value.split(",") if (words := hostname(host.strip()))), "")


def sql_server_host(value: str) -> str:
    r"""A name or an address, with an instance or without: ``server\instance``."""
    host, backslash, instance = value.partition("\\")
    if "," in host:
        return "The host alone: the port has a field of its own."
    if backslash and not re.fullmatch(r"[\w$#-]+", instance):
        return "An instance's name comes after the \\, for example server\\SQLEXPRESS."
    return "" if host in (".", "(local)") else hostname(host)


def host_or_url(value: str) -> str:
    """A host, or the URL of one, with nothing behind it."""
    if "://" not in value:
        return hostname(value.rstrip("/"))
    if words := http_url(value):
        return words
    return "" if urlsplit(value).path in ("", "/") else "The host alone: leave out the path."


def databricks_host(value: str) -> str:
    """A workspace, as its address bar shows it. Azure's ``?o=`` says which workspace."""
    return host_or_url(re.sub(r"/?\?o=[0-9]+\Z", "", value))


# Files


def file_path(value: str) -> str:
    """A path that a client library reads on the worker."""
    if "-----BEGIN" in value:
        return "The path of the file on the worker is needed, not what stands in it."
    return "A path without line ends." if re.search(r"[\r\n\0]", value) else ""


def sqlite_file(value: str) -> str:
    """A path, ``:memory:`` or a URI. https://www.sqlite.org/uri.html"""
    if value.startswith("sqlite:"):
        return "The path alone: leave out sqlite://."
    if value.startswith("file:"):
        rest = value.removeprefix("file:")
        if rest.startswith("//") and not re.match(r"//(localhost)?/", rest):
            return "A URI of a file names no host: file:/path."
        return "" if rest else "The path is missing after file:."
    if "://" in value:
        return "A path, or a URI that begins with file:."
    if value != value.strip():
        return "There is space before or after it."
    return "This is a folder: the path of a file is needed." if value.endswith("/") else ""


# Names


def connection_id(value: str) -> str:
    if CONNECTION_ID.fullmatch(value):
        return ""
    return "The ID of another connection: letters, digits, dashes, dots and underscores."


def sqlalchemy_scheme(value: str) -> str:
    """What stands before ``://``. Airflow's hooks refuse a colon and a slash in it."""
    return "" if re.fullmatch(r"[\w+.-]+", value) else "A name such as postgresql+psycopg."


def snowflake_account(value: str) -> str:
    """https://docs.snowflake.com/en/user-guide/admin-account-identifier"""
    if "://" in value:
        return "The account alone: leave out https://."
    if SNOWFLAKE_DOMAIN.search(value):
        return "The account alone: leave out .snowflakecomputing.com."
    if SNOWFLAKE_ACCOUNT.fullmatch(value):
        return ""
    return "An account identifier such as acme-reports or xy12345.eu-west-1."


def snowflake_authenticator(value: str) -> str:
    """A name, or the URL of an organisation at Okta."""
    if "://" in value:
        return http_url(value)
    return "" if re.fullmatch(r"[A-Za-z_]+", value) else "A name such as oauth, or an Okta URL."


def http_path(value: str) -> str:
    """The path of a SQL warehouse or cluster of Databricks."""
    if "://" in value:
        return "The path alone: it begins with /sql/."
    return "A path without spaces, for example /sql/1.0/warehouses/ab12." if " " in value else ""


def dotted_path(value: str) -> str:
    if all(part.isidentifier() for part in re.split(r"[.:]", value)) and "." in value:
        return ""
    return "The path of a function in Python, for example acme.tokens.fetch."


def time_zone(value: str) -> str:
    return "" if TIMEZONE.fullmatch(value) else "A time zone such as Europe/Berlin or +02:00."


def seconds_of_token(value: int) -> str:
    return "" if value > 0 else "A number of seconds above 0."


# Looking at several values


def is_on(values: dict[str, Any], name: str) -> bool:
    """Whether a boolean is set; one that chooses a method may still be a text."""
    return truth(values.get(name)) is True


def needed(values: dict[str, Any], names: tuple[str, ...], *, method: str) -> dict[str, str]:
    """The words for each of ``names`` that a method needs and that isn't set."""
    return {
        name: f"“{method}” needs this." for name in names if values.get(name) in (None, "", False)
    }
