"""The durable record of all clusters: a database, the journal that writes it, and what can be asked of it.

Opening brings its tables up to date. However long a cluster's past is, its `history` is one snapshot and some hundred
entries; everything older stays readable through `entries`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType

from sqlalchemy import delete, func, insert, select

from lab.clock import Clock
from lab.errors import StoreError
from lab.store import rows
from lab.store.bundles import Bundles
from lab.store.classes import Classes
from lab.store.database import Database
from lab.store.journal import SNAPSHOT_ENTRIES, StoreJournal
from lab.store.predictions import Predictions
from lab.store.progress import ProgressMarks
from lab.store.remembered import Remembered
from lab.store.tables import bundles, clusters, predictions, progress, repeats, runs
from lab.timeline.facts import Entry
from lab.timeline.folds import ClusterView
from lab.timeline.repeat import Repeat
from lab.timeline.run import Run
from lab.timeline.timeline import History


class Store:
    """Reads what is durable, from any thread. Every method raises StoreError when the database cannot be read."""

    def __init__(self, database: Database, journal: StoreJournal, clock: Clock) -> None:
        self._database = database
        self.journal = journal
        self.predictions = Predictions(database, clock)
        self.bundles = Bundles(database, clock)
        self.progress = ProgressMarks(database, clock)
        self.classes = Classes(database)
        self._newest_repeats = Remembered[Mapping[str, Repeat]]()  # by cluster, then by example

    @classmethod
    def open(cls, url: str, clock: Clock, took: Callable[[float], None] = lambda seconds: None) -> Store:
        """Open, and if need be create or migrate, the database at ``url`` and start its writer; see `StoreJournal` for ``took``.
        Raises StoreError."""
        database = Database(url)
        return cls(database, StoreJournal(database, clock, took=took), clock)

    def problem(self) -> str | None:
        """Say why nothing can be written now, with the remedy; None when all is well. Takes the writer's turn to find out."""
        if self.journal.problem is not None:
            return self.journal.problem
        try:
            self._database.try_to_write()
        except StoreError as error:
            return str(error)
        return None

    @property
    def size_bytes(self) -> int:
        """How much the database takes on the disk."""
        return self._database.size_bytes

    def history(self, cluster: str) -> History:
        """Return what a Timeline needs to go on: the view at a snapshot and every entry after it, at least `SNAPSHOT_ENTRIES`
        of them when there are so many, so that a page which reconnects after a restart still finds its place."""
        with self._database.begin(f"read cluster {cluster}") as connection:
            newest = rows.newest_seq(connection, cluster)
            base = rows.snapshot_before(connection, cluster, newest - SNAPSHOT_ENTRIES)
            return History(base=base, entries=rows.read_entries(connection, cluster, base.seq + 1))

    def entries(self, cluster: str, first: int, last: int | None = None) -> tuple[Entry, ...]:
        """Return the durable entries with ``first <= seq <= last``; to the end when ``last`` is None."""
        with self._database.begin(f"read the entries of cluster {cluster}") as connection:
            return rows.read_entries(connection, cluster, first, last)

    def view(self, cluster: str, seq: int) -> ClusterView:
        """Return the cluster view after entry ``seq``, at the same cost for any."""
        with self._database.begin(f"read cluster {cluster}") as connection:
            return rows.view_at(connection, cluster, seq)

    def run(self, run_id: str) -> Run | None:
        """Return a run, live or ended."""
        with self._database.ask(f"read run {run_id}") as connection:
            return next(iter(rows.read_runs(connection, select(runs).where(runs.c.id == run_id))), None)

    def latest_run(self, cluster: str, example: str) -> Run | None:
        """Return the newest run of an example in a cluster."""
        return self.journal.newest_runs.get(cluster, lambda: self._newest_runs_of(cluster)).get(example)

    def recent_runs(self, cluster: str, count: int) -> tuple[Run, ...]:
        """Return a cluster's newest runs, the newest first."""
        query = select(runs).where(runs.c.cluster == cluster).order_by(runs.c.first_seq.desc()).limit(count)
        with self._database.ask(f"read the runs of cluster {cluster}") as connection:
            return tuple(rows.read_runs(connection, query))

    def live_runs(self) -> tuple[Run, ...]:
        """Return the runs that nothing has ended, oldest first in each cluster."""
        query = select(runs).where(runs.c.last_seq.is_(None)).order_by(runs.c.cluster, runs.c.first_seq)
        with self._database.ask("read the live runs") as connection:
            return tuple(rows.read_runs(connection, query))

    def keep_repeat(self, repeat: Repeat) -> None:
        """Store a repeat as it is now, in place of what it was."""
        with self._database.write(f"store repeat {repeat.id}") as connection:
            connection.execute(delete(repeats).where(repeats.c.id == repeat.id))
            connection.execute(insert(repeats), rows.repeat_row(repeat))
        self._newest_repeats.forget(repeat.cluster)

    def repeat(self, repeat_id: str) -> Repeat | None:
        """Return a repeat."""
        with self._database.ask(f"read repeat {repeat_id}") as connection:
            return next(iter(rows.read_repeats(connection, select(repeats).where(repeats.c.id == repeat_id))), None)

    def latest_repeat(self, cluster: str, example: str) -> Repeat | None:
        """Return the newest repeat of an example that a learner began."""
        return self._newest_repeats.get(cluster, lambda: self._newest_repeats_of(cluster)).get(example)

    def unfinished_repeats(self) -> tuple[Repeat, ...]:
        """Return the repeats that nothing has ended."""
        with self._database.ask("read the unfinished repeats") as connection:
            return rows.read_repeats(connection, select(repeats).where(repeats.c.ended.is_(None)).order_by(repeats.c.opened_at))

    def clusters(self) -> tuple[str, ...]:
        """Return the clusters that have entries, oldest first."""
        with self._database.ask("read the clusters") as connection:
            return tuple(connection.scalars(select(clusters.c.id).order_by(clusters.c.created_at, clusters.c.id)))

    def forget(self, cluster: str) -> None:
        """Delete all that is kept of a learner: a cluster with its entries and runs, the clusters of their repeats, predictions,
        progress, files that they opened. Nobody may use the cluster any more. Raises StoreError while something is still being
        written."""
        self.progress.settle()
        for one in (cluster, *(known for known in self.clusters() if known.startswith(f"{cluster}-"))):
            self.journal.forget(one)
            with self._database.write(f"delete cluster {one}") as connection:
                for table in (clusters, repeats, predictions, progress, bundles):
                    column = table.c.id if table is clusters else table.c.cluster
                    connection.execute(delete(table).where(column == one))
        self.journal.newest_runs.forget_all()
        self._newest_repeats.forget_all()
        self.predictions.forget_all()
        self.progress.forget_all()

    def _newest_runs_of(self, cluster: str) -> dict[str, Run]:
        """Return a cluster's newest run of each example."""
        newest = select(func.max(runs.c.first_seq)).where(runs.c.cluster == cluster).group_by(runs.c.example)
        query = select(runs).where(runs.c.cluster == cluster, runs.c.first_seq.in_(newest))
        with self._database.ask(f"read the runs of cluster {cluster}") as connection:
            return {run.example: run for run in rows.read_runs(connection, query)}

    def _newest_repeats_of(self, cluster: str) -> dict[str, Repeat]:
        """Return a learner's newest repeat of each example."""
        newest = select(func.max(repeats.c.opened_at)).where(repeats.c.cluster == cluster).group_by(repeats.c.example)
        query = select(repeats).where(repeats.c.cluster == cluster, repeats.c.opened_at.in_(newest)).order_by(repeats.c.opened_at)
        with self._database.ask(f"read the repeats of cluster {cluster}") as connection:
            return {repeat.example: repeat for repeat in rows.read_repeats(connection, query)}

    def close(self) -> None:
        """Write what is queued, then close the database. Raises StoreError when something could not be written."""
        try:
            self.progress.close()
            self.journal.close()
        finally:
            self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
