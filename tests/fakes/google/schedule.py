"""What was programmed, and for whom: the order in which faults and plans apply."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Subject = TypeVar("Subject")
Item = TypeVar("Item")


@dataclass(slots=True)
class _Entry(Generic[Subject, Item]):
    item: Item
    applies_to: Callable[[Subject], bool]
    left: int | None


class Schedule(Generic[Subject, Item]):
    """Items to hand out, each to the subjects it applies to.

    Counted items go first, in the order they were added, until each is used up. Then the
    newest standing one (``times=None``) applies for ever, so a later word overrides an
    earlier one.
    """

    def __init__(self) -> None:
        self._entries: list[_Entry[Subject, Item]] = []
        self._lock = threading.Lock()

    def add(
        self, item: Item, applies_to: Callable[[Subject], bool], *, times: int | None = None
    ) -> None:
        """Programme an item for the next ``times`` subjects it applies to, or for all."""
        if times is not None and times < 1:
            raise ValueError(f"times must be at least 1, not {times}")
        with self._lock:
            self._entries.append(_Entry(item, applies_to, times))

    def take(self, subject: Subject) -> Item | None:
        """Hand out what applies to this subject, and count it."""
        if not self._entries:
            return None
        with self._lock:
            fitting = [entry for entry in self._entries if entry.applies_to(subject)]
            for entry in fitting:
                if entry.left is not None:
                    self._count_down(entry)
                    return entry.item
            return fitting[-1].item if fitting else None

    def _count_down(self, entry: _Entry[Subject, Item]) -> None:
        assert entry.left is not None
        entry.left -= 1
        if entry.left == 0:
            self._entries.remove(entry)

    def clear(self) -> None:
        """Forget everything that was programmed."""
        with self._lock:
            self._entries.clear()
