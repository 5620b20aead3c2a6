"""A mapping that nobody changes and that costs little to make anew with one change.

It is a large mapping that many share and a few changes on top of it; when there are too many of those, they are merged. So a
write to a view with thousands of objects does not copy them all. Keys keep the order in which they came, as in a dict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST_CHANGES = 64  # on top: copied with each change, and merged after so many
_GONE: Any = object()


class Layered(Mapping[K, V]):
    """An immutable mapping; `with_item` and `without` return others."""

    __slots__ = ("_base", "_length", "_top")

    def __init__(self, base: Mapping[K, V] | None = None) -> None:
        self._base: dict[K, V] = dict(base or {})
        self._top: dict[K, V] = {}
        self._length = len(self._base)

    def with_item(self, key: K, value: V) -> Layered[K, V]:
        """Return this mapping with one more or one other value."""
        if self._top.get(key) is _GONE:  # a key that comes back comes last
            merged = Layered(self)
            return merged.with_item(key, value)
        return self._changed(key, value, self._length + (key not in self))

    def without(self, key: K) -> Layered[K, V]:
        """Return this mapping without a key."""
        if key not in self:
            return self
        if key not in self._base:
            return self._on_top({other: value for other, value in self._top.items() if other != key}, self._length - 1)
        return self._changed(key, _GONE, self._length - 1)

    def __getitem__(self, key: K) -> V:
        value = self._top.get(key, self)
        if value is self:
            return self._base[key]
        if value is _GONE:
            raise KeyError(key)
        return value  # type: ignore[return-value]  # it is not self, the mark for "nothing on top"

    def __iter__(self) -> Iterator[K]:
        top = self._top
        yield from (key for key in self._base if top.get(key) is not _GONE)
        yield from (key for key in top if key not in self._base)

    def __len__(self) -> int:
        return self._length

    def _changed(self, key: K, value: V, length: int) -> Layered[K, V]:
        changed = self._on_top({**self._top, key: value}, length)
        return changed if len(changed._top) < MOST_CHANGES else Layered(changed)

    def _on_top(self, top: dict[K, V], length: int) -> Layered[K, V]:
        layered = Layered[K, V].__new__(Layered)
        layered._base, layered._top, layered._length = self._base, top, length
        return layered
