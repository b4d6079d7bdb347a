"""What can go wrong with a task's own Python code."""

from __future__ import annotations

from connections.diagnosis.words import CONFIGURATION, TRANSIENT, Diagnosis

PYTHON: dict[str, Diagnosis] = {
    "task:python-off": Diagnosis(
        CONFIGURATION,
        "Python tasks are turned off",
        "This task runs Python code, and the worker doesn't run any.",
        "PATCHBAY_PYTHON_TASKS is off on the worker.",
        "Turn it on for the workers, or let the DAG use an operator that needs no code.",
    ),
    "task:python-no-code": Diagnosis(
        CONFIGURATION,
        "There is no code to run",
        "The DAG has no file that holds the function of this task.",
        "Python code stands in a DAG file; this DAG was made in the browser, or its version is "
        "older than Python tasks.",
        "Write the DAG as a file, or run it again with the version that is current.",
    ),
    "task:python-not-started": Diagnosis(
        TRANSIENT,
        "No process could be started",
        "The worker could not start a process for the code: {reason}.",
        "The worker's machine has no memory, no processes or no room for temporary files left.",
        "Run it again later, with fewer tasks at once, or give the worker more.",
    ),
    "task:python-not-loaded": Diagnosis(
        CONFIGURATION,
        "The DAG file can't be loaded on the worker",
        "The DAG file could be read before, and now fails as the task's process loads it: {reason}",
        "A module that it imports has changed or is missing on this worker, or the file does "
        "something else at another time.",
        "Correct the DAG file, or the modules beside it; the message below names the place.",
        may_pass=True,
    ),
    "task:python-failed": Diagnosis(
        CONFIGURATION,
        "The Python code raised {error}",
        "The task's own code raised {error} in {place}.",
        "The message below is the code's own, with the lines that led to it.",
        "Correct the code, or what it works on, and run it again.",
        may_pass=True,
    ),
    "task:python-gave-up": Diagnosis(
        CONFIGURATION,
        "The Python code gave up",
        "The task's own code raised {error} in {place}: it is not to be tried again.",
        "The code decided so; the message below is its own.",
        "Correct what the message names, and run it again.",
    ),
    "task:python-exited": Diagnosis(
        CONFIGURATION,
        "The Python code ended its process ({reason})",
        "The task's own code ended its process before it returned: {reason}.",
        "It called sys.exit() or os._exit(), or a library did.",
        "Let the function return, or raise an exception that says what is wrong.",
        may_pass=True,
    ),
    "task:python-crashed": Diagnosis(
        CONFIGURATION,
        "The Python code crashed ({signal})",
        "The process of the task's own code was ended by {signal}.",
        "A fault in a library written in C, or a signal that the code sent itself.",
        "The log may show the line. Try the code with another version of the library.",
        may_pass=True,
    ),
    "task:python-killed": Diagnosis(
        TRANSIENT,
        "The Python code was killed",
        "The process of the task's own code was killed from outside.",
        "Most often the machine or the container had no memory left, and its kernel chose this "
        "process.",
        "Give the worker more memory, let fewer tasks run at once, or let the code take less.",
    ),
    "task:python-memory": Diagnosis(
        CONFIGURATION,
        "The Python code needs more than {megabytes} MiB",
        "The task's own code asked for more memory than the {megabytes} MiB that it may have.",
        "It holds much data at once.",
        "Let it work in pieces, or raise PATCHBAY_PYTHON_TASK_MEMORY on the workers.",
    ),
    "task:python-line-lost": Diagnosis(
        CONFIGURATION,
        "The Python code lost its line to the worker",
        "The process of the task's own code closed its line to the worker, or wrote into it.",
        "It closed files that it hadn't opened, or wrote to file descriptors by their number.",
        "Let the code close only what it opened.",
        may_pass=True,
    ),
    "task:python-no-hook": Diagnosis(
        CONFIGURATION,
        "No session can be opened with {conn_id}",
        "Nothing here opens sessions of the type {conn_type}.",
        "The type is stored, and no hook of Patchbay knows it.",
        "Let the code take BaseHook.get_connection('{conn_id}'), and use a client of its own.",
    ),
    "task:python-wrong-result": Diagnosis(
        CONFIGURATION,
        "The function returned the wrong kind of value",
        "The function returned {reason}.",
        "A branch returns IDs of tasks, and a function with multiple_outputs a dict.",
        "Correct what the function returns.",
    ),
    "task:result-not-json": Diagnosis(
        CONFIGURATION,
        "The result can't be handed on",
        "What the code left can't be stored: {reason}.",
        "Results go to other tasks as JSON: texts, numbers, True, False, None, lists and dicts.",
        "Return something that JSON has, or store the data elsewhere and return its place.",
    ),
    "task:result-too-large": Diagnosis(
        CONFIGURATION,
        "The code left more than {megabytes} MiB",
        "What the code returned or pushed takes more than {megabytes} MiB as JSON.",
        "An XCom is for small results.",
        "Store the data elsewhere, and return its place.",
    ),
}
