"""The words for every failure, by its stable code. Code raises codes; people read these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FailureType(StrEnum):
    """Who can mend it: a person, time, or Patchbay's developers."""

    CONFIGURATION = "configuration"
    TRANSIENT = "transient"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Diagnosis:
    """The words of one code. ``{names}`` are filled from the failure's facts.

    ``short`` stands in the row; ``happened``, ``cause`` and ``remedy`` where it
    opens. ``command`` is what to copy into a shell. ``fields`` are the form
    fields to blame.
    """

    type: FailureType
    short: str
    happened: str
    cause: str
    remedy: str
    command: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """A ``Diagnosis`` with its facts filled in."""

    code: str
    type: FailureType
    short: str
    happened: str
    cause: str
    remedy: str
    command: str
    fields: tuple[str, ...]


_CONFIGURATION, _TRANSIENT, _INTERNAL = FailureType

CATALOGUE: dict[str, Diagnosis] = {
    "connection:not-found": Diagnosis(
        _CONFIGURATION,
        "There is no connection {conn_id}",
        "The task asked for the connection {conn_id}, and none of this ID is stored.",
        "The ID is misspelt in the DAG, or the connection was deleted or never created.",
        "Create {conn_id}, or correct the ID in the DAG.",
    ),
    "connection:disabled": Diagnosis(
        _CONFIGURATION,
        "The connection {conn_id} is disabled",
        "The connection {conn_id} is there, but somebody disabled it.",
        "It was switched off on purpose; the audit trail says when and by whom.",
        "Enable {conn_id}, or let the DAG use another connection.",
    ),
    "connection:expired": Diagnosis(
        _CONFIGURATION,
        "The connection {conn_id} has expired",
        "The connection {conn_id} was to be used until a date that is over.",
        "Its expiry date has passed.",
        "Renew its credentials and move the expiry date.",
    ),
    "connection:secrets-unreadable": Diagnosis(
        _CONFIGURATION,
        "The secrets of {conn_id} can't be decrypted with the configured keys",
        "The connection {conn_id} is there, but its secrets can't be decrypted with the "
        "configured keys. They are kept as they are.",
        "The field encryption key was lost or replaced since they were saved.",
        "Add the key that they were saved with to PATCHBAY_FIELD_ENCRYPTION_KEYS, after the "
        "present one, and restart. If it is lost, open {conn_id} and replace the secrets.",
    ),
    "connection:wrong-type": Diagnosis(
        _CONFIGURATION,
        "{conn_id} is of type {conn_type}, which {operator} can't use",
        "{operator} can use connections of type {expected}; {conn_id} is of type {conn_type}.",
        "The DAG names another connection than its author meant.",
        "Name a connection of type {expected} in the DAG.",
    ),
    "session:key-broken": Diagnosis(
        _CONFIGURATION,
        "The private key in the key JSON can't be read",
        "The key JSON is there, but no session can be made with the private key in it.",
        "The key was cut off or changed when it was copied.",
        "Download a new key and replace the key JSON with the whole file.",
        fields=("keyfile_dict",),
    ),
    "session:key-file-unreadable": Diagnosis(
        _CONFIGURATION,
        "The worker can't read {path}",
        "The worker could not read the file {path}: {reason}.",
        "The file isn't on the machine of the worker, or its user may not read it.",
        "Put the file there, or paste the key into the connection.",
        fields=("key_path", "credential_config_file"),
    ),
    "session:credentials-rejected": Diagnosis(
        _CONFIGURATION,
        "Google rejected the credentials",
        "The token endpoint {host} refused the credentials: {reason}.",
        "The key was deleted or disabled, its account is gone, or the clock of the worker is "
        "wrong.",
        "Check that the key still exists in the project's service accounts; else make a new one "
        "and replace the key JSON.",
        command="gcloud iam service-accounts keys list --iam-account={account}",
        fields=("keyfile_dict",),
    ),
    "session:secret-refused": Diagnosis(
        _CONFIGURATION,
        "Secret Manager did not give the key ({status})",
        "Secret Manager answered {status} for {name}.",
        "The secret isn't there, or the worker's own identity may not read it.",
        "Check the secret's name and project, and grant roles/secretmanager.secretAccessor to "
        "the worker's identity.",
        fields=("key_secret_name", "key_secret_project_id"),
    ),
    "session:provider-refused": Diagnosis(
        _CONFIGURATION,
        "The identity provider refused the client ({status})",
        "{host} answered {status} to the client ID and secret of the connection.",
        "The client ID or secret is wrong or has expired, or an extra parameter is missing.",
        "Check the client in the identity provider, and replace its secret here.",
        fields=("client_id", "client_secret", "idp_extra_parameters"),
    ),
    "session:configuration-unusable": Diagnosis(
        _CONFIGURATION,
        "The credential configuration can't be used",
        "No session can be made with the credential configuration: {reason}",
        "It is not the file that Google Cloud gave for this workload, or what it names is not "
        "on the worker.",
        "Download the configuration again, and give the whole of it.",
        fields=("credential_config_file",),
    ),
    "session:no-default-credentials": Diagnosis(
        _CONFIGURATION,
        "The worker has no identity of its own",
        "No method is set on the connection, and the worker has no application default "
        "credentials.",
        "The worker doesn't run in Google Cloud, or has no service account there.",
        "Choose another method on the connection, or give the worker an identity.",
    ),
    "session:impersonation-refused": Diagnosis(
        _CONFIGURATION,
        "The account may not impersonate {account}",
        "Google refused to give a token for {account}.",
        "The connection's own account lacks the role to create tokens for it.",
        "Grant roles/iam.serviceAccountTokenCreator on {account}.",
        fields=("impersonation_chain",),
    ),
    "session:no-project": Diagnosis(
        _CONFIGURATION,
        "No project is known",
        "Neither the connection nor its credentials name a project to run in.",
        "The field Project is empty.",
        "Fill in Project on the connection.",
        fields=("project",),
    ),
    "session:close-failed": Diagnosis(
        _INTERNAL,
        "The session could not be closed",
        "Closing the session failed. The result of the task stands.",
        "A connection that was already broken, most likely.",
        "Nothing needs to be done, unless it happens again and again.",
    ),
    "cloud:name-unknown": Diagnosis(
        _CONFIGURATION,
        "The name {host} is not known",
        "The worker could not find an address for {host}.",
        "The host is misspelt, or the worker's DNS doesn't know it.",
        "Check the API endpoint on the connection, and the worker's DNS.",
        fields=("api_endpoint",),
    ),
    "cloud:unreachable": Diagnosis(
        _TRANSIENT,
        "{host} can't be reached",
        "The worker could not connect to {host}: {reason}.",
        "Nothing listens there, or a firewall stands between.",
        "Check the address (the API endpoint on the connection, or token_uri in its key), and "
        "that the worker may reach it.",
        fields=("api_endpoint",),
    ),
    "cloud:dropped": Diagnosis(
        _TRANSIENT,
        "{host} dropped the connection",
        "{host} closed the connection without an answer, each of {attempts} times.",
        "The service restarts, or something between cuts connections.",
        "Run it again later.",
        fields=("api_endpoint",),
    ),
    "cloud:tls": Diagnosis(
        _CONFIGURATION,
        "The certificate of {host} is not trusted",
        "{host} answered, but no secure connection could be made: {reason}.",
        "A private certificate authority, a proxy that opens TLS, or http where https is meant.",
        "Give the worker the authority's certificate (REQUESTS_CA_BUNDLE), or correct the API "
        "endpoint.",
        fields=("api_endpoint",),
    ),
    "cloud:timeout": Diagnosis(
        _TRANSIENT,
        "{host} did not answer in {seconds} s",
        "{host} accepted the call and gave no answer within {seconds} seconds.",
        "The service is overloaded, or something between drops the answer.",
        "Run it again; if it stays, raise the connection's timeout to answer.",
        fields=("read_timeout",),
    ),
    "cloud:bad-answer": Diagnosis(
        _TRANSIENT,
        "{host} gave an answer that is not from this API",
        "{host} answered, but not as Google's API does.",
        "The API endpoint leads to another service, or to a proxy's page.",
        "Check the API endpoint on the connection.",
        fields=("api_endpoint",),
    ),
    "cloud:unavailable": Diagnosis(
        _TRANSIENT,
        "The service has a fault ({status})",
        "{host} answered {status} each of {attempts} times.",
        "A fault on the service's side.",
        "Run it again later; the service's status page may say more.",
    ),
    "cloud:rate-limited": Diagnosis(
        _TRANSIENT,
        "Too many calls ({status})",
        "{host} answered {status} (rate limit) each of {attempts} times.",
        "Too many calls at once in this project.",
        "Run it again later, or run fewer tasks at once.",
    ),
    "cloud:unauthenticated": Diagnosis(
        _CONFIGURATION,
        "The service doesn't accept the credentials (401)",
        "{host} answered 401: it doesn't accept the token of this session.",
        "The method is Anonymous where credentials are needed, or the token was revoked.",
        "Choose a method with credentials, or replace the key.",
        fields=("is_anonymous", "keyfile_dict"),
    ),
    "job:permission-denied": Diagnosis(
        _CONFIGURATION,
        "The account may not do this in project {project}",
        "BigQuery refused the job: {status} accessDenied.",
        "The account is valid, but has no right to run jobs in {project} or to read what the "
        "job reads.",
        "Grant roles/bigquery.jobUser on the project, and roles/bigquery.dataViewer on the data, "
        "to {account}.",
        command="gcloud projects add-iam-policy-binding {project} "
        "--member=serviceAccount:{account} --role=roles/bigquery.jobUser",
    ),
    "job:quota-exceeded": Diagnosis(
        _CONFIGURATION,
        "A quota of project {project} is used up",
        "BigQuery refused the job: {status} quotaExceeded.",
        "The project has used up a quota, often the bytes read in a day.",
        "Wait until the quota is renewed, raise it, or read less.",
    ),
    "job:invalid-query": Diagnosis(
        _CONFIGURATION,
        "BigQuery can't run this SQL",
        "BigQuery looked at the query and refused it.",
        "An error in the SQL; the message below names the place.",
        "Correct the query in the DAG.",
    ),
    "job:not-found": Diagnosis(
        _CONFIGURATION,
        "Something that the job names isn't there",
        "BigQuery did not find a table, data set or project that the job names.",
        "It is misspelt, was deleted, or lies in another location or project.",
        "Correct the name in the DAG, or set the task's location.",
    ),
    "job:invalid": Diagnosis(
        _CONFIGURATION,
        "BigQuery can't accept this job",
        "BigQuery refused the job's configuration.",
        "A field is missing, or holds a value that can't be.",
        "Correct the configuration in the DAG; the message below names the field.",
    ),
    "job:stopped": Diagnosis(
        _CONFIGURATION,
        "The job was cancelled in BigQuery",
        "Somebody cancelled the job in the cloud.",
        "A person or a program stopped it there.",
        "Run it again if that was not meant.",
    ),
    "job:failed": Diagnosis(
        _CONFIGURATION,
        "The job failed in BigQuery",
        "BigQuery ran the job, and it ended with an error: {reason}.",
        "The message below is BigQuery's own.",
        "Correct what the message names, and run it again.",
    ),
    "job:id-taken": Diagnosis(
        _CONFIGURATION,
        "A job of this ID is there already",
        "BigQuery has a job {job_id} already, in state {state}.",
        "force_rerun is off, and this job ran before.",
        "Set force_rerun, or name its state in reattach_states.",
    ),
    "job:timeout": Diagnosis(
        _CONFIGURATION,
        "The job took longer than {seconds} s",
        "The job did not end within result_timeout ({seconds} seconds).",
        "It reads much, or waits for slots.",
        "Raise result_timeout in the DAG, or make the job smaller.",
    ),
    "test:no-broker": Diagnosis(
        _TRANSIENT,
        "The broker can't be reached",
        "The test could not be sent to a worker: the broker can't be reached.",
        "Redis or Valkey is down, or PATCHBAY_BROKER_URL names the wrong one.",
        "Start the broker, and test again.",
    ),
    "test:no-worker": Diagnosis(
        _TRANSIENT,
        "No worker took the test",
        "No worker took the test within a minute.",
        "No worker runs, or all of them are busy.",
        "Start a worker, or wait until one is free, and test again.",
    ),
    "test:worker-lost": Diagnosis(
        _TRANSIENT,
        "The worker was lost",
        "The worker that made the test did not end it.",
        "The worker was stopped or killed.",
        "Test again.",
    ),
    "test:no-hook": Diagnosis(
        _CONFIGURATION,
        "Connections of this type can't be tested yet",
        "Nothing here opens sessions of the type {conn_type} yet.",
        "The type is stored, edited and exported, but no task of Patchbay runs with it so far.",
        "Test it where it is used.",
    ),
    "test:internal-error": Diagnosis(
        _INTERNAL,
        "Patchbay stumbled over {error}",
        "The test met something that Patchbay doesn't foresee: {error}.",
        "A defect in Patchbay, or in a library that it uses.",
        "The worker's log holds the traceback. Please report it.",
    ),
    "task:template-error": Diagnosis(
        _CONFIGURATION,
        "A template of the task can't be filled",
        "The field {field} holds a template that can't be filled: {reason}.",
        "A name in it is misspelt, or conf lacks a value.",
        "Correct the template in the DAG, or trigger with a conf that has the value.",
    ),
    "task:not-runnable": Diagnosis(
        _CONFIGURATION,
        "This task can't be run",
        "The task's arguments can't be right: {reason}",
        "The DAG names something that its operator doesn't accept.",
        "Correct the DAG.",
    ),
    "task:internal-error": Diagnosis(
        _INTERNAL,
        "Patchbay stumbled over {error}",
        "Something that Patchbay doesn't foresee went wrong: {error}.",
        "A defect in Patchbay, or in a library that it uses.",
        "The worker's log holds the traceback. Please report it.",
    ),
}


#: For a code that an earlier release stored, and this one doesn't have.
UNKNOWN = Diagnosis(
    _INTERNAL,
    "Failed, with a code that this release doesn't know",
    "The step failed with a code that this release of Patchbay has no words for.",
    "The run is older than this release.",
    "Run it again.",
)


def explain(code: str, facts: Mapping[str, Any]) -> Explanation:
    """The words for ``code``. A fact that is not known shows as ``?``."""
    diagnosis = CATALOGUE.get(code, UNKNOWN)
    known = defaultdict(lambda: "?", {name: value for name, value in facts.items() if value})
    needs_unknown = any(
        f"{{{name}}}" in diagnosis.command and not facts.get(name)
        for name in ("account", "project")
    )
    return Explanation(
        code=code,
        type=diagnosis.type,
        short=diagnosis.short.format_map(known),
        happened=diagnosis.happened.format_map(known),
        cause=diagnosis.cause.format_map(known),
        remedy=diagnosis.remedy.format_map(known),
        command="" if needs_unknown else diagnosis.command.format_map(known),
        fields=diagnosis.fields,
    )
