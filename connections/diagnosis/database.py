"""What can go wrong with a database that speaks SQL."""

from __future__ import annotations

from connections.diagnosis.words import CONFIGURATION, TRANSIENT, Diagnosis

_REACHING: dict[str, Diagnosis] = {
    "sql:name-unknown": Diagnosis(
        CONFIGURATION,
        "The name {host} is not known",
        "The worker could not find an address for {host}.",
        "The host is misspelt, or the worker's DNS doesn't know it.",
        "Check Host on the connection, and the worker's DNS.",
        fields=("host",),
    ),
    "sql:unreachable": Diagnosis(
        TRANSIENT,
        "{host} can't be reached",
        "The worker could not connect to {host}: {reason}.",
        "Nothing listens there, or a firewall stands between.",
        "Check Host and Port on the connection, and that the worker may reach them.",
        fields=("host", "port", "unix_socket"),
    ),
    "sql:no-answer": Diagnosis(
        TRANSIENT,
        "{host} did not answer in {seconds} s",
        "{host} took the connection, and gave no answer within {seconds} seconds.",
        "The server is overloaded, or something between drops the answer.",
        "Run it again; if it stays, raise the extra connect_timeout on the connection.",
        fields=("host", "port"),
    ),
    "sql:dropped": Diagnosis(
        TRANSIENT,
        "{host} dropped the connection",
        "The connection with {host} ended before the answer was there. What was not committed is "
        "undone.",
        "The server was restarted, somebody ended the session there, or something between cuts "
        "connections.",
        "Run it again.",
    ),
    "sql:busy": Diagnosis(
        TRANSIENT,
        "{host} takes no more sessions now",
        "{host} is there, and opened no session.",
        "It has as many sessions as it may have, or it is starting or stopping.",
        "Run it again later, or run fewer tasks at once.",
    ),
    "sql:bad-answer": Diagnosis(
        TRANSIENT,
        "{host} doesn't answer as such a database does",
        "Something listens at {host}, and it doesn't speak the protocol of this database.",
        "The port is that of another service, or of a proxy.",
        "Check Host and Port on the connection.",
        fields=("host", "port"),
    ),
    "sql:tls": Diagnosis(
        CONFIGURATION,
        "No secure connection with {host}",
        "No connection with TLS could be made with {host}: {reason}.",
        "The server has no TLS, its certificate is not trusted, or a file of the connection isn't "
        "on the worker.",
        "Check the SSL fields of the connection; the message below names the fault.",
        fields=("sslmode", "sslrootcert", "sslcert", "sslkey", "ssl_mode", "ssl"),
    ),
}

_SESSION: dict[str, Diagnosis] = {
    "sql:login-refused": Diagnosis(
        CONFIGURATION,
        "{host} refused the login",
        "{host} did not accept the login and password of the connection.",
        "The password is wrong or has expired, the account isn't there, or it may not sign in "
        "from the worker.",
        "Check Login and Password on the connection, and who may sign in on the server.",
        fields=("login", "password"),
    ),
    "sql:no-database": Diagnosis(
        CONFIGURATION,
        "There is no database {database}",
        "{host} has no database {database}.",
        "It is misspelt, or was deleted.",
        "Correct Database on the connection, or database in the DAG.",
        fields=("schema",),
    ),
    "sql:session-refused": Diagnosis(
        CONFIGURATION,
        "{host} opened no session",
        "{host} refused the session.",
        "The message below is the server's own.",
        "Correct what the message names.",
    ),
    "sql:bad-option": Diagnosis(
        CONFIGURATION,
        "An option of the connection can't be right",
        "No session can be opened with the options of the connection: {reason}.",
        "An extra is misspelt, or holds a value that it can't have.",
        "Correct the extra on the connection.",
    ),
    "sql:unsupported": Diagnosis(
        CONFIGURATION,
        "{what} can't be used here yet",
        "{what} can't be used here yet.",
        "The connection or the DAG asks for something that Airflow has and Patchbay lacks.",
        "{instead}",
    ),
    "sql:file-path": Diagnosis(
        CONFIGURATION,
        "The connection names no full path of a file",
        "A database file needs its full path; the connection says {path}.",
        "File is empty, or its path depends on the folder in which a worker happens to run.",
        "Give the full path, such as /var/lib/reports.db.",
        fields=("host",),
    ),
    "sql:file-missing": Diagnosis(
        CONFIGURATION,
        "There is no file {path}",
        "The worker has no file {path}, and makes none by itself.",
        "The path is misspelt, or the file is on another machine.",
        "Correct File on the connection. To have a missing file made, set the extra mode to rwc.",
        fields=("host",),
    ),
    "sql:file-unreadable": Diagnosis(
        CONFIGURATION,
        "The worker can't use {path}",
        "The worker can't use {path} as a database: {reason}.",
        "The worker's user may not read it, or it is no SQLite file.",
        "Check the file and its permissions, or correct File on the connection.",
        fields=("host",),
    ),
    "sql:own-database": Diagnosis(
        CONFIGURATION,
        "This is Patchbay's own database",
        "{path} is the file in which Patchbay keeps its connections, users and runs.",
        "The connection names the wrong file.",
        "Correct File on the connection.",
        fields=("host",),
    ),
}

