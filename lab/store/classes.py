"""Instructors, classes and their learners (`lab.classroom.model`): a row each, written whole."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, Table, delete, select
from sqlalchemy.dialects.sqlite import insert

from lab.classroom.model import Class, Instructor, Learner
from lab.store.database import Database
from lab.store.rows import time_text
from lab.store.tables import classes, instructors, learners


class Classes:
    """Usable from any thread. Every method raises StoreError when the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def instructors(self) -> tuple[Instructor, ...]:
        """Return every instructor, by name."""
        return tuple(_instructor(row) for row in self._read(select(instructors).order_by(instructors.c.name), "instructors"))

    def instructor(self, name: str) -> Instructor | None:
        """Return an instructor."""
        found = self._read(select(instructors).where(instructors.c.name == name), "instructors")
        return _instructor(found[0]) if found else None

    def keep_instructor(self, instructor: Instructor) -> None:
        """Keep an instructor, in place of one of the same name."""
        row = {"name": instructor.name, "password_hash": instructor.password_hash, "cluster": instructor.cluster}
        self._keep(instructors, row, f"instructor {instructor.name}")

    def classes(self) -> tuple[Class, ...]:
        """Return every class, oldest first."""
        return tuple(_class(row) for row in self._read(select(classes).order_by(classes.c.opened_at, classes.c.id), "classes"))

    def keep_class(self, kept: Class) -> None:
        """Keep a class, in place of what it was."""
        row = {
            "id": kept.id,
            "name": kept.name,
            "code": kept.code,
            "opened_at": time_text(kept.opened_at),
            "closed_at": _text(kept.closed_at),
            "paused": kept.paused,
        }
        self._keep(classes, row, f"class {kept.id}")

    def learners(self) -> tuple[Learner, ...]:
        """Return every learner, in the order in which they joined."""
        query = select(learners).order_by(learners.c.joined_at, learners.c.id)
        return tuple(_learner(row) for row in self._read(query, "learners"))

    def keep_learner(self, learner: Learner) -> None:
        """Keep a learner, in place of what they were."""
        row = {
            "id": learner.id,
            "class_id": learner.class_id,
            "nickname": learner.nickname,
            "cluster": learner.cluster,
            "joined_at": time_text(learner.joined_at),
            "removed_at": _text(learner.removed_at),
            "seat": learner.seat,
        }
        self._keep(learners, row, f"learner {learner.id}")

    def drop_class(self, class_id: str) -> None:
        """Forget a class and its learners."""
        with self._database.write(f"delete class {class_id}") as connection:
            connection.execute(delete(classes).where(classes.c.id == class_id))  # its learners go with it

    def _read(self, query: Select[Any], what: str) -> tuple[Row[Any], ...]:
        with self._database.ask(f"read the {what}") as connection:
            return tuple(connection.execute(query))

    def _keep(self, table: Table, row: dict[str, Any], what: str) -> None:
        keys = [column.name for column in table.primary_key]
        with self._database.write(f"store {what}") as connection:
            connection.execute(insert(table).values(row).on_conflict_do_update(index_elements=keys, set_=row))


def _text(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _instructor(row: Row[Any]) -> Instructor:
    return Instructor(name=row.name, password_hash=row.password_hash, cluster=row.cluster)


def _class(row: Row[Any]) -> Class:
    return Class(
        id=row.id,
        name=row.name,
        code=row.code,
        opened_at=datetime.fromisoformat(row.opened_at),
        closed_at=_time(row.closed_at),
        paused=row.paused,
    )


def _learner(row: Row[Any]) -> Learner:
    return Learner(
        id=row.id,
        class_id=row.class_id,
        nickname=row.nickname,
        cluster=row.cluster,
        joined_at=datetime.fromisoformat(row.joined_at),
        removed_at=_time(row.removed_at),
        seat=row.seat,
    )
