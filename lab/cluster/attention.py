"""Who pays attention: which examples of a cluster a page shows now, and when somebody last used a cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from lab.clock import Clock


class Attention:
    """What is looked at and used. Thread-safe, with a lock of its own: every page asks here, also while runs are being opened."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = clock.condition()
        self._pages: Counter[tuple[str, str]] = Counter()  # by cluster and example
        self._seen: dict[tuple[str, str], float] = {}  # when the last page of it went
        self._used: dict[str, float] = {}  # by cluster

    @contextmanager
    def following(self, cluster: str, examples: Collection[str]) -> Iterator[None]:
        """A page shows these examples of a cluster, or only listens to it, while this is entered."""
        keys = [(cluster, example) for example in ("", *examples)]
        with self._changed:
            self._pages.update(keys)
        try:
            yield
        finally:
            with self._changed:
                self._pages.subtract(keys)
                now = self._used[cluster] = self._clock.monotonic()
                for key in keys:
                    if not self._pages[key]:
                        del self._pages[key]
                        self._seen[key] = now

    def use(self, cluster: str) -> None:
        """Somebody uses the cluster now."""
        with self._changed:
            self._used[cluster] = self._clock.monotonic()

    def unseen_since(self, cluster: str, example: str) -> float | None:
        """Return when the last page went that showed an example, in the clock's seconds; None while there is one. For one that no
        page has shown it is long ago."""
        with self._changed:
            key = (cluster, example)
            return None if self._pages[key] else self._seen.get(key, float("-inf"))

    def unused(self, seconds: float) -> tuple[str, ...]:
        """Return the clusters that no page shows and nobody has used for that long."""
        with self._changed:
            shown = {cluster for cluster, _ in self._pages}
            horizon = self._clock.monotonic() - seconds
            return tuple(c for c, used in self._used.items() if used <= horizon and c not in shown)

    def forget(self, cluster: str) -> None:
        """Nothing is left of the cluster."""
        with self._changed:
            self._used.pop(cluster, None)
            for key in [key for key in self._seen if key[0] == cluster]:
                del self._seen[key]
