"""One set of trusted authorities for all lines of a process.

The library requests reads them anew for each line, which costs 20 ms and 740 kB
each time: too much for a worker that waits for hundreds of cloud jobs.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter

#: What urllib3 asks for on every line.
PROTOCOLS = ["http/1.1"]


class _Trust(ssl.SSLContext):
    """Settings of TLS that many threads use, and none changes."""

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """Nothing: OpenSSL would free the list that another thread is copying."""


@cache
def trust_in(bundle: str) -> ssl.SSLContext:
    """Trust in the authorities of a file or folder. Raise ``OSError`` where it can't be read."""
    trust = _Trust(ssl.PROTOCOL_TLS_CLIENT)
    is_folder = Path(bundle).is_dir()
    trust.load_verify_locations(**{"capath" if is_folder else "cafile": bundle})
    ssl.SSLContext.set_alpn_protocols(trust, PROTOCOLS)
    return trust


class SharedTrustAdapter(HTTPAdapter):
    """For lines that show no certificate of their own."""

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https" and verify and not cert:
            bundle = verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH
            pool["ssl_context"] = trust_in(bundle)
        return host, pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        check: Any = super().cert_verify  # untyped
        check(conn, url, verify, cert)
        if isinstance(conn.conn_kw.get("ssl_context"), _Trust):
            # They are in the context, and would be read into it once more.
            conn.ca_certs = conn.ca_cert_dir = None
