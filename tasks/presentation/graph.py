"""A DAG as a drawing that the server makes: tasks are jacks, what follows what are cables.

Tasks that stand between the same tasks are drawn as a rack, with one cable for
all of them, and a bundle of cables from all of some tasks to all of some others
meets in one point. So 30 layers of 30 tasks, each waiting for all before it, are
a chain of 30 racks and not 26,100 cables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tasks.presentation.graph_cables import Anchor, cables_of
from tasks.presentation.graph_layout import Item, Loop, Placement, Point, place
from tasks.spec import DagSpec, TaskSpec, TriggerRule
from tasks.states import TaskState

#: A drawing of more would be slow to make and hard to read.
MOST_NODES = 300
#: With more tasks a node has one line and no operator.
ROOMY = 60
LONGEST_LABEL = 26
CHARACTER, RULE_CHARACTER, JACK, MARGIN = 7.3, 6.4, 36, 14
#: A graph may be drawn so much smaller to fit, and larger ones than ``MOST_SCROLLED`` even more.
LEGIBLE, MOST_SCROLLED = 0.5, 950
PAD, HEAD = 14, 30
#: So many tasks that stand between the same tasks make a rack, of so many rows at most.
RACK_FROM, RACK_ROWS = 9, 12


@dataclass(frozen=True)
class Node:
    """One task; pixels. ``rule`` is its trigger rule where it isn't ``all_success``."""

    position: int
    task_id: str
    label: str
    operator: str
    state: TaskState | None
    href: str
    upstream: tuple[str, ...]
    rule: str
    x: int
    y: int
    width: int
    height: int

    @property
    def jack_x(self) -> int:
        return self.x + 18

    @property
    def jack_y(self) -> int:
        return self.y + self.height // 2

    @property
    def name_y(self) -> int:
        """The foot of its name: above the middle, where there is a line below."""
        return self.jack_y - (3 if self.height > 40 else -4)

    @property
    def short_operator(self) -> str:
        """The operator's name as far as the box is wide."""
        name, most = self.operator.removesuffix("Operator"), int((self.width - JACK - 6) / 6.2)
        return name if len(name) <= most else f"{name[: most - 1]}…"


@dataclass(frozen=True)
class Edge:
    """A path of SVG. ``source`` is the position of the task that it comes from, if it is one;
    ``is_lit`` where that one has ended well."""

    path: str
    source: int | None
    is_lit: bool


@dataclass(frozen=True)
class Box:
    """A TaskGroup, with its label; or a rack, which has none."""

    label: str
    title: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Graph:
    """What ``templates/tasks/_graph.html`` draws. ``words`` say what is and what isn't there."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Box, ...]
    racks: tuple[Box, ...]
    width: int
    height: int
    words: str
    is_too_large: bool = False
    is_roomy: bool = True

    @property
    def least_width(self) -> int:
        """Fit to a narrow page, it stays so wide, in hundreds of pixels: names must be legible."""
        return int(min(self.width * LEGIBLE, MOST_SCROLLED) // 100)


def graph_of(
    spec: DagSpec,
    states: Mapping[str, TaskState] | None = None,
    *,
    href: Callable[[int], str] | None = None,
    positions: Mapping[str, int] | None = None,
) -> Graph:
    """The drawing; ``href`` gives the link of a task by its place in ``spec.tasks``.

    ``states`` are by task_id. Without them, or where one lacks, the node has none.
    ``positions`` are those of a run, which may be older than the present order.
    """
    count = len(spec.tasks)
    if count > MOST_NODES:
        words = f"{count:,} tasks are too many to draw; the list has them all."
        return Graph((), (), (), (), 0, 0, words, is_too_large=True)
    drawing = _Drawing(spec)
    position_of = {**spec.position_of, **(positions or {})}
    boxes = drawing.boxes
    nodes = tuple(
        Node(
            position=position_of[task.task_id],
            task_id=task.task_id,
            label=_label(task),
            operator=task.operator,
            state=(states or {}).get(task.task_id),
            href=href(place) if href else f"#task-{position_of[task.task_id]}",
            upstream=task.upstream,
            rule=_rule(task),
            x=round(boxes[task.task_id].x),
            y=round(boxes[task.task_id].y),
            width=round(boxes[task.task_id].width),
            height=round(drawing.node_height),
        )
        for place, task in enumerate(spec.tasks)
    )
    cables, left_out = cables_of(spec, drawing.anchors, drawing.passes_of)
    lit = {name for name, state in (states or {}).items() if state == TaskState.SUCCESS}
    words = f"{count} task{'' if count == 1 else 's'}"
    if left_out:
        words += f"; {left_out}"
    width, height = drawing.size
    return Graph(
        nodes=nodes,
        edges=tuple(
            Edge(each.path, position_of.get(each.source), each.source in lit) for each in cables
        ),
        groups=tuple(drawing.group_boxes()),
        racks=tuple(drawing.rack_boxes()),
        width=round(width),
        height=round(height),
        words=words,
        is_roomy=count <= ROOMY,
    )


def _label(task: TaskSpec) -> str:
    """The task_id without its group's, which stands on the box around it."""
    name = task.task_id.removeprefix(f"{task.group}.") if task.group else task.task_id
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"


