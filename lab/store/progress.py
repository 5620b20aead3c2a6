"""Learners' marks of progress (`lab.lessons.progress`): one row for each thing that a learner has done.

A learner is a cluster. Runs and predictions have their own tables; a mark stays when those are gone, and goes when its learner
begins afresh. What a page notes by the way is written a moment later, by a thread of its own and many marks at a time: who reads
waits for nobody who writes.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.sqlite import insert

from lab.clock import Clock
from lab.errors import StoreError
from lab.lessons.progress import MARK_KINDS, Mark, MarkKind
from lab.store.database import Database
from lab.store.remembered import Remembered
from lab.store.rows import time_text
from lab.store.tables import progress

FRESH = timedelta(minutes=1)  # so old a mark may be to stand for one that would be made now

_Key = tuple[str, MarkKind, str]  # cluster, kind, item

_LOGGER = logging.getLogger(__name__)


class ProgressMarks:
    """Usable from any thread. Every method but `note_soon` raises StoreError when the database cannot be used."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._remembered = Remembered[tuple[Mark, ...]]()  # by cluster, without those that are not written yet
        self._changed = clock.condition()
        self._unwritten: dict[_Key, Mark] = {}
        self._closing = False
        self._writer = clock.spawn("marks of progress", self._write)

    def note(self, cluster: str, kind: MarkKind, item: str, value: str = "") -> None:
        """Mark that a learner has done this now; a mark that is there already is made anew."""
        self._put({(cluster, kind, item): Mark(kind=kind, item=item, at=self._clock.now(), value=value)})

    def note_soon(self, cluster: str, kind: MarkKind, item: str, value: str = "") -> None:
        """Mark it as `note` does, and do not wait until it is written; that it cannot be is logged. A mark stays as it is when
        its learner has done nothing else within the last minute: whoever reads a page again writes nothing."""
        mark = Mark(kind=kind, item=item, at=self._clock.now(), value=value)
        if self._is_fresh(cluster, mark):
            return
        with self._changed:
            self._unwritten[(cluster, kind, item)] = mark
            self._changed.notify_all()

    def withdraw(self, cluster: str, kind: MarkKind, item: str) -> None:
        """Take a mark back; without one nothing happens."""
        self.settle()
        one = (progress.c.cluster == cluster) & (progress.c.kind == kind) & (progress.c.item == item)
        with self._database.write(f"take back progress of cluster {cluster}") as connection:
            connection.execute(delete(progress).where(one))
        self._remembered.forget(cluster)

    def add(self, cluster: str, marks: Iterable[Mark]) -> None:
        """Add marks from elsewhere; those that are there stay as they are."""
        rows = [_row(cluster, mark) for mark in marks]
        if rows:
            with self._database.write(f"add progress of cluster {cluster}") as connection:
                connection.execute(insert(progress).on_conflict_do_nothing(), rows)
            self._remembered.forget(cluster)

    def forget(self, cluster: str) -> None:
        """Forget all marks of a learner."""
        self.settle()
        with self._database.write(f"forget progress of cluster {cluster}") as connection:
            connection.execute(delete(progress).where(progress.c.cluster == cluster))
        self._remembered.forget(cluster)

    def forget_all(self) -> None:
        """Read everything again: what was kept of somebody is deleted."""
        self._remembered.forget_all()

    def settle(self) -> None:
        """Wait until what is to be written soon is written, or cannot be."""
        with self._changed:
            self._changed.wait_for(lambda: not self._unwritten)

    def close(self) -> None:
        """Write what is to be written soon, and end the writer."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join()

    def of(self, cluster: str) -> tuple[Mark, ...]:
        """Return a learner's marks, oldest first."""
        unwritten = self._not_written_yet()  # first: what has been written meanwhile is read
        written = self._remembered.get(cluster, lambda: self._read((cluster,)).get(cluster, ()))
        return _with(written, (mark for (whose, _, _), mark in unwritten.items() if whose == cluster))

    def of_all(self, clusters: Collection[str] | None = None) -> dict[str, tuple[Mark, ...]]:
        """Return the marks, oldest first, of every learner who has some, or of these alone."""
        unwritten, found = self._not_written_yet(), self._read(clusters)
        for (cluster, _, _), mark in unwritten.items():
            if clusters is None or cluster in clusters:
                found[cluster] = _with(found.get(cluster, ()), (mark,))
        return found

    def _read(self, clusters: Collection[str] | None) -> dict[str, tuple[Mark, ...]]:
        query = select(progress).order_by(progress.c.at, progress.c.kind, progress.c.item)
        if clusters is not None:
            query = query.where(progress.c.cluster.in_(clusters))
        found: dict[str, list[Mark]] = {}
        with self._database.ask("read progress") as connection:
            for row in connection.execute(query):
                if row.kind in MARK_KINDS:
                    found.setdefault(row.cluster, []).append(_mark(row))
        return {cluster: tuple(marks) for cluster, marks in found.items()}

    def _is_fresh(self, cluster: str, mark: Mark) -> bool:
        try:
            newest = max(self.of(cluster), key=lambda known: known.at, default=None)
        except StoreError:
            return False
        return newest is not None and newest == replace(mark, at=newest.at) and mark.at - newest.at < FRESH

    def _write(self) -> None:
        """Write what there is to be written, until the store closes and nothing is left."""
        while marks := self._take():
            try:
                self._put(marks)
            except StoreError as error:
                _LOGGER.warning("%s", error)
            except Exception:
                _LOGGER.exception("cannot mark progress")  # the marks are lost, and not all that follow
            with self._changed:
                for key, mark in marks.items():
                    if self._unwritten[key] is mark:
                        del self._unwritten[key]
                self._changed.notify_all()

    def _take(self) -> dict[_Key, Mark]:
        """Wait for marks and return them; none when the store closes and all are written."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._unwritten) or self._closing)
            return dict(self._unwritten)

    def _put(self, marks: Mapping[_Key, Mark]) -> None:
        new = insert(progress)
        changed = {"at": new.excluded.at, "value": new.excluded.value}
        upsert = new.on_conflict_do_update(index_elements=["cluster", "kind", "item"], set_=changed)
        clusters = {cluster for cluster, _, _ in marks}
        with self._database.write(f"mark progress of {', '.join(sorted(clusters))}") as connection:
            connection.execute(upsert, [_row(cluster, mark) for (cluster, _, _), mark in marks.items()])
        for cluster in clusters:
            self._remembered.forget(cluster)

    def _not_written_yet(self) -> dict[_Key, Mark]:
        with self._changed:
            return dict(self._unwritten)


def _with(marks: tuple[Mark, ...], newer: Iterable[Mark]) -> tuple[Mark, ...]:
    """Return marks with newer ones in place of those of the same things."""
    known = {(mark.kind, mark.item): mark for mark in marks}
    for mark in newer:
        if (old := known.get((mark.kind, mark.item))) is None or old.at <= mark.at:
            known[(mark.kind, mark.item)] = mark
    return tuple(sorted(known.values(), key=lambda mark: (mark.at, mark.kind, mark.item)))


def _row(cluster: str, mark: Mark) -> dict[str, str]:
    return {"cluster": cluster, "kind": mark.kind, "item": mark.item, "at": time_text(mark.at), "value": mark.value}


def _mark(row: Row[Any]) -> Mark:
    return Mark(kind=cast(MarkKind, row.kind), item=row.item, at=datetime.fromisoformat(row.at), value=row.value)
