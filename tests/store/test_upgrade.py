"""Stores of every earlier lab: made by the migrations up to theirs, with rows as that lab wrote them, and opened by this one."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from lab.clock import VirtualClock
from lab.errors import StoreError
from lab.insight.predictions import Prediction
from lab.store import database
from lab.store.database import MIGRATIONS
from lab.store.store import Store
from lab.timeline.facts import LogChunk, ObjectWritten, RunClosed, RunOpened

# Oldest first; the newest is this lab's own.
REVISIONS = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][::-1]
AT = "2026-11-26T06:11:02.886969Z"
OPENED = {"run_id": "run1", "example": "post-start/hello", "manifest": "kind: Pod\n"}
CREATED: dict[str, Any] = {
    "verb": "create",
    "kind": "Pod",
    "namespace": "default",
    "name": "demo",
    "uid": "u1",
    "object": {"metadata": {"name": "demo", "namespace": "default", "uid": "u1"}},
    "writer": "user",
    "run_id": "run1",
}
CLOSED = {"run_id": "run1", "why": "Its pods are gone."}
REPEAT = {
    "id": "repeat1",
    "cluster": "c1",
    "example": "post-start/hello",
    "manifest": "kind: Pod\n",
    "verb": "apply",
    "count": 3,
    "grace_period_seconds": None,
    "force": False,
    "opened_at": AT,
    "runs": ["run1"],
    "ended": "done",
    "why": "",
}


def entry(seq: int, kind: str, body: dict[str, Any], pod_uid: str | None = None) -> dict[str, Any]:
    row = {"cluster": "c1", "seq": seq, "at": AT, "elapsed_seconds": seq / 4, "pod_uid": pod_uid, "container": None}
    return {**row, "kind": kind, "body": json.dumps(body)}


# By table, in the order in which they refer to each other. The newest migration's tables get rows here when another one comes.
ROWS: dict[str, list[dict[str, Any]]] = {
    "clusters": [{"id": "c1", "created_at": AT}],
    "entries": [
        entry(1, "RunOpened", OPENED),
        entry(2, "ObjectWritten", CREATED, "u1"),
        entry(3, "LogChunk", {"attempt": 0, "offset": 0}, "u1"),
        entry(4, "RunClosed", CLOSED),
    ],
    "log_chunks": [{"cluster": "c1", "seq": 3, "lines": '[["2026-01-01T00:00:00.5Z","stdout","\\u8fd0\\u884c"]]'}],
    "runs": [
        {
            "id": "run1",
            "cluster": "c1",
            "example": "post-start/hello",
            "manifest": "kind: Pod\n",
            "first_seq": 1,
            "last_seq": 4,
            "opened_at": AT,
            "ended": json.dumps({"fact": "RunClosed", **CLOSED}),
        }
    ],
    "snapshots": [
        {
            "cluster": "c1",
            "seq": 2,
            "view": json.dumps(
                {"seq": 2, "objects": [["Pod", "default", "demo", {**CREATED["object"], "from": "the snapshot"}]]}
            ),
        }
    ],
    "repeats": [
        {
            "id": "repeat1",
            "cluster": "c1",
            "example": "post-start/hello",
            "opened_at": AT,
            "ended": "done",
            "body": json.dumps(REPEAT),
        }
    ],
    "predictions": [
        {
            "id": 1,
            "cluster": "c1",
            "example": "post-start/hello",
            "made_at": AT,
            "run_id": "run1",
            "body": '{"order":["a","b"],"never":["c"]}',
        }
    ],
    "bundles": [{"id": "44136fa355b3678a1146ad16", "cluster": "c1", "kept_at": AT, "size_bytes": 2, "body": "{}"}],
    "progress": [{"cluster": "c1", "kind": "opened", "item": "what-hooks-are", "at": AT, "value": ""}],
}


def tables(file: Path) -> set[str]:
    connection = sqlite3.connect(file)
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return names - {"alembic_version"}


def make_store(file: Path, revision: str) -> None:
    """Make a store as the lab of that revision left it."""
    engine = create_engine(f"sqlite:///{file}")
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, revision)
    engine.dispose()
    there = tables(file)
    assert there <= ROWS.keys(), f"give {there - ROWS.keys()} rows here, as the lab of {revision} writes them"
    rows = sqlite3.connect(file)
    for table in (table for table in ROWS if table in there):
        columns = {column[1] for column in rows.execute(f"PRAGMA table_info({table})")}
        for row in ROWS[table]:
            known = {name: value for name, value in row.items() if name in columns}
            places = ", ".join("?" * len(known))
            rows.execute(f"INSERT INTO {table} ({', '.join(known)}) VALUES ({places})", list(known.values()))
    rows.commit()
    rows.close()


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_a_store_of_an_earlier_lab_is_brought_up_to_date_with_all_it_holds(
    revision: str, tmp_path: Path, url: str, clock: VirtualClock
) -> None:
    make_store(tmp_path / "lab.sqlite", revision)
    had = tables(tmp_path / "lab.sqlite")
    at = datetime(2026, 11, 26, 6, 11, 2, 886969, tzinfo=UTC)
    with Store.open(url, clock) as store:
        assert [e.fact for e in store.entries("c1", 1)] == [
            RunOpened(**OPENED),
            ObjectWritten(**CREATED),
            LogChunk(attempt=0, offset=0, lines=(("2026-01-01T00:00:00.5Z", "stdout", "运行"),)),
            RunClosed(**CLOSED),
        ]
        assert {e.at for e in store.entries("c1", 1)} == {at}
        assert store.view("c1", 4).get("Pod", "default", "demo") == {**CREATED["object"], "from": "the snapshot"}
        (run,) = store.recent_runs("c1", 5)
        assert (run.id, run.manifest, run.ended) == ("run1", "kind: Pod\n", RunClosed(**CLOSED))
        if "repeats" in had:
            repeat = store.repeat("repeat1")
            assert repeat is not None
            assert (repeat.count, repeat.runs, repeat.opened_at) == (3, ("run1",), at)
        if "predictions" in had:
            kept = store.predictions.of_run("run1")
            assert kept is not None
            assert kept.prediction == Prediction(order=("a", "b"), never=("c",))
        if "bundles" in had:
            assert store.bundles.get("44136fa355b3678a1146ad16") == "{}"
        if "progress" in had:
            assert [(mark.kind, mark.item) for mark in store.progress.of("c1")] == [("opened", "what-hooks-are")]
    assert tables(tmp_path / "lab.sqlite") == tables_of_this_lab(tmp_path)


def tables_of_this_lab(tmp_path: Path) -> set[str]:
    database.Database(f"sqlite:///{tmp_path}/new.sqlite").close()
    return tables(tmp_path / "new.sqlite")


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_migration_that_fails_half_way_leaves_the_store_as_it_was(
    revision: str, tmp_path: Path, url: str, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_tables = tables_of_this_lab(tmp_path)
    if revision == REVISIONS[-1]:
        database.Database(url).close()
    else:
        make_store(tmp_path / "lab.sqlite", revision)
    had = tables(tmp_path / "lab.sqlite")
    migrations = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, migrations)
    (migrations / "versions" / "9999_broken.py").write_text(
        "from alembic import op\n"
        f"revision, down_revision = '9999', '{REVISIONS[-1]}'\n"
        "def upgrade():\n"
        "    op.execute('DELETE FROM entries')\n"
        "    op.execute('ALTER TABLE runs RENAME TO walks')\n"
        "    op.execute('CREATE TABLE runs_of (nothing_yet TEXT)')\n"
        "    op.execute('INSERT INTO nowhere VALUES (1)')\n"
    )
    with monkeypatch.context() as patched:
        patched.setattr(database, "MIGRATIONS", migrations)
        with pytest.raises(StoreError, match=r"cannot bring the store up to date .*no such table: nowhere"):
            Store.open(url, clock)
    assert tables(tmp_path / "lab.sqlite") == had
    with Store.open(url, clock) as store:
        assert len(store.entries("c1", 1)) == (0 if revision == REVISIONS[-1] else 4)
    assert tables(tmp_path / "lab.sqlite") == own_tables
