"""The database behind the store: an engine that is set up, migrated and speaks of failures in the lab's words.

Everything that only SQLite needs is in this module. WAL lets readers go on while the one writer commits;
``synchronous=NORMAL`` means that a commit survives the death of the process, and that a power loss may take the last moment.
What is deleted is overwritten: it was said of people.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import alembic.util
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from lab.errors import StoreError

BUSY_TIMEOUT_SECONDS = 5.0  # another process reads or backs up the file
KEPT_CONNECTIONS = 16  # to open one takes as long as some questions; more are opened when a whole class asks at once
ALONE = "lab_alone"  # the execution option of a statement without a transaction
_OURS_ALONE = 0o600
MIGRATIONS = Path(__file__).with_name("migrations")


class Database:
    """A migrated database. Every method may be called from any thread."""

    def __init__(self, url: str) -> None:
        """Open it and bring its tables up to date. Raises StoreError."""
        try:
            self.name = make_url(url).render_as_string(hide_password=True)
        except ArgumentError as error:
            raise StoreError(
                "cannot open the store: LAB_DATABASE_URL is no database URL; use sqlite:////path/lab.sqlite"
            ) from error
        self._engine = _create_engine(url)
        self._writing = threading.Lock()
        try:
            self._migrate()
        except StoreError:
            self._engine.dispose()
            raise

    @contextmanager
    def begin(self, doing: str) -> Iterator[Connection]:
        """Open a transaction, committed at the end of the block and rolled back on an exception. ``doing`` completes the message
        "cannot …" of the StoreError that a failing database raises."""
        with self._words(doing), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def ask(self, doing: str) -> Iterator[Connection]:
        """Open a connection for one question. Without a transaction around it a thread has to come back from SQLite once and not
        three times, and while a class starts its pods it waits each time until other threads have let it."""
        with self._words(doing), self._engine.connect() as connection:
            yield connection.execution_options(**{ALONE: True})

    @contextmanager
    def write(self, doing: str) -> Iterator[Connection]:
        """Open a transaction that writes, as `begin`. The writers of this process queue here: SQLite lets them find each other
        asleep, for up to a tenth of a second at a time, and the journal among them."""
        taken = self._writing.acquire(timeout=BUSY_TIMEOUT_SECONDS)  # what holds it longer is SQLite's to wait for
        try:
            with self.begin(doing) as connection:
                yield connection
        finally:
            if taken:
                self._writing.release()

    def try_to_write(self) -> None:
        """Take the writer's turn and give it back unused. Raises StoreError when it cannot be had."""
        with self.begin("write to the store") as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    @property
    def size_bytes(self) -> int:
        """How much it takes on the disk, with what is not in its main file yet."""
        file = database_file(str(self._engine.url.render_as_string(hide_password=False)))
        return sum(part.stat().st_size for part in (file, file.with_name(f"{file.name}-wal")) if part.exists())

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _words(self, doing: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error)
            raise StoreError(
                f"cannot {doing} ({self.name}): {reason}; see that its directory is writable and its disk has space"
            ) from error

    def _migrate(self) -> None:
        config = alembic.config.Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        try:
            with self.begin("bring the store up to date") as connection:
                config.attributes["connection"] = connection
                alembic.command.upgrade(config, "head")
        except alembic.util.CommandError as error:
            raise StoreError(
                f"cannot open the store ({self.name}): a newer lab has written it; use that version, or another LAB_DATA"
            ) from error


def database_file(url: str) -> Path:
    """Return the file of a SQLite database."""
    return Path(make_url(url).database or "")


def _keep_to_owner(file: Path) -> None:
    """Let nobody else on this machine read the file, made now when it is not there, whatever directory it is in: it holds what
    learners wrote and the hashes of passwords. SQLite gives its other files the same mode. What fails here fails again when
    the file is opened, and is told then."""
    with suppress(OSError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OURS_ALONE))
        for path in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
            path.chmod(_OURS_ALONE)


def _create_engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url)
    _keep_to_owner(Path(make_url(url).database or ""))
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS}, pool_size=KEPT_CONNECTIONS, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late: not before DDL, not before a SELECT
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get(ALONE):
            connection.exec_driver_sql("BEGIN")

    return engine
