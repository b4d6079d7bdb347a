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
    "job:check-failed": Diagnosis(
        CONFIGURATION,
        "The check failed: {row}",
        "The first row that the query found has a value that is false: {row}",
        "The data isn't as the check wants it, or not yet.",
        "Look at the data; correct it or the check's SQL, and run it again.",
        may_pass=True,
    ),
    "job:value-differs": Diagnosis(
        CONFIGURATION,
        "The check failed: {row}, expected {expected}",
        "The first row that the query found is {row}; expected is {expected}.",
        "The data isn't as the check wants it, or not yet.",
        "Look at the data; correct it or pass_value, and run it again.",
        may_pass=True,
    ),
    "job:check-empty": Diagnosis(
        CONFIGURATION,
        "The check's query found no row",
        "The query of the check found no row, so there is nothing to check.",
        "The data that it looks for is not there, or not yet.",
        "Look at the data; correct it or the check's SQL, and run it again.",
        may_pass=True,
    ),
    "job:no-result": Diagnosis(
        CONFIGURATION,
        "Job {job_id} has no rows to read",
        "Job {job_id} is a {kind} job, and only a query leaves rows that can be read.",
        "The DAG names another job than its author meant.",
        "Name the ID of a query's job, or a table.",
    ),
    "job:no-column": Diagnosis(
        CONFIGURATION,
        "There is no column {names}",
        "selected_fields names {names}, and {table} has no such column.",
        "It is misspelt, or the table was changed.",
        "Correct selected_fields in the DAG. Only whole columns can be named.",
    ),
    "job:exists": Diagnosis(
        CONFIGURATION,
        "The {what} is there already",
        "BigQuery has the {what} already, and if_exists says that this is a failure.",
        "It was made before, by this DAG or by somebody else.",
        "Delete it, or set if_exists to log or skip in the DAG.",
    ),
    "job:in-use": Diagnosis(
        CONFIGURATION,
        "It still holds something",
        "BigQuery deletes no data set that still holds tables.",
        "There are tables or views in it.",
        "Delete them first, or set delete_contents in the DAG.",
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
    "task:branch-unknown": Diagnosis(
        CONFIGURATION,
        "{chosen} doesn't directly follow this task",
        "The branch chose {chosen}; what directly follows is {downstream}.",
        "The expression names another task, or its text is not only IDs of tasks.",
        "Correct the expression, or link the task with >> behind this one.",
    ),
    "task:worker-lost": Diagnosis(
        TRANSIENT,
        "The worker was lost while it ran this task",
        "The worker that ran this try is gone, and the try can't go on elsewhere.",
        "It was killed, or lost its machine or its database. It was lost {times} times in this "
        "try: a task that needs too much memory kills its worker each time.",
        "Look at the worker's machine and its memory. With retries, the task is tried again.",
    ),
    "task:spec-unreadable": Diagnosis(
        CONFIGURATION,
        "The stored DAG can't be read by this worker",
        "The run's version of the DAG was stored by another release of Patchbay, and holds "
        "something that this one doesn't know: {reason}",
        "The worker is older than the web process, or Patchbay was set back to an older release.",
        "Start the workers with the newer release, and clear the task. Or clear it with the DAG's "
        "present version.",
    ),
    "task:no-session-free": Diagnosis(
        TRANSIENT,
        "No session of {conn_id} became free",
        "The task asked for {conn_id} while it held another connection, and all {limit} sessions "
        "that {conn_id} allows were in use for {seconds} seconds.",
        "Other tasks hold them; one of them may wait for what this task holds. To wait on could be "
        "for ever.",
        "With retries, the task is tried again. Ask for connections in the order of their IDs, or "
        "raise the limit of {conn_id}.",
    ),
    "task:execution-timeout": Diagnosis(
        TRANSIENT,
        "The task took longer than {seconds} s",
        "The task used up its execution_timeout of {seconds} seconds, and was stopped.",
        "It does more than usual, or waits for something that is slow.",
        "Raise execution_timeout in the DAG, or let the task do less.",
    ),
    "task:sensor-timeout": Diagnosis(
        CONFIGURATION,
        "Not there after {seconds} s",
        "The sensor looked {looks} times in {seconds} seconds, and gave up.",
        "What it waits for did not come.",
        "Look whether it is still to come; raise the sensor's timeout, or set soft_fail.",
    ),
    "task:xcom-missing": Diagnosis(
        CONFIGURATION,
        "{task_id} left nothing under {key}",
        "An argument is to hold what the task {task_id} left under {key}; there is nothing.",
        "The task was skipped, or returned nothing.",
        "Let it return a value, or name another key.",
    ),
    "task:xcom-too-large": Diagnosis(
        CONFIGURATION,
        "The result {key} is too large to be kept",
        "The task's result {key} has {size} bytes; {limit} are allowed.",
        "Results are for small values, such as names and counts.",
        "Write the data to a table or an object, and return where it is.",
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
