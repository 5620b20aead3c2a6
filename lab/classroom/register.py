"""Who belongs to which class: all of it in memory, each change stored before it holds.

Every request asks who its visitor is, and every stream wants to know when something changed for its class; both must be
answered while the store is busy. So what is known is replaced as a whole and read without a lock; one change at a time is stored,
and whoever listens is called after it, with no lock held.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from lab.classroom.attempts import Attempts
from lab.classroom.model import LONGEST_NAME, Class, Instructor, Learner, clean_name, is_same_name
from lab.classroom.passwords import is_password
from lab.clock import Clock
from lab.errors import ClassroomError, StoreError
from lab.insight.phrase import phrase

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is taken for another: no 0 O, 1 I L, U V
CODE_LENGTH = 6  # 30 ** 6 = 729 million
LARGEST_CLASS = 500  # learners who have joined and were not removed
GUESSES, GUESS_SECONDS = 30, 60.0  # wrong codes from one address: a whole class may sit behind one
ALL_GUESSES = 300  # wrong codes from everywhere in that time
SIGN_INS, SIGN_IN_SECONDS = 10, 300.0  # wrong passwords, by name and by address
EVERYWHERE = "*"

_LOGGER = logging.getLogger(__name__)


class ClassStore(Protocol):
    """Keeps classes (`lab.store.classes.Classes`). Raises StoreError when it cannot."""

    def instructor(self, name: str) -> Instructor | None:
        """Return an instructor."""
        ...

    def keep_instructor(self, instructor: Instructor) -> None:
        """Keep an instructor, in place of one of the same name."""
        ...

    def classes(self) -> tuple[Class, ...]:
        """Return every class, oldest first."""
        ...

    def keep_class(self, kept: Class) -> None:
        """Keep a class, in place of what it was."""
        ...

    def learners(self) -> tuple[Learner, ...]:
        """Return every learner, in the order in which they joined."""
        ...

    def keep_learner(self, learner: Learner) -> None:
        """Keep a learner, in place of what they were."""
        ...

    def drop_class(self, class_id: str) -> None:
        """Forget a class and its learners."""
        ...


class Register:
    """All classes of a lab. Thread-safe. Refusals are ClassroomError, with words for whoever asked."""

    def __init__(self, store: ClassStore, clock: Clock) -> None:
        """Read everything. Raises StoreError."""
        self._store = store
        self._clock = clock
        self._lock = clock.condition()  # of changes: nobody who only asks takes it
        self._changed: list[str] = []  # classes whose listeners are to be told once the lock is free
        self._classes = {kept.id: kept for kept in store.classes()}
        self._learners = {learner.id: learner for learner in store.learners()}
        self._spare: dict[str, tuple[str, ...]] = {}  # clusters of those who will join, by class
        self._instructors: dict[str, Instructor] = {}  # as last read, for when the store does not answer
        self._guesses = Attempts(clock, allowed=GUESSES, seconds=GUESS_SECONDS)
        self._all_guesses = Attempts(clock, allowed=ALL_GUESSES, seconds=GUESS_SECONDS)
        self._sign_ins = Attempts(clock, allowed=SIGN_INS, seconds=SIGN_IN_SECONDS)
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, changed: Callable[[str], None]) -> None:
        """Have ``changed(class_id)`` called after every change of a class or its learners."""
        self._listeners.append(changed)

    # --- instructors

    def instructor(self, name: str) -> Instructor | None:
        """Return an instructor; while the store does not answer, as they were last known."""
        try:
            found = self._store.instructor(name)
        except StoreError as error:
            _LOGGER.warning("%s", error)
            return self._instructors.get(name)
        if found is None:
            self._instructors.pop(name, None)
        else:
            self._instructors[name] = found
        return found

    def sign_in(self, name: str, password: str, address: str) -> Instructor:
        """Return the instructor with this name and password. ``address`` is where the request comes from."""
        name = name[: LONGEST_NAME + 1]  # nobody has a longer one, and tries are remembered by name
        keys = (f"name {name}", f"address {address}")
        self._require_patience(self._sign_ins.begin(*keys))
        found = self.instructor(name)
        if not is_password(password, found.password_hash if found else None) or found is None:
            raise ClassroomError(phrase("The name or the password is wrong.", "名字或密码不正确。"))
        self._sign_ins.succeeded(*keys)
        return found

    # --- classes

    def classes(self) -> tuple[Class, ...]:
        """Return every class, the newest first."""
        return tuple(reversed(self._classes.values()))

    def find_class(self, class_id: str) -> Class | None:
        """Return a class."""
        return self._classes.get(class_id)

    def open_class(self, name: str) -> Class:
        """Open a class with a code of its own."""
        name = clean_name(name)
        with self._change():
            opened = Class(id=secrets.token_hex(6), name=name, code=self._free_code(), opened_at=self._clock.now())
            return self._keep_class(opened)

    def change_code(self, class_id: str) -> Class:
        """Give a class another code: nobody joins by the one before. Who has a seat keeps it."""
        with self._change():
            return self._keep_class(replace(self._class(class_id), code=self._free_code()))

    def close_class(self, class_id: str) -> Class:
        """End a class: nobody joins it any more, and its learners read on but start nothing."""
        with self._change():
            found = self._class(class_id)
            return self._keep_class(replace(found, closed_at=found.closed_at or self._clock.now(), paused=False))

    def reopen_class(self, class_id: str) -> Class:
        """Go on with a class that has ended."""
        with self._change():
            return self._keep_class(replace(self._class(class_id), closed_at=None))

    def pause_class(self, class_id: str, *, paused: bool) -> Class:
        """Let nobody in the class start anything, or let them again."""
        with self._change():
            return self._keep_class(replace(self._class(class_id), paused=paused))

    def delete_class(self, class_id: str) -> None:
        """Forget a class and who was in it. What they have run is not the register's: see `lab.classroom.deletion`."""
        with self._change():
            self._store.drop_class(self._class(class_id).id)
            self._classes = {kept.id: kept for kept in self._classes.values() if kept.id != class_id}
            self._learners = {x.id: x for x in self._learners.values() if x.class_id != class_id}
            self._spare.pop(class_id, None)
            self._changed.append(class_id)

    # --- learners

    def join(self, code: str, nickname: str, address: str) -> Learner:
        """Give somebody who has the code of an open class a seat there. ``address`` is where the request comes from."""
        with self._change():
            self._require_patience(max(self._guesses.wait_seconds(address), self._all_guesses.wait_seconds(EVERYWHERE)))
            wanted = plain_code(code)
            found = next((kept for kept in self._classes.values() if secrets.compare_digest(kept.code, wanted)), None)
            if found is None or not found.is_open:
                self._guesses.failed(address)
                self._all_guesses.failed(EVERYWHERE)
                raise ClassroomError(
                    phrase(
                        "No open class has that code; check it with your instructor.",
                        "没有使用该代码的开放班级，请向讲师核对。",
                    )
                )
            self._require_free(found.id, nickname := clean_name(nickname))
            if len(self.roster(found.id)) >= LARGEST_CLASS:
                raise ClassroomError(phrase("This class is full; tell your instructor.", "班级已满，请告诉讲师。"))
            learner = Learner(
                id=secrets.token_hex(8),
                class_id=found.id,
                nickname=nickname,
                cluster=self._next_cluster(found.id),
                joined_at=self._clock.now(),
            )
            return self._keep_learner(learner)

    def spare_clusters(self, class_id: str, least: int = 0) -> tuple[str, ...]:
        """Return the clusters that those who join a class next will get, ``least`` or more, so that they can be made ready.
        They are known until the lab stops."""
        spare = self._spare.get(class_id, ())
        if len(spare) < least:
            with self._change():
                spare = self._spare.get(class_id, ())
                spare += tuple(_new_cluster() for _ in range(least - len(spare)))
                self._spare[class_id] = spare
        return spare

    def learner(self, learner_id: str) -> Learner | None:
        """Return a learner, also one who was removed."""
        return self._learners.get(learner_id)

    def has_seat(self, learner_id: str) -> bool:
        """Whether somebody was not removed, nor their class deleted."""
        found = self._learners.get(learner_id)
        return found is not None and found.removed_at is None

    def learner_of(self, cluster: str) -> Learner | None:
        """Return the learner whose cluster it is."""
        return next((learner for learner in self._learners.values() if learner.cluster == cluster), None)

    def roster(self, class_id: str) -> tuple[Learner, ...]:
        """Return a class's learners who were not removed, in the order in which they joined."""
        return tuple(x for x in self._learners.values() if x.class_id == class_id and x.removed_at is None)

    def everybody(self, class_id: str) -> tuple[Learner, ...]:
        """Return a class's learners, also those who were removed, in the order in which they joined."""
        return tuple(x for x in self._learners.values() if x.class_id == class_id)

    def move_seat(self, learner_id: str, seat: int) -> Learner:
        """Give a learner's seat to another browser, once: ``seat`` is the number that it still has."""
        with self._change():
            found = self._learner(learner_id)
            if found.seat != seat:
                raise ClassroomError(
                    phrase(
                        "This link was used already; ask your instructor for a new one.",
                        "这个链接已经用过，请向讲师索取新的链接。",
                    )
                )
            return self._keep_learner(replace(found, seat=seat + 1))

    def rename(self, learner_id: str, nickname: str) -> Learner:
        """Give a learner another nickname."""
        with self._change():
            found = self._learner(learner_id)
            nickname = clean_name(nickname)
            self._require_free(found.class_id, nickname, besides=found.id)
            return self._keep_learner(replace(found, nickname=nickname))

    def remove(self, learner_id: str) -> Learner:
        """Take a learner's seat away; their nickname is free again."""
        with self._change():
            found = self._learner(learner_id)
            return self._keep_learner(replace(found, removed_at=found.removed_at or self._clock.now()))

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Change something, one at a time, and tell whoever listens when the lock is free again."""
        changed: list[str] = []
        try:
            with self._lock:
                try:
                    yield
                finally:
                    changed, self._changed = self._changed, []
        finally:
            for class_id in changed:
                for listener in self._listeners:
                    listener(class_id)

    # --- while something is changed, or asked

    def _free_code(self) -> str:
        taken = {kept.code for kept in self._classes.values()}
        return next(code for code in iter(_new_code, "") if code not in taken)

    def _next_cluster(self, class_id: str) -> str:
        first, *others = self._spare.get(class_id) or (_new_cluster(),)
        self._spare[class_id] = tuple(others)
        return first

    def _class(self, class_id: str) -> Class:
        found = self._classes.get(class_id)
        if found is None:
            raise ClassroomError(phrase("There is no such class.", "没有这个班级。"))
        return found

    def _learner(self, learner_id: str) -> Learner:
        found = self._learners.get(learner_id)
        if found is None or found.removed_at is not None:
            raise ClassroomError(phrase("There is no such learner in the class.", "班级中没有这位学员。"))
        return found

    def _require_free(self, class_id: str, nickname: str, *, besides: str = "") -> None:
        if any(x.id != besides and is_same_name(x.nickname, nickname) for x in self.roster(class_id)):
            raise ClassroomError(
                phrase(
                    "Somebody in the class is called {name} already; choose another name. If it was you, on another browser, "
                    "ask your instructor for a link back.",
                    "班里已有人叫 {name}，请换一个名字。如果那是你在另一个浏览器中使用的名字，请向讲师索取返回链接。",
                    name=nickname,
                )
            )

    def _keep_class(self, kept: Class) -> Class:
        self._store.keep_class(kept)
        self._classes = {**self._classes, kept.id: kept}
        self._changed.append(kept.id)
        return kept

    def _keep_learner(self, learner: Learner) -> Learner:
        self._store.keep_learner(learner)
        self._learners = {**self._learners, learner.id: learner}
        self._changed.append(learner.class_id)
        return learner

    def _require_patience(self, seconds: int) -> None:
        if seconds:
            raise ClassroomError(
                phrase("Too many wrong tries; wait {n} seconds.", "错误次数过多，请等待 {n} 秒。", n=seconds),
                retry_seconds=seconds,
            )


def plain_code(text: str) -> str:
    """Return a join code as typed by somebody, without spaces and hyphens, in capitals."""
    return "".join(text.split()).replace("-", "").upper().encode("ascii", "replace").decode()[:CODE_LENGTH]


def _new_cluster() -> str:
    return f"c{secrets.token_hex(8)}"


def _new_code() -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
