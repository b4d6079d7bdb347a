"""Files beside a DAG file whose content stands in an argument: ``sql="queries/day.sql"``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.reading import READING

if TYPE_CHECKING:
    from tasks.dagfiles.authoring.dag import DAG

#: As much as all the DAGs of a file may have.
MOST_BYTES = 8 << 20


def with_files(value: Any, ends: tuple[str, ...], *, dag: DAG, where: str) -> Any:
    """``value`` with the content of every file that a text in it names by its ending."""
    if not ends:
        return value
    if isinstance(value, str):
        return _content(value, dag, where=where) if value.endswith(ends) else value
    if isinstance(value, list):
        return [
            with_files(item, ends, dag=dag, where=f"{where}[{index}]")
            for index, item in enumerate(value)
        ]
    if isinstance(value, dict):
        return {
            key: with_files(item, ends, dag=dag, where=f"{where}[{key!r}]")
            for key, item in value.items()
        }
    return value


def _content(name: str, dag: DAG, *, where: str) -> str:
    found = _find(name, dag)
    if found is None:
        looked = "beside the DAG file, in the DAG folder and in template_searchpath"
        raise ArgumentProblem(f"{where} names the file {name!r}, which isn't there: {looked}.")
    try:
        if found.stat().st_size > MOST_BYTES:
            raise ArgumentProblem(f"{where}: the file {name!r} has more than 8 MiB.")
        text = found.read_text(encoding="utf-8")
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise ArgumentProblem(f"{where}: the file {name!r} can't be read: {words}.") from None
    except UnicodeDecodeError:
        raise ArgumentProblem(f"{where}: the file {name!r} isn't UTF-8.") from None
    if "\x00" in text:
        raise ArgumentProblem(f"{where}: the file {name!r} has a null byte.")
    return text


def _find(name: str, dag: DAG) -> Path | None:
    # As Airflow's loader of templates: never out of the folders that it looks in.
    parts = name.split("/")
    if "\x00" in name or "\n" in name or name.startswith("/") or ".." in parts:
        return None
    places = (dag.folder, READING.folder, *_search_path(dag))
    paths = (Path(place, *parts) for place in places)
    return next((path for path in paths if path.is_file()), None)


def _search_path(dag: DAG) -> list[str]:
    given = dag.settings.get("template_searchpath") or ()
    folders = [given] if isinstance(given, str) else list(given)
    return [str(folder) for folder in folders]
