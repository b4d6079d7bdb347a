"""What the engine adds to a task, by the size and the shape of its run: ``python bench/engine.py``.

Measures runs of 1, 10, 100 and 1,000 tasks, all at once and one after another,
with one real worker and a real broker, on SQLite and on PostgreSQL. Every task
opens a session of an SQLite database in memory and asks it for the number 1: a
cloud that costs nothing. The floor does the same number of commits, and sends
the same messages, with nothing around them, on the same worker, in turns with it.
Aim: at least half of the floor's throughput, and no more a task in a large run
than in a small one.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from cryptography.fernet import Fernet

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))
#: tasks in a run -> how often it is measured
SIZES = {1: 40, 10: 10, 100: 4, 1_000: 2}
#: One-task runs that are triggered at once, for the throughput.
BATCH = 200
AIM = 0.5
PAUSE = 0.004
SLOTS = "8"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without runs of 1,000 tasks")
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"), help="on this database only")
    parser.add_argument("--database", help="measure on this database URL only (used by itself)")
    options = parser.parse_args()
    if options.database:
        measure([size for size in SIZES if size < 1_000 or not options.quick])
        return
    from bench.run_overhead import databases, valkey

    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        broker = stack.enter_context(valkey(Path(folder)))
        for name, url in databases(Path(folder), stack):
            if options.only in (None, name):
                print(f"\n{name}", flush=True)
                arguments = ["--quick"] if options.quick else []
                command = [sys.executable, __file__, "--database", url, *arguments]
                subprocess.run(command, env=variables(folder, url, broker), check=True)


def variables(folder: str, url: str, broker: str) -> dict[str, str]:
    return {
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


def measure(sizes: list[int]) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from bench.bare_engine import make_table

    call_command("migrate", verbosity=0)
    make_table()
    connect()
    with worker():
        warm_up()
        print("  tasks  shape     engine, ms a task   floor, ms a task   share of the floor")
        per_task: dict[tuple[str, int], float] = {}
        for size in sizes:
            for shape in ("parallel", "chain") if size > 1 else ("single",):
                per_task[shape, size] = compare(size, shape)
        flatness(per_task)
        throughput()


def connect() -> None:
    from access.audit import Actor
    from connections.services import create_connection
    from connections.validation import Draft

    draft = Draft("bench_conn", "sqlite", host=":memory:")
    create_connection(draft, actor=Actor("bench"))


@contextmanager
def worker() -> Iterator[None]:
    options = ["-P", "threads", "-c", SLOTS, "--without-gossip", "--without-mingle"]
    command = [sys.executable, "-m", "celery", "-A", "bench.bare_engine", "worker", *options]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as process:
        try:
            from tasks.engine.workers import workers

            while not workers():
                if process.poll() is not None:
                    raise SystemExit("The worker did not start.")
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def warm_up() -> None:
    for _ in range(5):
        seconds_of(lambda: trigger(1, "single"), is_over)
        seconds_of(lambda: start_floor(1, "single"), lambda: is_floor_over(1))


def compare(size: int, shape: str) -> float:
    """Print one line; the median of the engine's milliseconds a task."""
    engine, floor = [], []
    for _ in range(SIZES[size]):
        engine.append(seconds_of(lambda: trigger(size, shape), is_over) / size)
        floor.append(
            seconds_of(lambda: start_floor(size, shape), lambda: is_floor_over(size)) / size
        )
    share = statistics.median(floor) / statistics.median(engine)
    print(f"  {size:5}  {shape:8} {spread(engine)}  {spread(floor)}   {share:.2f}", flush=True)
    return 1_000 * statistics.median(engine)


def spread(seconds: list[float]) -> str:
    p95 = statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
    return f"{1000 * statistics.median(seconds):6.1f} (p95 {1000 * p95:6.1f})"


def seconds_of(start: Callable[[], object], is_over: Callable[[], bool]) -> float:
    started = time.perf_counter()
    start()
    while not is_over():
        time.sleep(PAUSE)
    return time.perf_counter() - started


def flatness(per_task: dict[tuple[str, int], float]) -> None:
    for shape in ("parallel", "chain"):
        sizes = sorted(size for name, size in per_task if name == shape)
        small, large = per_task[shape, sizes[0]], per_task[shape, sizes[-1]]
        words = f"a task of {sizes[-1]:,} costs {large / small:.2f} times one of {sizes[0]}"
        print(f"  {shape}: {words}")


def throughput() -> None:
    """One-task runs, triggered as fast as they can be, with one worker."""
    engine = BATCH / seconds_of(trigger_batch, is_over)
    floor = BATCH / seconds_of(bare_batch, lambda: is_floor_over(BATCH))
    verdict = "within" if engine / floor >= AIM else "NOT within"
    print(
        f"  one-task runs: {engine:.0f} a second, floor {floor:.0f}; share {engine / floor:.2f}, "
        f"{verdict} the aim of {AIM:g}",
        flush=True,
    )


def trigger_batch() -> None:
    for _ in range(BATCH):
        trigger(1, "single")


def bare_batch() -> None:
    """As many triggers as runs: a commit and a message each."""
    from django.db import connection, transaction

    from bench.bare_engine import bare, start_bare
    from tasks import live

    start_bare(0, is_chain=False)
    for number in range(BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO bench_bare (id, commits) VALUES (%s, 0)", [number])
            live.publish_on_commit(0)
        bare.apply_async(args=(number, 0))


def start_floor(size: int, shape: str) -> None:
    from bench.bare_engine import start_bare

    start_bare(size, is_chain=shape == "chain")


def is_floor_over(size: int) -> bool:
    from bench.bare_engine import is_done

    return is_done(size)


def trigger(size: int, shape: str) -> None:
    from access.audit import Actor
    from tasks.services import trigger_dag_run

    trigger_dag_run(saved(size, shape), actor=Actor("bench"))


@cache
def saved(size: int, shape: str) -> str:
    """The DAG's ID; it is made when it is first asked for."""
    from tasks.models import Dag, DagVersion
    from tasks.spec import DagSpec, TaskSpec

    dag_id = f"bench_{shape}_{size}"
    tasks = tuple(
        TaskSpec(
            f"t{number}",
            "SQLExecuteQueryOperator",
            "bench_conn",
            {"sql": "SELECT 1"},
            upstream=(f"t{number - 1}",) if shape == "chain" and number else (),
        )
        for number in range(size)
    )
    spec = DagSpec(dag_id, tasks)
    dag = Dag.objects.create(dag_id=dag_id)
    dag.current_version = DagVersion.objects.create(
        dag=dag, number=1, spec=spec.to_json(), digest=spec.digest()
    )
    dag.save()
    return dag_id


def is_over() -> bool:
    from tasks.models import DagRun

    if DagRun.objects.filter(state="failed").exists():
        raise SystemExit("A run failed.")
    return not DagRun.objects.exclude(state="success").exists()


if __name__ == "__main__":
    main()
