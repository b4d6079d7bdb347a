"""slack: Slack's Web API.

Source: airflow/providers/slack/hooks/slack.py and docs/connections/slack.rst of Airflow (9.11);
https://docs.slack.dev/authentication/tokens for the kinds of tokens.
"""

from __future__ import annotations

import re

from connections.types import standard
from connections.types.base import ConnectionType, TypeField
from connections.types.service_validators import duration, proxy
from connections.types.validators import http_url

#: xoxb- a bot, xoxp- a user, xoxe. a rotated one, xapp- an app, xwfp- a workflow.
TOKEN_PATTERN = re.compile(r"^(xox[a-z]|xoxe\.xox[a-z]|xapp|xwfp)-[\w.-]+\Z", re.ASCII)

TIMEOUT = TypeField(
    "timeout",
    "Timeout",
    kind="integer",
    group="network",
    placeholder="30",
    default="30",
    help="Seconds.",
    check=duration,
)
PROXY = TypeField(
    "proxy",
    "Proxy",
    kind="secret",
    group="network",
    secret=True,
    placeholder="http://proxy.example.com:3128",
    help="Its URL. Kept secret: it may hold a password.",
    check=proxy,
)


def slack_token(value: str) -> str:
    token = value.strip()
    if "://" in token:
        return "This is a URL. For an incoming webhook, choose the type Slack webhook."
    if TOKEN_PATTERN.match(token):
        return ""
    return "A token of Slack begins with xoxb-, xoxp- or xapp- and has no spaces in it."


SLACK = ConnectionType(
    name="slack",
    label="Slack",
    category="Notification",
    description="Messages and files through Slack's API",
    fields=(
        standard.password(
            label="API token",
            placeholder="xoxb-…",
            help="Of the bot: Slack's page of the app, OAuth & Permissions.",
            check=slack_token,
        ),
        TypeField(
            "base_url",
            "Base URL",
            group="network",
            placeholder="https://slack.com/api/",
            default="https://slack.com/api/",
            help="For GovSlack, or a stand-in.",
            check=http_url,
        ),
        TIMEOUT,
        PROXY,
    ),
    docs="docs/connection-types-services.md#slack",
    legacy_prefix="extra__slack__",
)
