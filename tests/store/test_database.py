"""The database: migrations, and failures in the lab's words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from lab.errors import StoreError
from lab.store.database import Database
from lab.store.tables import clusters, metadata


def test_the_migrations_lead_to_the_tables_that_the_code_uses(url: str) -> None:
    database = Database(url)
    with database.begin("compare") as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_opening_again_changes_nothing(url: str) -> None:
    first = Database(url)
    with first.begin("write") as connection:
        connection.execute(clusters.insert(), {"id": "c", "created_at": "t"})
    first.close()
    second = Database(url)
    with second.begin("read") as connection:
        assert connection.scalars(clusters.select()).all() == ["c"]
    second.close()


def test_a_migration_that_fails_leaves_nothing_behind(url: str, tmp_path: Path) -> None:
    file = sqlite3.connect(tmp_path / "lab.sqlite")
    file.execute("CREATE TABLE snapshots (somebody_elses TEXT)")
    file.close()
    with pytest.raises(StoreError, match=r"cannot bring the store up to date .*already exists"):
        Database(url)
    file = sqlite3.connect(tmp_path / "lab.sqlite")
    assert file.execute("SELECT name FROM sqlite_master").fetchall() == [("snapshots",)]
    file.close()


def test_a_store_of_a_newer_lab_is_left_alone(url: str, tmp_path: Path) -> None:
    Database(url).close()
    file = sqlite3.connect(tmp_path / "lab.sqlite", isolation_level=None)
    file.execute("UPDATE alembic_version SET version_num = '9999'")
    file.close()
    with pytest.raises(StoreError, match="a newer lab has written it; use that version, or another LAB_DATA"):
        Database(url)


def test_a_store_that_cannot_be_opened_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as raised:
        Database(f"sqlite:///{tmp_path}/missing/lab.sqlite")
    assert str(raised.value) == (
        f"cannot bring the store up to date (sqlite:///{tmp_path}/missing/lab.sqlite): unable to open database file; "
        "see that its directory is writable and its disk has space"
    )


def test_a_file_that_is_no_database_is_refused(url: str, tmp_path: Path) -> None:
    (tmp_path / "lab.sqlite").write_text("a text that is no database at all\n" * 100)
    with pytest.raises(StoreError, match="file is not a database"):
        Database(url)


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(StoreError, match="cannot open the store: LAB_DATABASE_URL is no database URL"):
        Database("lab.sqlite")


def test_a_commit_outlives_the_process_and_readers_do_not_wait_for_the_writer(url: str, tmp_path: Path) -> None:
    database = Database(url)
    with database.begin("ask") as connection:
        answers = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert answers == ["wal", 1, 1]  # 1: NORMAL
    with database.begin("write") as writer:
        writer.execute(clusters.insert(), {"id": "c", "created_at": "t"})
        with database.begin("read") as reader:
            assert reader.scalars(clusters.select()).all() == []
    database.close()