def _rule(task: TaskSpec) -> str:
    """What stands above the node: nothing for the usual rule."""
    return "" if task.trigger_rule == TriggerRule.ALL_SUCCESS else task.trigger_rule


class _Drawing:
    """Places the levels of groups, each as a box in the level around it.

    Tasks are named by their task_id, racks and groups by ``rack:`` and ``group:``,
    which no task_id can begin with.
    """

    def __init__(self, spec: DagSpec) -> None:
        self._spec = spec
        is_roomy = len(spec.tasks) <= ROOMY
        narrow = 132.0 if is_roomy else 90.0
        self._width_of = {
            task.task_id: max(
                narrow,
                JACK + CHARACTER * len(_label(task)) + MARGIN,
                RULE_CHARACTER * len(f"when {rule}") + MARGIN if (rule := _rule(task)) else 0,
            )
            for task in spec.tasks
        }
        self.node_height = 46.0 if is_roomy else 30.0
        self.boxes: dict[str, Anchor] = {}
        self._passes: dict[tuple[str, str], tuple[Point, ...]] = {}
        self._rack_of = _racks(spec)
        self._flat: set[str] = set()
        self._placed: dict[str, Placement] = {}
        while "" not in self._placed:
            try:
                self._place_all()
            except Loop as loop:
                # A group before and behind the same task can't be one box.
                self._flat |= {key for key in loop.keys if key.startswith("group:")}
        self._put("", PAD / 2, PAD / 2 + 10)
        self.size = (self._placed[""].width + PAD, self._placed[""].height + PAD + 10)

    def passes_of(self, start: str, end: str) -> tuple[Point, ...]:
        """Where the cable between two tasks passes layers of the level that holds both."""
        _, a, b = self._meeting(start, end)
        return self._passes.get((a, b), ())

    @property
    def anchors(self) -> dict[str, Anchor]:
        """Where the cables of each task end: at its node, or at its rack."""
        return {
            task.task_id: self.boxes[self._rack_of.get(task.task_id, task.task_id)]
            for task in self._spec.tasks
        }

    def group_boxes(self) -> Iterable[Box]:
        for key, box in self.boxes.items():
            if key.startswith("group:"):
                name = key.removeprefix("group:")
                around = (each for each in self._spec.groups if name.startswith(f"{each}."))
                parent = max(around, key=len, default="")
                label = name.removeprefix(f"{parent}.") if parent else name
                yield _box(box, label, self._spec.groups.get(name) or name)

    def rack_boxes(self) -> Iterable[Box]:
        for key, box in self.boxes.items():
            if key.startswith("rack:"):
                count = sum(rack == key for rack in self._rack_of.values())
                yield _box(box, "", f"{count} tasks that stand between the same tasks")

    def _path(self, task: TaskSpec) -> tuple[str, ...]:
        """The boxes around a task, from the outermost on, and the task."""
        known = {*self._spec.groups, *(each.group for each in self._spec.tasks if each.group)}
        around = [
            f"group:{name}"
            for name in sorted(known, key=len)
            if task.group == name or task.group.startswith(f"{name}.")
        ]
        rack = self._rack_of.get(task.task_id)
        inner = (rack, task.task_id) if rack else (task.task_id,)
        return (*(name for name in around if name not in self._flat), *inner)

    def _meeting(self, start: str, end: str) -> tuple[str, str, str]:
        """The level that holds both tasks, and what of it holds the one and the other."""
        level = ""
        for a, b in zip(self._paths[start], self._paths[end], strict=False):
            if a != b:
                return level, a, b
            level = a
        raise AssertionError(f"{start} waits for itself.")

    def _place_all(self) -> None:
        """Each level once what is inside it is placed; raise ``Loop``."""
        self._placed = {}
        self._paths = {task.task_id: self._path(task) for task in self._spec.tasks}
        members = _members_of(self._paths.values())
        links: dict[str, dict[tuple[str, str], None]] = {}
        for task in self._spec.tasks:
            for name in task.upstream:
                level, a, b = self._meeting(name, task.task_id)
                links.setdefault(level, {})[a, b] = None
        for level in _innermost_first(self._paths.values()):
            if level.startswith("rack:"):
                width = max(self._width_of[name] for name in members[level])
                self._width_of |= dict.fromkeys(members[level], width)
                self._placed[level] = _rack(members[level], width, self.node_height)
            else:
                items = [Item(name, *self._size(name)) for name in members[level]]
                self._placed[level] = place(items, links.get(level, ()))
                self._widen(self._placed[level])

    def _widen(self, placed: Placement) -> None:
        """Nodes below each other are as wide as the widest of them."""
        columns: dict[float, list[str]] = {}
        for name, (left, _) in placed.corners.items():
            if name in self._width_of:
                columns.setdefault(left, []).append(name)
        for names in columns.values():
            width = max(self._width_of[name] for name in names)
            self._width_of |= dict.fromkeys(names, width)

    def _size(self, name: str) -> tuple[float, float]:
        if name not in self._placed:
            return self._width_of[name], self.node_height
        inside = self._placed[name]
        head = HEAD if name.startswith("group:") else PAD
        return inside.width + 2 * PAD, inside.height + head + PAD

    def _put(self, level: str, x: float, y: float) -> None:
        placed = self._placed[level]
        for name, (left, top) in placed.corners.items():
            width, height = self._size(name)
            self.boxes[name] = Anchor(x + left, y + top, width, height)
            if name in self._placed:
                head = HEAD if name.startswith("group:") else PAD
                self._put(name, x + left + PAD, y + top + head)
        for pair, points in placed.passes.items():
            self._passes[pair] = tuple((x + a, x + b, y + at) for a, b, at in points)


