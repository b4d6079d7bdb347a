"""The cables of a drawing: as few as tell the same, as curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from tasks.presentation.graph_layout import LAYER_GAP, Point
from tasks.spec import DagSpec

#: From each of so many tasks to each of so many others: they meet in one point.
BUNDLE_FROM = 3
#: With more, those that follow from others are left out; more than ``MOST`` are never drawn.
MANY, MOST = 500, 2_000

Ends = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Anchor:
    """A box at whose right and left side cables end; pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True)
class Cable:
    """A path of SVG. ``source`` is the task that it comes from; empty where it is not one."""

    path: str
    source: str = ""


def cables_of(
    spec: DagSpec,
    anchors: Mapping[str, Anchor],
    passes: Callable[[str, str], tuple[Point, ...]],
) -> tuple[tuple[Cable, ...], str]:
    """The cables, and in words what of them isn't drawn.

    ``anchors`` tell for each task at which box its cables end; tasks with the
    same box wait for the same. ``passes`` tells where a cable crosses layers.
    """
    ends, words = _ends(spec, anchors), ""
    bundles, singles = _bundled(ends)
    if len(singles) > MANY:
        bundles, singles = _bundled(_reduced(ends))
        words = "cables that follow from others are left out"
    shared = {anchor for name, anchor in anchors.items() if name not in ends}
    source = {name: "" if anchors[name] in shared else name for name in ends}
    cables = [Cable(_path(anchors[a], anchors[b], passes(a, b)), source[a]) for a, b in singles]
    for starts, targets in bundles:
        cables += _bundle(anchors, starts, targets, source)
    if len(cables) > MOST:
        words = f"{MOST:,} of {len(cables):,} cables are drawn"
    return tuple(cables[:MOST]), words


def _ends(spec: DagSpec, anchors: Mapping[str, Anchor]) -> Ends:
    """What each box waits for. A box is named by the first task that has it."""
    first: dict[Anchor, str] = {}
    for task in spec.tasks:
        first.setdefault(anchors[task.task_id], task.task_id)
    return {
        name: tuple(dict.fromkeys(first[anchors[each]] for each in spec.task(name).upstream))
        for name in first.values()
    }


def _bundled(
    ends: Ends,
) -> tuple[list[tuple[tuple[str, ...], list[str]]], list[tuple[str, str]]]:
    """Those that all wait for the same, and the cables that are left."""
    alike: dict[frozenset[str], list[str]] = {}
    for name, starts in ends.items():
        alike.setdefault(frozenset(starts), []).append(name)
    bundles, singles = [], []
    for targets in alike.values():
        starts = ends[targets[0]]
        if len(starts) >= BUNDLE_FROM <= len(targets):
            bundles.append((starts, targets))
        else:
            singles += [(start, target) for target in targets for start in starts]
    return bundles, singles


def _reduced(ends: Ends) -> Ends:
    """Without what is behind another of the same; each set of names is the bits of a number."""
    bit = {name: 1 << at for at, name in enumerate(ends)}
    behind: dict[str, int] = {}
    implied: dict[str, int] = {}
    for name in TopologicalSorter(ends).static_order():
        implied[name] = own = 0
        for start in ends[name]:
            implied[name] |= behind[start]
            own |= bit[start]
        behind[name] = implied[name] | own
    return {
        name: tuple(start for start in starts if not implied[name] & bit[start])
        for name, starts in ends.items()
    }


def _bundle(
    anchors: Mapping[str, Anchor],
    starts: tuple[str, ...],
    targets: list[str],
    source: Mapping[str, str],
) -> list[Cable]:
    """All of ``starts`` into one point before the ``targets``, and from there to each."""
    from_boxes, to_boxes = [anchors[each] for each in starts], [anchors[each] for each in targets]
    middles = [sum(box.middle for box in boxes) / len(boxes) for boxes in (from_boxes, to_boxes)]
    left = min(box.x for box in to_boxes)
    joint = Anchor(left - LAYER_GAP / 2, sum(middles) / 2, 0, 0)
    return [
        *(Cable(_path(anchors[each], joint, ()), source[each]) for each in starts),
        *(Cable(_path(joint, box, ())) for box in to_boxes),
    ]


def _path(start: Anchor, end: Anchor, passes: tuple[Point, ...]) -> str:
    """A curve that leaves and arrives level, and is level where it passes a layer."""
    x, y = start.right, start.middle
    parts = [f"M{x:.0f} {y:.0f}"]
    for left, right, at in passes:
        parts += [_curve(x, y, left, at), f"H{right:.0f}"]
        x, y = right, at
    return "".join([*parts, _curve(x, y, end.x, end.middle)])


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = max((to_x - x) / 2, 12)
    return f"C{x + bend:.0f} {y:.0f} {to_x - bend:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"
