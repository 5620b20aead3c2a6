"""Entries and runs as rows of the store's tables, and back.

JSON text is ASCII: it takes a learner's lone surrogates and NULs, which a database's own text would refuse. A `LogChunk`'s
lines are a row of their own; without that row (the byte cap was reached) the chunk is read back with no lines.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, func, select

from lab.store.tables import entries, log_chunks, snapshots
from lab.timeline.facts import JSON, Entry, Fact, LogChunk, RunAborted, RunClosed, fact_from_json, fact_to_json
from lab.timeline.folds import ClusterView, fold
from lab.timeline.repeat import Repeat, repeat_from_json, repeat_to_json
from lab.timeline.run import Run


def dump(value: Any) -> str:
    """Return compact JSON text in ASCII."""
    return json.dumps(value, separators=(",", ":"))


def time_text(at: datetime) -> str:
    """Return a UTC time as the store writes it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def entry_rows(cluster: str, entry: Entry) -> tuple[JSON, JSON | None]:
    """Return the entry's row and, for a LogChunk, the row of its lines. Raises TypeError for a fact that is not JSON."""
    body = fact_to_json(entry.fact)
    kind = body.pop("fact")
    lines = body.pop("lines") if isinstance(entry.fact, LogChunk) else None
    row = {
        "cluster": cluster,
        "seq": entry.seq,
        "at": time_text(entry.at),
        "elapsed_seconds": entry.elapsed_seconds,
        "pod_uid": entry.pod_uid,
        "container": entry.container,
        "kind": kind,
        "body": dump(body),
    }
    return row, None if lines is None else {"cluster": cluster, "seq": entry.seq, "lines": dump(lines)}


def read_entries(connection: Connection, cluster: str, first: int, last: int | None = None) -> tuple[Entry, ...]:
    """Return the entries with ``first <= seq <= last``, to the end when ``last`` is None."""
    query: Select[Any] = (
        select(entries, log_chunks.c.lines)
        .outerjoin(log_chunks, (log_chunks.c.cluster == entries.c.cluster) & (log_chunks.c.seq == entries.c.seq))
        .where(entries.c.cluster == cluster, entries.c.seq >= first)
        .order_by(entries.c.seq)
    )
    if last is not None:
        query = query.where(entries.c.seq <= last)
    return tuple(_entry(row) for row in connection.execute(query))


def newest_seq(connection: Connection, cluster: str) -> int:
    """Return the seq of the cluster's last entry; 0 when there is none."""
    return connection.scalar(select(func.max(entries.c.seq)).where(entries.c.cluster == cluster)) or 0


def snapshot_before(connection: Connection, cluster: str, seq: int) -> ClusterView:
    """Return the newest stored view that is not after ``seq``; the empty one when there is none."""
    text = connection.scalar(
        select(snapshots.c.view)
        .where(snapshots.c.cluster == cluster, snapshots.c.seq <= seq)
        .order_by(snapshots.c.seq.desc())
        .limit(1)
    )
    return ClusterView() if text is None else ClusterView.from_json(json.loads(text))


def view_at(connection: Connection, cluster: str, seq: int) -> ClusterView:
    """Return the cluster view after entry ``seq``, folded from the snapshot before it."""
    base = snapshot_before(connection, cluster, seq)
    return fold(read_entries(connection, cluster, base.seq + 1, seq), base)


def read_runs(connection: Connection, query: Select[Any]) -> Sequence[Run]:
    """Return the runs that a query over the table ``runs`` selects."""
    return [_run(row) for row in connection.execute(query)]


def repeat_row(repeat: Repeat) -> JSON:
    """Return a repeat's row."""
    body = dump(repeat_to_json(repeat))
    return {
        "id": repeat.id,
        "cluster": repeat.cluster,
        "example": repeat.example,
        "opened_at": time_text(repeat.opened_at),
        "ended": repeat.ended,
        "body": body,
    }


def read_repeats(connection: Connection, query: Select[Any]) -> tuple[Repeat, ...]:
    """Return the repeats that a query over the table ``repeats`` selects."""
    return tuple(repeat_from_json(json.loads(row.body)) for row in connection.execute(query))


def _entry(row: Row[Any]) -> Entry:
    body = json.loads(row.body)
    body["fact"] = row.kind
    if row.kind == LogChunk.__name__:
        body["lines"] = json.loads(row.lines or "[]")
    return Entry(
        seq=row.seq,
        at=datetime.fromisoformat(row.at),
        elapsed_seconds=row.elapsed_seconds,
        pod_uid=row.pod_uid,
        container=row.container,
        fact=fact_from_json(body),
    )


def _run(row: Row[Any]) -> Run:
    ended: Fact | None = None if row.ended is None else fact_from_json(json.loads(row.ended))
    return Run(
        id=row.id,
        cluster=row.cluster,
        example=row.example,
        manifest=row.manifest,
        first_seq=row.first_seq,
        opened_at=datetime.fromisoformat(row.opened_at),
        last_seq=row.last_seq,
        ended=cast("RunClosed | RunAborted | None", ended),
    )
