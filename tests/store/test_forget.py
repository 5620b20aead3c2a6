"""Forgetting a learner: nothing of theirs is left, not even in the file, and nobody else loses anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from lab.classroom.model import Class, Learner
from lab.clock import VirtualClock
from lab.errors import StoreError
from lab.insight.predictions import Prediction
from lab.store.store import Store
from lab.timeline.facts import LogChunk, RunClosed, RunOpened
from lab.timeline.timeline import Timeline
from tests.store.conftest import REPEAT


def leave_traces(store: Store, clock: VirtualClock, cluster: str) -> Timeline:
    """Leave something of a learner in every table that can hold it; return their timeline."""
    timeline = Timeline(cluster, clock, store.journal, history=store.history(cluster))
    timeline.append(RunOpened(run_id=f"run of {cluster}", example="a/b", manifest=f"# secret of {cluster}"))
    timeline.append(LogChunk(attempt=0, offset=0, lines=(("t", "stdout", f"secret of {cluster}"),)), pod_uid="u", container="app")
    timeline.append(RunClosed(run_id=f"run of {cluster}", why="Its pods are gone."))
    store.progress.note(cluster, "opened", f"secret of {cluster}")
    store.predictions.keep(cluster, "a/b", Prediction(order=(f"secret of {cluster}",)))
    store.bundles.keep(f'"secret of {cluster}"', cluster)
    store.keep_repeat(replace(REPEAT, id=f"repeat of {cluster}", cluster=cluster, example="a/b"))
    clock.sleep(1)
    return timeline


def rows(url: str) -> dict[str, str]:
    """Return each table's content as text."""
    engine = create_engine(url)
    with engine.connect() as connection:
        names = connection.execute(text("select name from sqlite_master where type = 'table'")).scalars().all()
        found = {name: repr(connection.execute(text(f'select * from "{name}"')).all()) for name in names}
    engine.dispose()
    return found


def test_nothing_of_a_learner_is_left_and_everything_of_others_is(store: Store, clock: VirtualClock, url: str) -> None:
    for cluster in ("ada", "ada-repeat01", "adam"):
        leave_traces(store, clock, cluster)
    before = rows(url)
    store.forget("ada")
    after = rows(url)
    assert all("ada'" not in content and "ada-repeat01" not in content for content in after.values())
    for table in ("clusters", "entries", "log_chunks", "runs", "progress", "predictions", "bundles", "repeats"):
        assert "ada'" in before[table] or "of ada" in before[table], table
        assert "adam" in after[table], table


def test_what_was_forgotten_is_not_in_the_file_any_more(clock: VirtualClock, url: str, tmp_path: Path) -> None:
    with Store.open(url, clock) as store:
        store.classes.keep_class(Class(id="k", name="Hooks", code="ABCDEF", opened_at=clock.now()))
        store.classes.keep_learner(Learner(id="l", class_id="k", nickname="secret of ada", cluster="ada", joined_at=clock.now()))
        leave_traces(store, clock, "ada")
        leave_traces(store, clock, "adam")
    assert (tmp_path / "lab.sqlite").read_bytes().count(b"secret of ada") > 6
    with Store.open(url, clock) as store:
        store.forget("ada")
        store.classes.drop_class("k")
    content = (tmp_path / "lab.sqlite").read_bytes()
    assert content.count(b"secret of ada") == content.count(b"secret of adam") > 0


def test_a_learner_whose_entries_are_being_written_is_not_forgotten(store: Store, clock: VirtualClock) -> None:
    timeline = leave_traces(store, clock, "ada")
    timeline.append(RunOpened(run_id="r2", example="a/b", manifest="m"))
    with pytest.raises(StoreError, match="still writes"):
        store.forget("ada")


def test_whoever_still_writes_for_the_forgotten_is_refused_and_the_store_goes_on(store: Store, clock: VirtualClock) -> None:
    timeline = leave_traces(store, clock, "ada")
    store.forget("ada")
    with pytest.raises(StoreError, match="was deleted"):
        timeline.append(RunOpened(run_id="r2", example="a/b", manifest="m"))
    leave_traces(store, clock, "grace")
    assert store.problem() is None
    assert store.run("run of grace") is not None
