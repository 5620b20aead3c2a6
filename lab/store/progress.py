"""Learners' marks of progress (`lab.lessons.progress`): one row for each thing that a learner has done.

A learner is a cluster. Runs and predictions have their own tables; a mark stays when those are gone, and goes when its learner
begins afresh.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.sqlite import insert

from lab.clock import Clock
from lab.lessons.progress import MARK_KINDS, Mark, MarkKind
from lab.store.database import Database
from lab.store.remembered import Remembered
from lab.store.rows import time_text
from lab.store.tables import progress

FRESH = timedelta(minutes=1)  # so old a mark may be to stand for one that would be made now


class ProgressMarks:
    """Usable from any thread. Every method raises StoreError when the database cannot be used."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._remembered = Remembered[tuple[Mark, ...]]()  # by cluster

    def note(self, cluster: str, kind: MarkKind, item: str, value: str = "") -> None:
        """Mark that a learner has done this now; a mark that is there already is made anew, unless they have done nothing else
        within the last minute: whoever reads a page again writes nothing."""
        mark = Mark(kind=kind, item=item, at=self._clock.now(), value=value)
        newest = max(self.of(cluster), key=lambda known: known.at, default=None)
        if newest is not None and newest == replace(mark, at=newest.at) and mark.at - newest.at < FRESH:
            return
        with self._database.write(f"mark progress of cluster {cluster}") as connection:
            new = insert(progress).values(_row(cluster, mark))
            changed = {"at": new.excluded.at, "value": new.excluded.value}
            connection.execute(new.on_conflict_do_update(index_elements=["cluster", "kind", "item"], set_=changed))
        self._remembered.forget(cluster)

    def withdraw(self, cluster: str, kind: MarkKind, item: str) -> None:
        """Take a mark back; without one nothing happens."""
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
        with self._database.write(f"forget progress of cluster {cluster}") as connection:
            connection.execute(delete(progress).where(progress.c.cluster == cluster))
        self._remembered.forget(cluster)

    def forget_all(self) -> None:
        """Read everything again: what was kept of somebody is deleted."""
        self._remembered.forget_all()

    def of(self, cluster: str) -> tuple[Mark, ...]:
        """Return a learner's marks, oldest first."""
        return self._remembered.get(cluster, lambda: self.of_all((cluster,)).get(cluster, ()))

    def of_all(self, clusters: Collection[str] | None = None) -> dict[str, tuple[Mark, ...]]:
        """Return the marks, oldest first, of every learner who has some, or of these alone."""
        query = select(progress).order_by(progress.c.at, progress.c.kind, progress.c.item)
        if clusters is not None:
            query = query.where(progress.c.cluster.in_(clusters))
        found: dict[str, list[Mark]] = {}
        with self._database.ask("read progress") as connection:
            for row in connection.execute(query):
                if row.kind in MARK_KINDS:
                    found.setdefault(row.cluster, []).append(_mark(row))
        return {cluster: tuple(marks) for cluster, marks in found.items()}


def _row(cluster: str, mark: Mark) -> dict[str, str]:
    return {"cluster": cluster, "kind": mark.kind, "item": mark.item, "at": time_text(mark.at), "value": mark.value}


def _mark(row: Row[Any]) -> Mark:
    return Mark(kind=cast(MarkKind, row.kind), item=row.item, at=datetime.fromisoformat(row.at), value=row.value)
