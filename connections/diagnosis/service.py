"""What can go wrong between a worker and a service."""

from __future__ import annotations

from connections.diagnosis.words import CONFIGURATION, TRANSIENT, Diagnosis

CLOUD: dict[str, Diagnosis] = {
    "cloud:name-unknown": Diagnosis(
        CONFIGURATION,
        "The name {host} is not known",
        "The worker could not find an address for {host}.",
        "The host is misspelt, or the worker's DNS doesn't know it.",
        "Check where {host} stands in the connection (the API endpoint, or token_uri in the key), "
        "and the worker's DNS.",
        fields=("api_endpoint", "keyfile_dict"),
    ),
    "cloud:unreachable": Diagnosis(
        TRANSIENT,
        "{host} can't be reached",
        "The worker could not connect to {host}: {reason}.",
        "Nothing listens there, or a firewall stands between.",
        "Check the address (the API endpoint on the connection, or token_uri in its key), and "
        "that the worker may reach it.",
        fields=("api_endpoint",),
    ),
    "cloud:dropped": Diagnosis(
        TRANSIENT,
        "{host} dropped the connection",
        "{host} closed the connection without an answer, each of {attempts} times.",
        "The service restarts, or something between cuts connections.",
        "Run it again later.",
        fields=("api_endpoint",),
    ),
    "cloud:tls": Diagnosis(
        CONFIGURATION,
        "The certificate of {host} is not trusted",
        "{host} answered, but no secure connection could be made: {reason}.",
        "A private certificate authority, a proxy that opens TLS, or http where https is meant.",
        "Give the worker the authority's certificate (REQUESTS_CA_BUNDLE), or correct the API "
        "endpoint.",
        fields=("api_endpoint",),
    ),
    "cloud:timeout": Diagnosis(
        TRANSIENT,
        "{host} did not answer in {seconds} s",
        "{host} accepted the call and gave no answer within {seconds} seconds.",
        "The service is overloaded, or something between drops the answer.",
        "Run it again; if it stays, raise the connection's timeout to answer.",
        fields=("read_timeout",),
    ),
    "cloud:bad-answer": Diagnosis(
        TRANSIENT,
        "{host} gave an answer that is not from this API",
        "{host} answered, but not as Google's API does.",
        "The API endpoint leads to another service, or to a proxy's page.",
        "Check the API endpoint on the connection.",
        fields=("api_endpoint",),
    ),
    "cloud:unavailable": Diagnosis(
        TRANSIENT,
        "The service has a fault ({status})",
        "{host} answered {status} each of {attempts} times.",
        "A fault on the service's side.",
        "Run it again later; the service's status page may say more.",
    ),
    "cloud:rate-limited": Diagnosis(
        TRANSIENT,
        "Too many calls ({status})",
        "{host} answered {status} (rate limit) each of {attempts} times.",
        "Too many calls at once in this project.",
        "Run it again later, or run fewer tasks at once.",
    ),
    "cloud:unauthenticated": Diagnosis(
        CONFIGURATION,
        "The service doesn't accept the credentials (401)",
        "{host} answered 401: it doesn't accept the token of this session.",
        "The method is Anonymous where credentials are needed, or the token was revoked.",
        "Choose a method with credentials, or replace the key.",
        fields=("is_anonymous", "keyfile_dict"),
    ),
}