def _innermost_first(paths: Iterable[tuple[str, ...]]) -> list[str]:
    depth = {"": 0}
    for path in paths:
        depth |= {name: at for at, name in enumerate(path[:-1], start=1)}
    return sorted(depth, key=lambda name: -depth[name])


def _members_of(paths: Iterable[tuple[str, ...]]) -> dict[str, list[str]]:
    """What stands directly in each box; the key is empty for the drawing itself."""
    members: dict[str, dict[str, None]] = {"": {}}
    for path in paths:
        for parent, name in zip(("", *path), path, strict=False):
            members.setdefault(parent, {})[name] = None
    return {parent: list(names) for parent, names in members.items()}


def _racks(spec: DagSpec) -> dict[str, str]:
    """The rack of each task that is in one."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for task in spec.tasks:
        before, after = frozenset(task.upstream), frozenset(spec.downstream[task.task_id])
        alike.setdefault((task.group, before, after), []).append(task.task_id)
    return {
        name: f"rack:{names[0]}"
        for names in alike.values()
        if len(names) >= RACK_FROM
        for name in names
    }


def _rack(names: list[str], width: float, height: float) -> Placement:
    """Columns of equal height, filled one after the other."""
    columns = -(-len(names) // RACK_ROWS)
    rows = -(-len(names) // columns)
    across, down = width + PAD, height + (8 if height < 40 else 14)
    corners = {name: (at // rows * across, at % rows * down) for at, name in enumerate(names)}
    return Placement(corners, {}, columns * across - PAD, rows * down - (down - height))


def _box(box: Anchor, label: str, title: str) -> Box:
    return Box(label, title, round(box.x), round(box.y), round(box.width), round(box.height))
