"""The list of DAGs: what its address asks for, and a page of rows, in a fixed number of queries.

A DAG's spec may be large: the list takes a few keys out of it in the database.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTransform
from django.http import QueryDict

from tasks.models import Dag, DagOrigin
from tasks.spec import DagSpec

SIZE = 50
#: Chips of the list: the value in the address -> its words.
SHOWN = {"active": "Active", "paused": "Paused", "missing": "Not in their files"}
ORIGINS = {DagOrigin.FILE: "From files", DagOrigin.BROWSER: "Made here"}
_SPEC = "current_version__spec"


@dataclass(frozen=True)
class DagFilters:
    """All that the address says."""

    search: str = ""
    shown: str = ""
    origin: str = ""
    tags: tuple[str, ...] = ()
    page: int = 1

    @property
    def is_narrowed(self) -> bool:
        return replace(self, page=1) != DagFilters()

    @property
    def query(self) -> str:
        """The address from its ``?`` on."""
        pairs = [("q", self.search), ("show", self.shown), ("origin", self.origin)]
        pairs += [("tag", tag) for tag in self.tags]
        pairs += [("page", str(self.page))] if self.page > 1 else []
        return f"?{urlencode([(name, value) for name, value in pairs if value])}"

    def with_(self, **changes: Any) -> DagFilters:
        """Changed, on the first page."""
        return replace(self, **{"page": 1, **changes})


@dataclass(frozen=True)
class Chip:
    """A filter that a click puts on, or takes off; ``count`` is how many DAGs have it."""

    label: str
    count: int
    url: str
    is_on: bool


@dataclass(frozen=True)
class DagLine:
    """A DAG in the list, with what its spec says of its schedule."""

    dag: Dag
    schedule: str
    tags: tuple[str, ...]
    conn_ids: tuple[str, ...]


def read(sent: QueryDict) -> DagFilters:
    page = sent.get("page", "")
    return DagFilters(
        search=sent.get("q", "").replace("\0", "").strip()[:250],
        shown=sent.get("show", "") if sent.get("show") in SHOWN else "",
        origin=sent.get("origin", "") if sent.get("origin") in ORIGINS else "",
        tags=tuple(dict.fromkeys(tag for tag in sent.getlist("tag") if tag)),
        page=int(page) if page.isascii() and page.isdecimal() and len(page) < 9 else 1,
    )


class DagList:
    """What matches ``filters``, and how many there are of each kind."""

    def __init__(self, filters: DagFilters) -> None:
        self.filters = filters
        rows = Dag.objects.annotate(tags=KeyTransform("tags", _SPEC))
        self._facts = list(rows.values_list("pk", "is_paused", "is_missing", "origin", "tags"))

    @property
    def total(self) -> int:
        return len(self._facts)

    def matching(self) -> QuerySet[Dag]:
        filters = self.filters
        rows = Dag.objects.select_related("current_version").defer(
            "current_version__spec", "current_version__source"
        )
        for word in filters.search.split():
            rows = rows.filter(
                Q(dag_id__icontains=word)
                | Q(description__icontains=word)
                | Q(filename__icontains=word)
            )
        if filters.shown:
            rows = rows.filter(is_missing=filters.shown == "missing")
        if filters.shown in ("active", "paused"):
            rows = rows.filter(is_paused=filters.shown == "paused")
        if filters.origin:
            rows = rows.filter(origin=filters.origin)
        if filters.tags:
            wanted = set(filters.tags)
            rows = rows.filter(
                pk__in=[pk for pk, *_, tags in self._facts if wanted <= set(tags or ())]
            )
        return rows.annotate(
            schedule=KeyTransform("schedule", _SPEC),
            interval=KeyTransform("interval", _SPEC),
            zone=KeyTransform("timezone", _SPEC),
            tags=KeyTransform("tags", _SPEC),
        )

    def state_chips(self) -> list[Chip]:
        found: Counter[str] = Counter()
        for _, is_paused, is_missing, _, _ in self._facts:
            found["missing" if is_missing else "paused" if is_paused else "active"] += 1
        return [
            self._chip("shown", value, label, found[value])
            for value, label in SHOWN.items()
            if found[value] or value == self.filters.shown
        ]

    def origin_chips(self) -> list[Chip]:
        """Nothing to choose where all come from one kind of place."""
        found = Counter(origin for *_, origin, _ in self._facts)
        chips = [
            self._chip("origin", value.value, label, found[value])
            for value, label in ORIGINS.items()
        ]
        return chips if len(found) > 1 or self.filters.origin else []

    def tag_chips(self) -> list[Chip]:
        """The most used first."""
        found = Counter(tag for *_, tags in self._facts for tag in tags or ())
        names = [*self.filters.tags, *(tag for tag in found if tag not in self.filters.tags)]
        chips = []
        for tag in names:
            is_on = tag in self.filters.tags
            kept = tuple(each for each in self.filters.tags if each != tag)
            tags = kept if is_on else (*kept, tag)
            chips.append(Chip(tag, found[tag], self.filters.with_(tags=tags).query, is_on))
        return sorted(chips, key=lambda chip: (not chip.is_on, -chip.count, chip.label))

    def _chip(self, name: str, value: str, label: str, count: int) -> Chip:
        is_on = getattr(self.filters, name) == value
        url = self.filters.with_(**{name: "" if is_on else value}).query
        return Chip(label, count, url, is_on)


def line_of(dag: Any) -> DagLine:
    """``dag`` is a row of ``DagList.matching``."""
    spec = DagSpec(
        dag.dag_id,
        (),
        schedule=dag.schedule or "",
        interval=dag.interval,
        timezone=dag.zone or "UTC",
    )
    version = dag.current_version
    return DagLine(
        dag=dag,
        schedule=spec.schedule_words,
        tags=tuple(dag.tags or ()),
        conn_ids=tuple(version.conn_ids) if version else (),
    )
