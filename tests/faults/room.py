"""A class in a served classroom: an instructor who has signed in and learners who have joined, each with a browser."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lab.classroom.model import Class, Instructor
from lab.classroom.passwords import hash_password
from lab.clock import SystemClock
from lab.config import read_settings
from lab.store.store import Store
from tests.faults.pods import EXAMPLE, pod, running
from tests.served_lab import (
    PATIENCE_SECONDS,
    ServedLab,
    Stream,
    Visitor,
    await_removal,
    facts_of,
    left_on_the_engine,
    left_on_the_host,
)

CODE = "2345QR"
PASSWORD = "a password for tests"
LESSON = f"/lessons/{EXAMPLE.partition('/')[0]}"


@dataclass
class Seat:
    """A learner: their browser, their newest run, and what its page has shown of it so far."""

    name: str
    visitor: Visitor
    run_id: str = ""
    shown: Stream = field(default_factory=Stream)

    def run(self, manifest: str) -> None:
        """Press Run."""
        self.run_id, self.shown = self.visitor.run(EXAMPLE, manifest), Stream()

    def follow(self) -> None:
        """Follow the run until it has ended or the connection breaks."""
        with self.visitor.following(f"/runs/{self.run_id}/stream") as events:
            for self.shown in events:
                if {"RunClosed", "RunAborted"} & set(self.shown.facts()):
                    return

    def require_seat(self) -> None:
        """Fail unless a lesson opens without a door before it, for this learner."""
        require_name(self.name, self.visitor)


class Room:
    """A classroom with a class. The accounts and the class are there before the lab is first served."""

    def __init__(self, data: Path, *, learners: int, **settings: str) -> None:
        furnish(data)
        self.lab = ServedLab(data, LAB_CLASSROOM="yes", **settings)
        try:
            self.instructor = Visitor(self.lab)
            self.instructor.get("/sign-in")
            self.instructor.send("/sign-in", name="teacher", password=PASSWORD, next=LESSON)
            self.seats = [self._seat(f"learner {number}") for number in range(learners)]
        except BaseException:
            self.lab.close()
            raise

    def _seat(self, name: str) -> Seat:
        visitor = Visitor(self.lab)
        visitor.get("/join")
        visitor.send("/join", code=CODE, nickname=name)
        return Seat(name=name, visitor=visitor)

    def press_run(self, manifest: Callable[[int], str]) -> None:
        """Have everybody run a pod at the same moment."""
        at_once(partial(seat.run, manifest(number)) for number, seat in enumerate(self.seats))

    def require_nothing_lost(self) -> None:
        """Fail when a page does not show what it has shown before, to the learner and to the instructor."""
        for seat in self.seats:
            for visitor in (seat.visitor, self.instructor):
                rows = visitor.rows(seat.run_id)
                assert {seq: rows.get(seq) for seq in seat.shown.rows} == seat.shown.rows

    def require_aborted(self, by: str) -> None:
        """Fail unless every run has ended in this way, or had ended before."""
        for seat in self.seats:
            rows = seat.visitor.rows(seat.run_id)
            ends = [name for name in facts_of(rows) if name in ("RunAborted", "RunClosed")]
            assert ends in (["RunAborted"], ["RunClosed"]), (seat.name, facts_of(rows))
            assert ends == ["RunClosed"] or f"<code>{by}</code>" in rows[max(rows)], rows[max(rows)]

    def require_going_on(self, *, seats: int = 3) -> None:
        """Fail unless nobody has to join or sign in again, and runs go on to their end."""
        for seat in self.seats:
            seat.require_seat()
        require_name("teacher", self.instructor)
        for seat in self.seats[:seats]:
            seat.run(pod())
            seat.visitor.watch(seat.run_id, running)
            seat.visitor.delete(seat.run_id, mode="graceful")
            assert facts_of(seat.visitor.watch(seat.run_id, lambda stream: "RunClosed" in stream.facts()).rows)[-1] == "RunClosed"

    def require_nothing_left(self, engine: Any) -> None:
        """Stop the lab; fail when anything of it is still there."""
        assert self.lab.stop() == 0, "".join(self.lab.said)
        await_removal(engine, self.lab.instance)
        assert left_on_the_engine(engine, self.lab.instance) == []
        assert left_on_the_host(self.lab.data) == []
        assert "Traceback" not in "".join(self.lab.said), "".join(self.lab.said)


def require_name(name: str, visitor: Visitor) -> None:
    """Fail unless a lesson opens in this name, with no door before it."""
    page = visitor.get(LESSON)
    assert re.search(rf'class="whoami">.*?{name}<', page, re.DOTALL), f"{name} has to come in again"


def at_once(actions: Iterable[Callable[[], object]]) -> None:
    """Do all of this at the same time, and raise the first failure."""
    clock, failures = SystemClock(), list[BaseException]()

    def act(action: Callable[[], object]) -> None:
        try:
            action()
        except BaseException as error:
            failures.append(error)

    threads = [clock.spawn("somebody", act, action) for action in actions]
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    if failures:
        raise failures[0]


def furnish(data: Path) -> None:
    """Make the account of the instructor and a class in a data directory."""
    settings = read_settings({"LAB_DATA": str(data)})
    settings.data_directory.create()
    clock = SystemClock()
    with Store.open(settings.database_url, clock) as store:
        teacher = Instructor(name="teacher", password_hash=hash_password(PASSWORD), cluster=f"c{secrets.token_hex(8)}")
        store.classes.keep_instructor(teacher)
        store.classes.keep_class(Class(id="class1", name="a class", code=CODE, opened_at=clock.now()))
