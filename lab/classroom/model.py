"""What a class consists of, as frozen values; `lab.store.classes` keeps them."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from lab.errors import ClassroomError
from lab.insight.phrase import phrase

LONGEST_NAME = 40  # characters, of instructors, classes and learners
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # Unicode's categories of what has no look of its own
BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols that look like a space


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructor:
    """Somebody who may sign in. ``password_hash`` is `lab.classroom.passwords`'; ``cluster`` is the one their own runs are in."""

    name: str
    password_hash: str
    cluster: str

    @property
    def fingerprint(self) -> str:
        """What a signed-in browser remembers of the password: another password signs it out."""
        return hashlib.sha256(self.password_hash.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """One class, from its opening to its end. Whoever has its ``code`` may join while it is open; while it is ``paused`` nobody
    in it can start anything."""

    id: str
    name: str
    code: str
    opened_at: datetime
    closed_at: datetime | None = None
    paused: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """One seat in a class: a nickname and a cluster of its own. Who was removed cannot come back with the same browser; ``seat``
    grows with each move to another browser, and the one that has an earlier number is out."""

    id: str
    class_id: str
    nickname: str
    cluster: str
    joined_at: datetime
    removed_at: datetime | None = None
    seat: int = 0


def clean_name(text: str) -> str:
    """Return a name as it is kept: composed, without spaces around it, each run of spaces one. Raises ClassroomError."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise ClassroomError(phrase("A name is missing; type one.", "缺少名字，请填写。"))
    if len(name) > LONGEST_NAME:
        raise ClassroomError(
            phrase("That name is too long; use at most {n} characters.", "名字过长，最多 {n} 个字符。", n=LONGEST_NAME)
        )
    if any(unicodedata.category(character) in UNSEEN or character in BLANKS for character in name):
        raise ClassroomError(
            phrase("That name has characters that cannot be seen; leave them out.", "名字中有不可见字符，请去掉。")
        )
    return name


def is_same_name(left: str, right: str) -> bool:
    """Whether people would take two names for the same."""
    return _folded(left) == _folded(right)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
