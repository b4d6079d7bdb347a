"""elasticsearch: Elasticsearch.

Airflow's hook hands the extras to the client under the same names; the common ones have fields.
Source: airflow/providers/elasticsearch/hooks/elasticsearch.py and
docs/connections/elasticsearch.rst of Airflow.
"""

from __future__ import annotations

from connections.types import standard
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.service_validators import count, duration, hostname, worker_path

METHODS = (
    Method("basic", "User and password", "HTTP Basic", needs=("login",)),
    Method("api_key", "API key", "As Kibana shows it, encoded", needs=("api_key",)),
    Method("none", "None", "A cluster without security"),
)

ELASTICSEARCH = ConnectionType(
    name="elasticsearch",
    label="Elasticsearch",
    category="Database",
    description="Search and SQL in Elasticsearch",
    fields=(
        standard.host(placeholder="elastic.example.com", check=hostname),
        standard.port(placeholder="9200", default="9200"),
        standard.schema(label="Scheme", choices=("https", "http"), default="http"),
        standard.login(methods=("basic",)),
        standard.password(methods=("basic",)),
        TypeField(
            "api_key",
            "API key",
            kind="secret",
            group="authentication",
            methods=("api_key",),
            secret=True,
            help="The encoded form, one text.",
        ),
        TypeField(
            "verify_certs",
            "Verify the certificate",
            kind="boolean",
            group="network",
            default="true",
        ),
        TypeField(
            "ca_certs",
            "CA certificates",
            group="network",
            placeholder="/etc/patchbay/ca.pem",
            help="The path of the file on the worker.",
            check=worker_path,
        ),
        TypeField(
            "timeout", "Timeout", kind="number", group="network", help="Seconds.", check=duration
        ),
        TypeField("http_compress", "Compress", kind="boolean", group="network", default="false"),
        TypeField(
            "max_retries",
            "Retries",
            kind="integer",
            group="advanced",
            placeholder="3",
            help="How often another node is asked.",
            check=count,
        ),
    ),
    methods=METHODS,
    preselected="none",
    docs="docs/connection-types-services.md#elasticsearch",
)