_STATEMENT: dict[str, Diagnosis] = {
    "sql:syntax": Diagnosis(
        CONFIGURATION,
        "The database can't read this SQL",
        "The database looked at the SQL and refused it.",
        "An error in the SQL, or SQL of another database; the message below names the place.",
        "Correct the SQL in the DAG.",
    ),
    "sql:several-statements": Diagnosis(
        CONFIGURATION,
        "Several statements in one text",
        "The text holds several statements, and the database takes one at a time.",
        "split_statements is not set.",
        "Set split_statements=True in the DAG, or give the statements as a list.",
    ),
    "sql:parameters": Diagnosis(
        CONFIGURATION,
        "The parameters don't fit the SQL",
        "The SQL has other places for parameters than the DAG gives: {reason}.",
        "One is missing or too many, or the places are written as another database has them.",
        "Write %s or %(name)s for PostgreSQL and MySQL, ? or :name for SQLite.",
    ),
    "sql:not-found": Diagnosis(
        CONFIGURATION,
        "Something that the SQL names isn't there",
        "The database has no table, column, function or schema of a name in the SQL.",
        "It is misspelt, was deleted, or lies in another schema or database.",
        "Correct the name in the SQL, or make what is missing first.",
    ),
    "sql:already-there": Diagnosis(
        CONFIGURATION,
        "What the SQL makes is there already",
        "The database has something of this name already.",
        "The statement ran before.",
        "Write IF NOT EXISTS, or drop it first.",
    ),
    "sql:permission-denied": Diagnosis(
        CONFIGURATION,
        "The login may not do this",
        "The database refused the statement: {identity} lacks the right.",
        "The login is valid, but may not read or change what the SQL names.",
        "Let the database's administrator grant the right, or use another connection.",
    ),
    "sql:read-only": Diagnosis(
        CONFIGURATION,
        "The database can only be read",
        "The statement would change data, and this database or session can only read.",
        "It is a replica, its file or mode is read-only, or the session was made so.",
        "Name the main server on the connection, or allow writing.",
    ),
    "sql:constraint": Diagnosis(
        CONFIGURATION,
        "The data breaks a rule of its table",
        "The database refused the data: a key, a reference, a check or NOT NULL.",
        "The rows are there already, or the data is not as the table wants it.",
        "Look at the rows that the message names; make the statement repeatable.",
    ),
    "sql:bad-value": Diagnosis(
        CONFIGURATION,
        "A value is not of the kind that is needed",
        "The database could not use a value: of another type, too long, out of range, or divided "
        "by zero.",
        "Data that is not as the SQL expects it.",
        "Correct the data, or convert it in the SQL.",
    ),
    "sql:deadlock": Diagnosis(
        TRANSIENT,
        "Another transaction stood in the way",
        "The database undid the transaction, because it and another waited for each other.",
        "Two tasks change the same rows in another order.",
        "Run it again; if it comes often, change the rows in the same order everywhere.",
    ),
    "sql:locked": Diagnosis(
        TRANSIENT,
        "Somebody else holds the lock",
        "The statement waited for a lock, and did not get it in time.",
        "Another session changes the same table or file, and has not ended its transaction.",
        "Run it again later; look for sessions that stay open.",
    ),
    "sql:stopped": Diagnosis(
        CONFIGURATION,
        "The statement was stopped in the database",
        "The database stopped the statement, and not because Patchbay asked it to.",
        "An administrator ended it, or the server's limit on its time did.",
        "Run it again if that was not meant; else make the statement smaller.",
    ),
    "sql:timeout": Diagnosis(
        CONFIGURATION,
        "The statement took longer than the database allows",
        "The database stopped the statement at its limit on time.",
        "It reads or changes much, or waits for others.",
        "Make it smaller, or raise the limit of the database or the login.",
    ),
    "sql:no-room": Diagnosis(
        CONFIGURATION,
        "The database has no room left",
        "The database could not do it: its disk or memory is full.",
        "Much data, or a limit on the server.",
        "Let the database's administrator make room, then run it again.",
        may_pass=True,
    ),
    "sql:attach-refused": Diagnosis(
        CONFIGURATION,
        "The SQL may not use another file",
        "The statement would open or write another file of the worker.",
        "ATTACH or VACUUM INTO with the name of a file.",
        "Make a connection for that file, and a task for each.",
    ),
    "sql:failed": Diagnosis(
        CONFIGURATION,
        "The statement failed in the database",
        "The database ran the statement, and it ended with an error: {reason}.",
        "The message below is the database's own.",
        "Correct what the message names, and run it again.",
    ),
}

_RESULT: dict[str, Diagnosis] = {
    "sql:result-too-large": Diagnosis(
        CONFIGURATION,
        "The result has more than {limit}",
        "The statement gives more than {limit}, which is more than a task keeps for others. "
        "Nothing was committed.",
        "The rows of a query are kept as the task's XCom.",
        "Read fewer rows, write them to a table, or set do_xcom_push=False to keep none.",
    ),
    "sql:no-rows": Diagnosis(
        CONFIGURATION,
        "The query gave no row",
        "The query gave no row, and one is needed.",
        "The data isn't there, or not yet.",
        "Look at the data that the query reads.",
        may_pass=True,
    ),
    "sql:check-failed": Diagnosis(
        CONFIGURATION,
        "The data check failed",
        "The check looked at the data, and it is not as it should be: {reason}.",
        "The data is wrong, or not complete yet.",
        "Look at the data that the query reads; then clear the task.",
        may_pass=True,
    ),
}

DATABASE: dict[str, Diagnosis] = {**_REACHING, **_SESSION, **_STATEMENT, **_RESULT}
