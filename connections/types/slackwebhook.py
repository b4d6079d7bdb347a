"""slackwebhook: an incoming webhook of Slack, or of a service that speaks like it.

Source: airflow/providers/slack/hooks/slack_webhook.py of Airflow (9.11);
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
"""

from __future__ import annotations

import re
from typing import Any

from connections.types import standard
from connections.types.base import ConnectionType
from connections.types.service_validators import web_host
from connections.types.slack import PROXY, TIMEOUT
from connections.types.validators import http_url

TOKEN_PATTERN = re.compile(r"^/?T\w+/B\w+/\w+\Z", re.ASCII)
#: A path of Slack that holds a token: it is a secret, and a host is shown.
TOKEN_IN_PATH = re.compile(r"/(services|workflows|triggers)/\w+/.", re.ASCII)
SLACKS_OWN = re.compile(r"^(https?://)?hooks\.slack(-gov)?\.com(/services)?/?\Z", re.I)


def endpoint(value: str) -> str:
    """The host, with its path and its scheme or without, but without the token."""
    if TOKEN_IN_PATH.search(value):
        return "This holds the token, and it is shown. Move the whole URL to the webhook token."
    if "?" in value:
        return "An address without a ? part."
    return web_host(value)


def webhook(value: str) -> str:
    """A token, or the whole URL of a webhook."""
    token = value.strip()
    if "://" not in token:
        return "A token without spaces." if re.search(r"[\s\0]", token) else ""
    if words := http_url(token):
        return words
    has_token = "/" in token.partition("://")[2].strip("/") and not SLACKS_OWN.match(token)
    return "" if has_token else "The whole URL of the webhook, with the token at its end."


def _check(values: dict[str, Any]) -> dict[str, str]:
    """Slack's own tokens have three parts; services that are like Slack have others."""
    token, host = values["password"] or "", values["host"] or ""
    if not token or "://" in token or (host and not SLACKS_OWN.match(host)):
        return {}
    if token.strip().startswith(("xox", "xapp-")):
        return {"password": "This is a token of Slack's API. Choose the type Slack for it."}
    if TOKEN_PATTERN.match(token.strip()):
        return {}
    return {"password": "A token of a webhook is T…/B…/…, or give the whole URL."}


SLACKWEBHOOK = ConnectionType(
    name="slackwebhook",
    label="Slack webhook",
    category="Notification",
    description="Messages to one channel of Slack",
    fields=(
        standard.host(
            label="Endpoint",
            placeholder="hooks.slack.com/services",
            default="hooks.slack.com/services",
            help="For a service that is like Slack, or a proxy of your own.",
            check=endpoint,
        ),
        standard.schema(label="Scheme", choices=("https", "http"), default="https"),
        standard.password(
            label="Webhook token",
            placeholder="T00000000/B00000000/…",
            help="The end of the webhook's URL, or the whole URL.",
            check=webhook,
        ),
        TIMEOUT,
        PROXY,
    ),
    docs="docs/connection-types-services.md#slack-webhook",
    legacy_prefix="extra__slackwebhook__",
    check=_check,
)
