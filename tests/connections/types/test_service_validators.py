"""What checks of hosts, URLs, addresses, tokens and keys take and refuse, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connections.types import service_validators as checks
from connections.types.github import app_id, github_token
from connections.types.kubernetes import LONGEST_CONFIG, kubeconfig
from connections.types.slack import slack_token
from connections.types.slackwebhook import endpoint, webhook
from connections.types.ssh_host_keys import KEY_TYPES, WHERE, host_key
from tests.connections.types import service_examples as examples

HEX = "0123456789abcdef0123456789abcdef01234567"
LABEL = "a" * 63

RIGHT: list[tuple[Callable[[Any], str], list[Any]]] = [
    (
        checks.hostname,
        [
            "localhost",
            "db.example.com",
            "db.example.com.",
            "host.docker.internal",
            "my_service",
            "10.0.0.1",
            "::1",
            "[::1]",
            "fe80::1%eth0",
            "größe.example",
            "1a",
            LABEL,
        ],
    ),
    (checks.server, ["a", "a:1", "a:65535", "[::1]:9092", "::1", "10.0.0.1:80"]),
    (checks.servers, ["a:27017,b:27017, c", "a"]),
    (checks.bootstrap_servers, ["broker:29092", "SASL_SSL://a:9093,ssl://b:9093,c", "a:1,b:2"]),
    (
        checks.web_host,
        [
            "https://www.httpbin.org/",
            "api.example.com/v1",
            "api.example.com:8080",
            "[::1]:8080",
            "http://localhost:8080/a?format=json&codec=x",
            "_http._tcp.example.com",
            "HTTPS://a",
        ],
    ),
    (
        checks.registry,
        ["https://index.docker.io/v1/", "ghcr.io/org", "localhost:5000", "registry.example.com"],
    ),
    (
        checks.proxy,
        ["http://proxy.example.com:3128", "socks5h://u:p@proxy:1080/", "proxy.example.com:3128"],
    ),
    (checks.proxies, [{"https": "http://u:p@proxy:3128", "http": "proxy:3128"}, {}]),
    (
        checks.email_address,
        ["a@b.example", "airflow@localhost", "Reports <reports@example.com>", "a+b@c-d.example"],
    ),
    (checks.worker_path, ["/run/key", "~/.ssh/id_rsa", "path/to/key.pem", "/a b/c", "none"]),
    (checks.duration, [1, 0.5, 36_000]),
    (checks.milliseconds, [1, 60_000]),
    (checks.count, [0, 1000]),
    (checks.namespace, ["default", "a", "team-1"]),
    (checks.header, ["Bearer abc.def-ghi", "Token a\tb", "a:b"]),
    (checks.names, [["aes256-ctr"]]),
    (checks.json_text, ["{}", '{"requests": {"cpu": "1m"}}']),
    (
        slack_token,
        [
            "xoxb-1-2-abc",
            "xoxp-1-abc",
            "xapp-1-A0-1-ab",
            "xoxe.xoxb-1-abc",
            "xoxe-1-abc\n",
            "xoxa-2-abc",
            "xwfp-1-abc",
        ],
    ),
    (
        webhook,
        [
            "T00/B00/abc",
            "/T00/B00/abc",
            "https://hooks.slack.com/services/T00/B00/abc",
            "ab-c",
            "https://hooks.slack.com/workflows/T0/A0/1/a",
            "https://chat.example.com/hooks/abc",
        ],
    ),
    (
        endpoint,
        ["hooks.slack.com/services", "https://hooks.slack.com/services/", "http://chat:8065/hooks"],
    ),
    (
        github_token,
        ["ghp_" + "a" * 36, "ghs_" + "a.b-c_d" * 70, "github_pat_" + "a" * 82, HEX, "enterprise"],
    ),
    (app_id, ["123456", "123456s", "Iv23liABC.def"]),
    (
        host_key,
        [examples.host_key(kind) for kind in ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256")]
        + [examples.host_key() + " root@files", examples.host_key("ssh-rsa").split()[1]]
        + ["ssh-ecdsa " + examples.host_key("ecdsa-sha2-nistp256").split()[1]],
    ),
    (
        kubeconfig,
        [
            examples.kubeconfig(),
            "clusters: [{name: a}]\ncontexts: [{name: b}]\nusers: []\n",
            "{clusters: [{name: a}], contexts: [{name: b}]}",
        ],
    ),
]

WRONG: list[tuple[Callable[[Any], str], str, list[Any]]] = [
    (checks.hostname, "A host name without spaces.", ["a b", " a", "a\n"]),
    (
        checks.hostname,
        checks.NO_SCHEME,
        ["http://a", "postgres://u:p@a"],
    ),
    (checks.hostname, checks.NO_CREDENTIALS, ["u@a", "u:p@a"]),
    (checks.hostname, checks.NO_PATH, ["a/b", "a?b", "a#b"]),
    (checks.hostname, checks.NO_PORT, ["a:80", "a:", "[::1]:80"]),
    (checks.hostname, "This is not an IP address.", ["a:b:c", "[::g]"]),
    (
        checks.hostname,
        checks.NOT_A_HOST,
        [
            "-a",
            "a-",
            "a..b",
            ".",
            "",
            "[",
            "999.1.1.1",
            "1",
            "a" * 64,
            f"{LABEL}." * 4 + "a",
            "a,b",
            "a\x00",
            "a%b",
            "*",
        ],
    ),
    (checks.server, checks.NOT_A_PORT, ["a:", "a:0", "a:65536", "a:x", "[::1]:", "a:-1", "a:²"]),
    (checks.server, checks.NOT_A_HOST, ["", ":80"]),
    (checks.servers, "Server 2 is empty. Separate them by single commas.", ["a,,b", "a,"]),
    (checks.servers, f"Server 2: {checks.NOT_A_PORT}", ["a:1,b:x"]),
    (
        checks.bootstrap_servers,
        checks.NO_SCHEME,
        ["http://a:9092", "kafka://a"],
    ),
    (checks.bootstrap_servers, f"Broker 1: {checks.NO_CREDENTIALS}", ["u@b,c:1"]),
    (checks.web_host, checks.NO_CREDENTIALS, ["https://u:p@a", "u:p@a", "https://u@a/b"]),
    (
        checks.web_host,
        "An address begins with https:// or http://, or with the host.",
        ["ftp://a", "file:///etc/passwd", "javascript://a"],
    ),
    (checks.web_host, "An address without spaces.", ["https://a b", "a\n"]),
    (checks.web_host, "An address without a # part.", ["https://a/#b"]),
    (checks.web_host, checks.NOT_A_PORT, ["https://a:x", "a:70000", "https://a:0", "https://[a"]),
    (checks.web_host, checks.NOT_A_HOST, ["https://", "https:///a", "https://-a", "/v1"]),
    (
        checks.web_host,
        "This address holds a key or a token, and it is shown. Give that in a header.",
        ["https://a/b?sig=x", "a?api_key=x", "https://a?x=1&accessToken=y", "a?code="],
    ),
    (checks.registry, "An address without ? and # parts.", ["a?b", "a#b"]),
    (
        checks.proxy,
        "The URL of a proxy, for example http://proxy.example.com:3128.",
        ["ftp://a", "http://", "http://a:x", ""],
    ),
    (checks.proxy, "The URL of a proxy: its scheme, host and port.", ["http://a/b", "http://a?b"]),
    (checks.proxy, checks.NOT_A_HOST, ["http://a..b"]),
    (
        checks.proxies,
        'The URLs of proxies by scheme, for example {"https": "http://proxy.example.com:3128"}.',
        [{"https": 1}, {"https": "ftp://a"}, {"https": {"a": "b"}}],
    ),
    (
        checks.email_address,
        "An e-mail address, for example reports@example.com.",
        ["", "a", "a@", "@a", "a@b@c", "a b@c", "a@b..c", "A <a>", "a@b, c@d", "A <a@b>\nBcc: c@d"],
    ),
    (
        checks.worker_path,
        "This is the file itself. Here belongs its path on the worker.",
        [examples.private_key(), "-----BEGIN CERTIFICATE-----"],
    ),
    (checks.worker_path, "A path on the worker, not a URL.", ["https://a/key", "s3://a/b"]),
    (
        checks.worker_path,
        "A path on the worker, without spaces around it and on one line.",
        [" /a", "/a\n", "/a\0", "/a\n/b"],
    ),
    (checks.duration, "A number of seconds, more than 0 and at most a week.", [0, -1, 604_801]),
    (
        checks.milliseconds,
        "A number of milliseconds, more than 0 and at most a week.",
        [0, 604_800_001],
    ),
    (checks.count, "A whole number from 0 to 1000.", [-1, 1001]),
    (
        checks.namespace,
        "A namespace has at most 63 small letters, digits and dashes, and no dash at its ends.",
        ["", "A", "a_b", "-a", "a-", "a.b", "a" * 64, "a\n"],
    ),
    (checks.header, "The value of a header stands on one line.", ["a\nb", "a\r\nX: y", "a\0"]),
    (checks.header, "The value of a header has no letters but ASCII.", ["Bearer ü"]),
    (
        checks.header,
        "The value alone, without the name of the header and its colon.",
        ["Authorization: Bearer a", "authorization:a"],
    ),
    (
        checks.names,
        'A list of names, for example ["aes256-ctr", "aes192-ctr"].',
        [[], {}, [1], [""], ["a", None]],
    ),
    (checks.json_text, "A JSON object, for example {}.", ["[]", "1"]),
    (
        slack_token,
        "A token of Slack begins with xoxb-, xoxp- or xapp- and has no spaces in it.",
        ["", "tulip", "xoxb-", "xoxb", "xoxb-1 2", "Bearer xoxb-1", "T00/B00/abc", "xox-1"],
    ),
    (
        slack_token,
        "This is a URL. For an incoming webhook, choose the type Slack webhook.",
        ["https://hooks.slack.com/services/T00/B00/tulip"],
    ),
    (webhook, "A token without spaces.", ["T00/B00/a b", "a\0"]),
    (
        webhook,
        "The whole URL of the webhook, with the token at its end.",
        ["https://hooks.slack.com/services", "https://hooks.slack.com", "https://chat.example/"],
    ),
    (webhook, "A URL that begins with https:// or http://.", ["ftp://a/b/c"]),
    (webhook, "A URL without a user name or password in it.", ["https://u:tulip@a/b/c"]),
    (
        endpoint,
        "This holds the token, and it is shown. Move the whole URL to the webhook token.",
        ["https://hooks.slack.com/services/T00/B00/tulip", "hooks.slack.com/triggers/T0/tulip"],
    ),
    (endpoint, "An address without a ? part.", ["https://a/b?c"]),
    (github_token, "A token has no spaces, and is no URL.", ["a b", "https://a", "token\n"]),
    (
        github_token,
        "This token is cut off, or there is more than the token.",
        ["ghp_abc", "github_pat_abc", "ghp_" + "ü" * 36],
    ),
    (
        github_token,
        "This is a private key. Choose the method GitHub App for it.",
        [examples.private_key()],
    ),
    (app_id, "The ID on the app's page.", ["", "a b", "https://github.com/apps/a"]),
    (
        host_key,
        f"This is a fingerprint, not the key. {WHERE}",
        ["SHA256:47DEQpj8HBSa", "MD5:aa:bb"],
    ),
    (host_key, f"This is too long for one key. {WHERE}", ["ssh-rsa " + "A" * 10_000]),
    (host_key, f"This is a key file. {WHERE}", [examples.private_key()]),
    (
        host_key,
        f"The key itself is missing. {WHERE}",
        ["ssh-ed25519", " "],
    ),
    (
        host_key,
        "Leave out the host's name: the type stands first, then the key.",
        [f"files.example.com {examples.host_key()}"],
    ),
    (host_key, f"A key's type is one of {', '.join(KEY_TYPES)}.", ["ssh-tulip AAAA"]),
    (
        host_key,
        "This is a DSA key, which SSH libraries refuse. Take another key of the server.",
        [examples.dsa_host_key(), examples.dsa_host_key().split()[1]],
    ),
    (host_key, f"This is not the base64 of a key. {WHERE}", ["ssh-rsa tulip!", "AAA", "tulip"]),
    (
        host_key,
        f"This is cut off, or not a key of a server. {WHERE}",
        [
            examples.host_key("ssh-rsa")[:-44],
            "ssh-rsa AAAA",
            "AAAAB3NzaC1yc2E=",
            "ssh-rsa " + examples.encoded(b"ssh-tulip", b"a"),
        ],
    ),
    (
        host_key,
        "Put the key's type before it: ssh-ed25519 AAAA…",
        [examples.host_key().split()[1]],
    ),
    (
        host_key,
        "The type doesn't fit: this key is of the type ssh-ed25519.",
        [
            "ssh-rsa " + examples.host_key().split()[1],
            "ssh-ecdsa " + examples.host_key().split()[1],
        ],
    ),
    (
        kubeconfig,
        "This is not a kubeconfig: an object with clusters, users and contexts is expected.",
        ["tulip", "[]", "1", ""],
    ),
    (
        kubeconfig,
        'This is not a kubeconfig: its "kind" must be Config.',
        ["kind: Pod", {"kind": 1}],
    ),
    (kubeconfig, "This kubeconfig has no clusters.", ["{}", "clusters: []", "clusters: tulip"]),
    (kubeconfig, "This kubeconfig has no contexts.", ["clusters: [{name: a}]"]),
    (
        kubeconfig,
        "The users of this kubeconfig are no list.",
        ["{clusters: [{name: a}], contexts: [{name: b}], users: {a: b}}"],
    ),
    (kubeconfig, "This is too long for a kubeconfig.", ["a" * (LONGEST_CONFIG + 1)]),
]


def _cases(rows: list[Any]) -> list[Any]:
    return [
        pytest.param(*row[:-1], value, id=f"{row[0].__name__}-{place}-{number}")
        for place, row in enumerate(rows)
        for number, value in enumerate(row[-1])
    ]


@pytest.mark.parametrize(("check", "value"), _cases(RIGHT))
def test_what_a_service_takes_is_taken(check: Callable[[Any], str], value: Any) -> None:
    assert check(value) == ""


@pytest.mark.parametrize(("check", "words", "value"), _cases(WRONG))
def test_what_no_service_takes_is_refused_in_words_that_never_quote_it(
    check: Callable[[Any], str], words: str, value: Any
) -> None:
    assert check(value) == words
    assert "tulip" not in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clusters: [tulip", "This is not YAML: line 1, column 17."),
        ("a: 1\nb: tulip: c", "This is not YAML: line 2, column 9."),
        ("a: !!python/object:tulip {}", "This is not YAML: line 1, column 4."),
        ("a: \x07tulip", "This is not YAML."),
        ("[" * 5000, "This is not YAML."),
        ("a: 9999-99-99", "This is not YAML."),
        ("a: &a [1]\nb: *a", "A kubeconfig with aliases (*name) can't be kept."),
    ],
)
def test_yaml_that_cannot_be_read_is_told_by_its_place(text: str, words: str) -> None:
    assert kubeconfig(text) == words


def test_json_that_cannot_be_read_is_told_by_its_place() -> None:
    assert checks.json_text('{"tulip": }') == (
        "This is not JSON: Expecting value, line 1, column 11."
    )
