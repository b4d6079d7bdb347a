"""What can go wrong with the work itself: a job, a task, a test."""

from __future__ import annotations

from connections.diagnosis.words import CONFIGURATION, INTERNAL, TRANSIENT, Diagnosis

JOB: dict[str, Diagnosis] = {
    "job:permission-denied": Diagnosis(
        CONFIGURATION,
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
        CONFIGURATION,
        "A quota of project {project} is used up",
        "BigQuery refused the job: {status} quotaExceeded.",
        "The project has used up a quota, often the bytes read in a day.",
        "Wait until the quota is renewed, raise it, or read less.",
    ),
    "job:invalid-query": Diagnosis(
        CONFIGURATION,
        "BigQuery can't run this SQL",
        "BigQuery looked at the query and refused it.",
        "An error in the SQL; the message below names the place.",
        "Correct the query in the DAG.",
    ),
    "job:not-found": Diagnosis(
        CONFIGURATION,
        "Something that the job names isn't there",
        "BigQuery did not find a table, data set or project that the job names.",
        "It is misspelt, was deleted, or lies in another location or project.",
        "Correct the name in the DAG, or set the task's location.",
    ),
    "job:invalid": Diagnosis(
        CONFIGURATION,
        "BigQuery can't accept this job",
        "BigQuery refused the job's configuration.",
        "A field is missing, or holds a value that can't be.",
        "Correct the configuration in the DAG; the message below names the field.",
    ),
    "job:stopped": Diagnosis(
        CONFIGURATION,
        "The job was cancelled in BigQuery",
        "Somebody cancelled the job in the cloud.",
        "A person or a program stopped it there.",
        "Run it again if that was not meant.",
    ),
    "job:failed": Diagnosis(
        CONFIGURATION,
        "The job failed in BigQuery",
        "BigQuery ran the job, and it ended with an error: {reason}.",
        "The message below is BigQuery's own.",
        "Correct what the message names, and run it again.",
    ),
    "job:id-taken": Diagnosis(
        CONFIGURATION,
        "A job of this ID is there already",
        "BigQuery has a job {job_id} already, in state {state}.",
        "force_rerun is off, and this job ran before.",
        "Set force_rerun, or name its state in reattach_states.",
    ),
    "job:timeout": Diagnosis(
        CONFIGURATION,
        "The job took longer than {seconds} s",
        "The job did not end within result_timeout ({seconds} seconds).",
        "It reads much, or waits for slots.",
        "Raise result_timeout in the DAG, or make the job smaller.",
    ),
}

TASK: dict[str, Diagnosis] = {
    "task:template-error": Diagnosis(
        CONFIGURATION,
        "A template of the task can't be filled",
        "The field {field} holds a template that can't be filled: {reason}.",
        "A name in it is misspelt, or conf lacks a value.",
        "Correct the template in the DAG, or trigger with a conf that has the value.",
    ),
    "task:not-runnable": Diagnosis(
        CONFIGURATION,
        "This task can't be run",
        "The task's arguments can't be right: {reason}",
        "The DAG names something that its operator doesn't accept.",
        "Correct the DAG.",
    ),
    "task:internal-error": Diagnosis(
        INTERNAL,
        "Patchbay stumbled over {error}",
        "Something that Patchbay doesn't foresee went wrong: {error}.",
        "A defect in Patchbay, or in a library that it uses.",
        "The worker's log holds the traceback. Please report it.",
    ),
}

TEST: dict[str, Diagnosis] = {
    "test:no-broker": Diagnosis(
        TRANSIENT,
        "The broker can't be reached",
        "The test could not be sent to a worker: the broker can't be reached.",
        "Redis or Valkey is down, or PATCHBAY_BROKER_URL names the wrong one.",
        "Start the broker, and test again.",
    ),
    "test:no-worker": Diagnosis(
        TRANSIENT,
        "No worker took the test",
        "No worker took the test within a minute.",
        "No worker runs, or all of them are busy.",
        "Start a worker, or wait until one is free, and test again.",
    ),
    "test:worker-lost": Diagnosis(
        TRANSIENT,
        "The worker was lost",
        "The worker that made the test did not end it.",
        "The worker was stopped or killed.",
        "Test again.",
    ),
    "test:no-hook": Diagnosis(
        CONFIGURATION,
        "Connections of this type can't be tested yet",
        "Nothing here opens sessions of the type {conn_type} yet.",
        "The type is stored, edited and exported, but no task of Patchbay runs with it so far.",
        "Test it where it is used.",
    ),
    "test:internal-error": Diagnosis(
        INTERNAL,
        "Patchbay stumbled over {error}",
        "The test met something that Patchbay doesn't foresee: {error}.",
        "A defect in Patchbay, or in a library that it uses.",
        "The worker's log holds the traceback. Please report it.",
    ),
}
