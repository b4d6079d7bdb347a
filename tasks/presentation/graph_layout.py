"""Where the boxes of a layered drawing stand: left to right, few crossings, straight cables.

Layers by the longest path, their order by sweeps of barycentres, the heights by
least squares. Pure numbers; what the boxes are is told by ``tasks.presentation.graph``.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

#: Between two layers there is room for the cables.
LAYER_GAP = 44.0
ROW_GAP = 20.0
#: A cable that passes a layer has a place of its own there, unless there are too many.
MOST_PASSES = 1_500
SWEEPS = 8
#: With more cables than that, crossings are not counted; the last sweep holds.
MOST_COUNTED = 3_000

Key = str | tuple[str, str, int]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Item:
    """A box to be placed; sizes in pixels."""

    key: str
    width: float
    height: float


@dataclass(frozen=True)
class Placement:
    """``corners`` are the upper left ones. ``passes`` has, for a cable that crosses layers
    between its ends, where it passes each of them: (left, right, y)."""

    corners: dict[str, tuple[float, float]]
    passes: dict[tuple[str, str], tuple[Point, ...]]
    width: float
    height: float


class Loop(ValueError):
    """The items can't be layered; ``keys`` are those in a loop or behind one."""

    def __init__(self, keys: set[str]) -> None:
        super().__init__("The boxes stand in a loop.")
        self.keys = keys


def place(items: Sequence[Item], edges: Iterable[tuple[str, str]]) -> Placement:
    """Raise ``Loop`` where the edges make one. The same input gives the same places."""
    pairs = list(dict.fromkeys(edges))
    ranks = _ranks(items, pairs)
    sizes: dict[Key, tuple[float, float]] = {item.key: (item.width, item.height) for item in items}
    layers, links = _layers(items, pairs, ranks)
    for layer in layers:
        for key in layer:
            sizes.setdefault(key, (0.0, 0.0))
    layers = _with_few_crossings(layers, links)
    middles = _middles(layers, links, {key: height for key, (_, height) in sizes.items()})
    lefts, right = [], 0.0
    for layer in layers:
        lefts.append(right)
        right += max(sizes[key][0] for key in layer) + LAYER_GAP
    top = min((middles[key] - sizes[key][1] / 2 for layer in layers for key in layer), default=0)
    bottom = max((middles[key] + sizes[key][1] / 2 for layer in layers for key in layer), default=0)
    corners = {
        item.key: (lefts[ranks[item.key]], middles[item.key] - item.height / 2 - top)
        for item in items
    }
    passes = {
        (a, b): tuple(
            (lefts[rank], lefts[rank + 1] - LAYER_GAP, middles[a, b, rank] - top)
            for rank in range(ranks[a] + 1, ranks[b])
            if (a, b, rank) in middles
        )
        for a, b in pairs
    }
    return Placement(corners, passes, max(right - LAYER_GAP, 0), bottom - top)


def _ranks(items: Sequence[Item], pairs: list[tuple[str, str]]) -> dict[str, int]:
    """How many stand before each on the longest way to it."""
    ranks = {item.key: 0 for item in items}
    left = dict.fromkeys(ranks, 0)
    after: dict[str, list[str]] = {key: [] for key in ranks}
    for a, b in pairs:
        after[a].append(b)
        left[b] += 1
    ready = [key for key in ranks if not left[key]]
    for key in ready:
        for follower in after[key]:
            ranks[follower] = max(ranks[follower], ranks[key] + 1)
            left[follower] -= 1
            if not left[follower]:
                ready.append(follower)
    if len(ready) < len(ranks):
        raise Loop(set(ranks) - set(ready))
    return ranks


