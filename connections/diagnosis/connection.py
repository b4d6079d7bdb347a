"""What can go wrong with a connection and the session that is opened with it."""

from __future__ import annotations

from connections.diagnosis.words import CONFIGURATION, INTERNAL, Diagnosis

CONNECTION: dict[str, Diagnosis] = {
    "connection:not-found": Diagnosis(
        CONFIGURATION,
        "There is no connection {conn_id}",
        "The task asked for the connection {conn_id}, and none of this ID is stored.",
        "The ID is misspelt in the DAG, or the connection was deleted or never created.",
        "Create {conn_id}, or correct the ID in the DAG.",
    ),
    "connection:disabled": Diagnosis(
        CONFIGURATION,
        "The connection {conn_id} is disabled",
        "The connection {conn_id} is there, but somebody disabled it.",
        "It was switched off on purpose; the audit trail says when and by whom.",
        "Enable {conn_id}, or let the DAG use another connection.",
    ),
    "connection:expired": Diagnosis(
        CONFIGURATION,
        "The connection {conn_id} has expired",
        "The connection {conn_id} was to be used until a date that is over.",
        "Its expiry date has passed.",
        "Renew its credentials and move the expiry date.",
    ),
    "connection:secrets-unreadable": Diagnosis(
        CONFIGURATION,
        "The secrets of {conn_id} can't be decrypted with the configured keys",
        "The connection {conn_id} is there, but its secrets can't be decrypted with the "
        "configured keys. They are kept as they are.",
        "The field encryption key was lost or replaced since they were saved.",
        "Add the key that they were saved with to PATCHBAY_FIELD_ENCRYPTION_KEYS, after the "
        "present one, and restart. If it is lost, open {conn_id} and replace the secrets.",
    ),
    "connection:environment-invalid": Diagnosis(
        CONFIGURATION,
        "The variable {variable} can't be read",
        "The worker's environment has {variable}, so it counts for the connection {conn_id}, "
        "and it can't be read: {reason}",
        "A sign in it isn't percent-encoded, or its JSON is broken.",
        "Correct the variable and restart the workers, or remove it so that the stored "
        "connection counts.",
    ),
    "connection:wrong-type": Diagnosis(
        CONFIGURATION,
        "{conn_id} is of type {conn_type}, which {operator} can't use",
        "{operator} can use connections of type {expected}; {conn_id} is of type {conn_type}.",
        "The DAG names another connection than its author meant.",
        "Name a connection of type {expected} in the DAG.",
    ),
}

SESSION: dict[str, Diagnosis] = {
    "session:key-broken": Diagnosis(
        CONFIGURATION,
        "The private key in the key JSON can't be read",
        "The key JSON is there, but no session can be made with the private key in it.",
        "The key was cut off or changed when it was copied.",
        "Download a new key and replace the key JSON with the whole file.",
        fields=("keyfile_dict",),
    ),
    "session:key-file-unreadable": Diagnosis(
        CONFIGURATION,
        "The worker can't read {path}",
        "The worker could not read the file {path}: {reason}.",
        "The file isn't on the machine of the worker, or its user may not read it.",
        "Put the file there, or paste the key into the connection.",
        fields=("key_path", "credential_config_file"),
    ),
    "session:credentials-rejected": Diagnosis(
        CONFIGURATION,
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
        CONFIGURATION,
        "Secret Manager did not give the key ({status})",
        "Secret Manager answered {status} for {name}.",
        "The secret isn't there, or the worker's own identity may not read it.",
        "Check the secret's name and project, and grant roles/secretmanager.secretAccessor to "
        "the worker's identity.",
        fields=("key_secret_name", "key_secret_project_id"),
    ),
    "session:provider-refused": Diagnosis(
        CONFIGURATION,
        "The identity provider refused the client ({status})",
        "{host} answered {status} to the client ID and secret of the connection.",
        "The client ID or secret is wrong or has expired, or an extra parameter is missing.",
        "Check the client in the identity provider, and replace its secret here.",
        fields=("client_id", "client_secret", "idp_extra_parameters"),
    ),
    "session:configuration-unusable": Diagnosis(
        CONFIGURATION,
        "The credential configuration can't be used",
        "No session can be made with the credential configuration: {reason}",
        "It is not the file that Google Cloud gave for this workload, or what it names is not "
        "on the worker.",
        "Download the configuration again, and give the whole of it.",
        fields=("credential_config_file",),
    ),
    "session:no-default-credentials": Diagnosis(
        CONFIGURATION,
        "The worker has no identity of its own",
        "No method is set on the connection, and the worker has no application default "
        "credentials.",
        "The worker doesn't run in Google Cloud, or has no service account there.",
        "Choose another method on the connection, or give the worker an identity.",
    ),
    "session:impersonation-refused": Diagnosis(
        CONFIGURATION,
        "The account may not impersonate {account}",
        "Google refused to give a token for {account}.",
        "The connection's own account lacks the role to create tokens for it.",
        "Grant roles/iam.serviceAccountTokenCreator on {account}.",
        fields=("impersonation_chain",),
    ),
    "session:no-project": Diagnosis(
        CONFIGURATION,
        "No project is known",
        "Neither the connection nor its credentials name a project to run in.",
        "The field Project is empty.",
        "Fill in Project on the connection.",
        fields=("project",),
    ),
    "session:close-failed": Diagnosis(
        INTERNAL,
        "The session could not be closed",
        "Closing the session failed. The result of the task stands.",
        "A connection that was already broken, most likely.",
        "Nothing needs to be done, unless it happens again and again.",
    ),
}
