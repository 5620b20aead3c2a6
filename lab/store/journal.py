"""One writer thread that makes the entries of all timelines durable, in groups.

It takes whatever is queued, commits it, and only then tells the timelines: while one group is committed the next gathers, so
an entry waits for one commit at most and a rush costs few. A commit that fails is tried again for ever (space can be made),
loudly; after a while no more entries are taken. Nothing that is not committed is ever called durable.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import OperationalError

from lab.clock import Clock
from lab.errors import StoreError
from lab.precedence import go_first
from lab.store.database import Database
from lab.store.remembered import Remembered
from lab.store.rows import dump, entry_rows, newest_seq, time_text, view_at
from lab.store.tables import clusters, entries, log_chunks, runs, snapshots
from lab.timeline.facts import JSON, ContainerExited, Entry, LogChunk, RunAborted, RunClosed, RunOpened, fact_to_json
from lab.timeline.folds import ClusterView, fold
from lab.timeline.run import Run

GROUP_ENTRIES = 256  # committed in about 5 ms
SNAPSHOT_ENTRIES = 500  # so many entries at most are folded to know any view, or as many as it has objects
RETRY_SECONDS = 0.25
PATIENCE_SECONDS = 10.0  # so long a failing store takes entries into memory
LOG_BYTES_PER_ATTEMPT = 8 * 1024 * 1024  # the kubelet stops far earlier; this only keeps a mistake from filling the disk

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Log:
    """A timeline as the journal knows it. ``view`` is the cluster view at ``durable``."""

    cluster: str
    on_durable: Callable[[int], None]
    known: bool  # whether the cluster has a row
    submitted: int
    durable: int
    view: ClusterView
    snapshot: int
    bytes_of_attempt: Counter[tuple[str | None, str | None, int]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """An entry that waits to be written since ``since``, and its rows."""

    since: float
    log: _Log
    entry: Entry
    row: JSON
    chunk: JSON | None


class StoreJournal:
    """The `Journal` over a database. Thread-safe; calls back from its writer thread, holding no lock. ``took`` is called with the
    seconds that each entry waited until it was durable."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        log_bytes_per_attempt: int = LOG_BYTES_PER_ATTEMPT,
        took: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._log_bytes_per_attempt = log_bytes_per_attempt
        self._took = took
        self.newest_runs = Remembered[Mapping[str, Run]]()  # as the store has them, by cluster, then by example
        self._changed = clock.condition()
        self._logs: dict[str, _Log] = {}
        self._queue: deque[_Pending] = deque()
        self._unwritten = 0
        self._closing = False
        self._problem: StoreError | None = None
        self._failing_since: float | None = None
        self._writer = clock.spawn("store writer", self._write)

    @property
    def waiting(self) -> int:
        """How many entries are not durable yet."""
        return self._unwritten

    @property
    def problem(self) -> str | None:
        """Why entries are not becoming durable now, with the remedy; None when all is well."""
        return None if self._problem is None else str(self._problem)

    def open(self, cluster: str, on_durable: Callable[[int], None]) -> None:
        """Register a timeline that goes on where the store's entries end. Reads one snapshot and what follows it. Raises
        StoreError when the store cannot be read, or when the cluster's timeline before this one still writes."""
        with self._database.begin(f"open cluster {cluster}") as connection:
            known = connection.scalar(select(clusters.c.id).where(clusters.c.id == cluster)) is not None
            newest = newest_seq(connection, cluster)
            view = view_at(connection, cluster, newest)
            snapshot = connection.scalar(
                select(snapshots.c.seq).where(snapshots.c.cluster == cluster).order_by(snapshots.c.seq.desc()).limit(1)
            )
        with self._changed:
            before = self._logs.get(cluster)
            if before is not None and before.submitted != newest:
                raise StoreError(f"cannot open cluster {cluster}: a timeline of it still writes; let it become durable first")
            self._logs[cluster] = _Log(
                cluster=cluster,
                on_durable=on_durable,
                known=known,
                submitted=newest,
                durable=newest,
                view=view,
                snapshot=snapshot or 0,
            )

    def submit(self, cluster: str, entry: Entry) -> None:
        """Queue one entry of an opened timeline. Raises StoreError when the entry is not the next one, when the journal is
        closed, or when the store has been failing for longer than `PATIENCE_SECONDS`."""
        row, chunk = entry_rows(cluster, entry)
        with self._changed:
            self._require_writable(cluster, entry.seq)
            log = self._logs.get(cluster)
            if log is None:
                raise StoreError(f"cannot store entry {entry.seq} of cluster {cluster}: the cluster was deleted")
            if entry.seq != log.submitted + 1:
                raise StoreError(
                    f"cannot store entry {entry.seq} of cluster {cluster}: entry {log.submitted + 1} is next; "
                    "a cluster may have only one timeline"
                )
            log.submitted = entry.seq
            chunk = chunk if self._has_room(log, entry, chunk) else None
            self._queue.append(_Pending(since=self._clock.monotonic(), log=log, entry=entry, row=row, chunk=chunk))
            self._unwritten += 1
            self._changed.notify_all()

    def forget(self, cluster: str) -> None:
        """Take no more entries of a cluster that is being deleted. Raises StoreError while some are not durable yet."""
        with self._changed:
            log = self._logs.get(cluster)
            if log is not None and log.durable != log.submitted:
                raise StoreError(f"cannot delete cluster {cluster}: a timeline of it still writes; try again")
            self._logs.pop(cluster, None)

    def close(self) -> None:
        """Write what is queued and end the writer. Raises StoreError when something could not be written."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join()
        if self._unwritten:
            raise StoreError(f"cannot store the last {self._unwritten} entries: {self.problem}")

    def _require_writable(self, cluster: str, seq: int) -> None:
        why: object = None
        if self._closing:
            why = "the store is closed; open it again"
        elif self._failing_since is not None and self._clock.monotonic() - self._failing_since >= PATIENCE_SECONDS:
            why = self._problem
        if why is not None:
            raise StoreError(f"cannot store entry {seq} of cluster {cluster}: {why}")

    def _has_room(self, log: _Log, entry: Entry, chunk: JSON | None) -> bool:
        """Count a chunk against its container's cap; forget the count when the container has exited, after its last chunk."""
        if chunk is not None and isinstance(entry.fact, LogChunk):
            key = (entry.pod_uid, entry.container, entry.fact.attempt)
            log.bytes_of_attempt[key] += len(chunk["lines"])
            return log.bytes_of_attempt[key] <= self._log_bytes_per_attempt
        if isinstance(entry.fact, ContainerExited):
            log.bytes_of_attempt.pop((entry.pod_uid, entry.container, entry.fact.attempt), None)
        return True

    # What follows runs on the writer thread.

    def _write(self) -> None:
        go_first()  # every follower waits for it
        try:
            while group := self._take():
                if not self._commit(group):
                    return
                self._tell(group)
        except BaseException as error:
            with self._changed:
                self._problem = StoreError(f"the store's writer has failed ({error!r}); restart the lab")
                self._failing_since = float("-inf")
            raise

    def _take(self) -> list[_Pending]:
        """Wait for entries and take them; nothing when the journal closes and all is taken."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._queue) or self._closing)
            return [self._queue.popleft() for _ in range(min(len(self._queue), GROUP_ENTRIES))]

    def _commit(self, group: Sequence[_Pending]) -> bool:
        """Commit until it succeeds; False when the journal closes and it still fails."""
        while True:
            last_try = self._closing
            try:
                with self._database.write(f"store {len(group)} entries") as connection:
                    self._insert(connection, group)
            except StoreError as error:
                if not isinstance(error.__cause__, OperationalError):
                    raise  # not the disk's doing: a second try would fail as well
                self._note_failure(error)
                if last_try:
                    return False
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, RETRY_SECONDS)
            else:
                self._note_success()
                return True

    def _note_failure(self, error: StoreError) -> None:
        with self._changed:
            self._problem = error
            if self._failing_since is None:
                self._failing_since = self._clock.monotonic()
                logger.error("%s; trying again until it works", error)

    def _note_success(self) -> None:
        with self._changed:
            if self._problem is not None:
                self._problem = self._failing_since = None
                logger.warning("the store works again; nothing was lost")

    def _insert(self, connection: Connection, group: Sequence[_Pending]) -> None:
        new = {pending.log.cluster: pending.row["at"] for pending in reversed(group) if not pending.log.known}
        if new:
            connection.execute(insert(clusters), [{"id": cluster, "created_at": at} for cluster, at in new.items()])
        connection.execute(insert(entries), [pending.row for pending in group])
        chunks = [pending.chunk for pending in group if pending.chunk is not None]
        if chunks:
            connection.execute(insert(log_chunks), chunks)
        for pending in group:
            self._keep_run(connection, pending.log.cluster, pending.entry)

    def _keep_run(self, connection: Connection, cluster: str, entry: Entry) -> None:
        match entry.fact:
            case RunOpened(run_id=run_id, example=example, manifest=manifest):
                run = {"id": run_id, "cluster": cluster, "example": example, "manifest": manifest}
                connection.execute(insert(runs), {**run, "first_seq": entry.seq, "opened_at": time_text(entry.at)})
            case RunClosed(run_id=run_id) | RunAborted(run_id=run_id):
                ended = {"last_seq": entry.seq, "ended": dump(fact_to_json(entry.fact))}
                connection.execute(update(runs).where(runs.c.id == run_id, runs.c.last_seq.is_(None)).values(ended))

    def _tell(self, group: Sequence[_Pending]) -> None:
        """Tell each timeline how far it is durable; then, in nobody's way, fold its view on and keep it now and then."""
        parts: dict[str, list[_Pending]] = {}
        for pending in group:
            parts.setdefault(pending.log.cluster, []).append(pending)
        with self._changed:
            self._unwritten -= len(group)
        for part in parts.values():
            log = part[-1].log
            log.known = True
            log.durable = part[-1].entry.seq
            if any(isinstance(pending.entry.fact, RunOpened | RunClosed | RunAborted) for pending in part):
                self.newest_runs.forget(log.cluster)
            log.on_durable(log.durable)
        now = self._clock.monotonic()
        for pending in group:
            self._took(now - pending.since)
        for part in parts.values():
            log = part[-1].log
            log.view = fold((pending.entry for pending in part), log.view)
            if log.durable - log.snapshot >= max(SNAPSHOT_ENTRIES, sum(map(len, log.view.kinds.values()))):
                self._keep_snapshot(log)

    def _keep_snapshot(self, log: _Log) -> None:
        row = {"cluster": log.cluster, "seq": log.view.seq, "view": dump(log.view.to_json())}
        try:
            with self._database.write(f"store a snapshot of cluster {log.cluster}") as connection:
                connection.execute(insert(snapshots), row)
        except StoreError as error:
            logger.warning("%s; trying again with the next entries", error)
        else:
            log.snapshot = log.view.seq