def _layers(
    items: Sequence[Item], pairs: list[tuple[str, str]], ranks: dict[str, int]
) -> tuple[list[list[Key]], list[tuple[Key, Key]]]:
    """The keys of each layer, and the links between neighbouring ones."""
    layers: list[list[Key]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for item in items:
        layers[ranks[item.key]].append(item.key)
    are_placed = sum(ranks[b] - ranks[a] - 1 for a, b in pairs) <= MOST_PASSES
    links: list[tuple[Key, Key]] = []
    for a, b in pairs:
        last: Key = a
        if not are_placed and ranks[b] - ranks[a] > 1:
            continue
        for rank in range(ranks[a] + 1, ranks[b]):
            passing: Key = (a, b, rank)
            layers[rank].append(passing)
            links.append((last, passing))
            last = passing
        links.append((last, b))
    return layers, links


def _with_few_crossings(layers: list[list[Key]], links: list[tuple[Key, Key]]) -> list[list[Key]]:
    before, after = _neighbours(layers, links)
    best, least = [list(layer) for layer in layers], _crossings(layers, after)
    for turn in range(SWEEPS):
        if not least and len(links) <= MOST_COUNTED:
            break
        neighbours, way = (before, 1) if turn % 2 == 0 else (after, -1)
        layers = [list(layer) for layer in layers]
        for above, layer in zip(layers[::way], layers[::way][1:], strict=False):
            place_of = {key: place for place, key in enumerate(above)}
            scale = len(above) / max(len(layer), 1)
            wanted = {
                key: _mean([place_of[each] for each in neighbours[key]], place * scale)
                for place, key in enumerate(layer)
            }
            layer.sort(key=lambda key: wanted[key])
        found = _crossings(layers, after)
        if found <= least:
            best, least = layers, found
    return best


def _neighbours(
    layers: list[list[Key]], links: list[tuple[Key, Key]]
) -> tuple[dict[Key, list[Key]], dict[Key, list[Key]]]:
    before: dict[Key, list[Key]] = {key: [] for layer in layers for key in layer}
    after: dict[Key, list[Key]] = {key: [] for key in before}
    for a, b in links:
        before[b].append(a)
        after[a].append(b)
    return before, after


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(layers: list[list[Key]], after: dict[Key, list[Key]]) -> int:
    """How many pairs of links cross; 0 where there are too many links to count."""
    if sum(map(len, after.values())) > MOST_COUNTED:
        return 0
    count = 0
    for layer, below in pairwise(layers):
        place_of = {key: place for place, key in enumerate(below)}
        seen: list[int] = []
        for key in layer:
            ends = sorted(place_of[each] for each in after[key])
            count += sum(len(seen) - bisect(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def _middles(
    layers: list[list[Key]], links: list[tuple[Key, Key]], heights: dict[Key, float]
) -> dict[Key, float]:
    """The height of each box's middle: near those that it is linked with, none on another."""
    before, after = _neighbours(layers, links)
    middles: dict[Key, float] = {}
    for layer in layers:
        steps = _steps(layer, heights)
        total = sum(steps)
        for key, middle in zip(layer, _settled([0.0] * len(layer), steps), strict=True):
            middles[key] = middle if total else 0.0
    for turn in range(SWEEPS):
        neighbours, way = (before, 1) if turn % 2 == 0 else (after, -1)
        for layer in layers[::way]:
            wanted = [
                _mean([middles[each] for each in neighbours[key]], middles[key]) for key in layer
            ]
            settled = _settled(wanted, _steps(layer, heights))
            middles.update(zip(layer, settled, strict=True))
    return middles


def _steps(layer: list[Key], heights: dict[Key, float]) -> list[float]:
    """How far each middle must be below the one before it at least."""
    return [0.0] + [(heights[a] + heights[b]) / 2 + ROW_GAP for a, b in pairwise(layer)]


def _settled(wanted: list[float], steps: list[float]) -> list[float]:
    """The values nearest to ``wanted`` (least squares) that keep their order and ``steps``.

    Pool adjacent violators: with the steps taken off, the values must only not fall.
    """
    pools: list[tuple[float, int]] = []
    offset, offsets = 0.0, []
    for value, step in zip(wanted, steps, strict=True):
        offset += step
        offsets.append(offset)
        total, count = value - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            before, more = pools.pop()
            total, count = total + before, count + more
        pools.append((total, count))
    flat = [total / count for total, count in pools for _ in range(count)]
    return [value + offset for value, offset in zip(flat, offsets, strict=True)]
