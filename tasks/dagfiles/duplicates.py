"""The same ``dag_id`` in several files: one of them counts, and the others say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tasks.dagfiles.results import ImportProblem, ParsedDag, ParsedFile


def settle_duplicates(files: Sequence[ParsedFile]) -> list[ParsedFile]:
    """Leave each DAG with the first file that defines it; ``files`` are in order.

    A DAG that a file merely imported from another of ``files`` belongs to that
    other file, and is no problem.
    """
    homes = {(file.filename, dag.spec.dag_id) for file in files for dag in _own(file)}
    first: dict[str, str] = {}
    return [_settle(file, homes, first) for file in files]


def _own(file: ParsedFile) -> list[ParsedDag]:
    return [dag for dag in file.dags if dag.made_in == file.filename]


def _settle(file: ParsedFile, homes: set[tuple[str, str]], first: dict[str, str]) -> ParsedFile:
    kept = []
    problem = file.problem
    for dag in file.dags:
        dag_id = dag.spec.dag_id
        if dag.made_in != file.filename and (dag.made_in, dag_id) in homes:
            continue
        if first.setdefault(dag_id, file.filename) == file.filename:
            kept.append(dag)
        else:
            problem = problem or _duplicate(dag_id, file.filename, first=first[dag_id])
    return replace(file, dags=tuple(kept), problem=problem)


def _duplicate(dag_id: str, filename: str, *, first: str) -> ImportProblem:
    words = f"DAG {dag_id!r} is in both {first} and {filename}: the one in {first} counts."
    return ImportProblem(filename, None, words, "duplicate")
