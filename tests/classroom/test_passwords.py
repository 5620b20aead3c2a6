"""Passwords: Argon2id, of a sensible length, and no word on who exists."""

from __future__ import annotations

import pytest

from lab.classroom.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD, hash_password, is_password
from lab.errors import ClassroomError

PASSWORD = "correct horse battery"


def test_a_password_is_known_by_its_hash_and_no_other_is() -> None:
    kept = hash_password(PASSWORD)
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept
    assert is_password(PASSWORD, kept)
    assert not is_password(PASSWORD + " ", kept)
    assert hash_password(PASSWORD) != kept, "each hash has a salt of its own"


@pytest.mark.parametrize("length", [0, SHORTEST_PASSWORD - 1, LONGEST_PASSWORD + 1])
def test_a_password_that_is_too_short_or_too_long_is_refused(length: int) -> None:
    with pytest.raises(ClassroomError):
        hash_password("x" * length)


def test_the_longest_password_counts_to_its_last_character() -> None:
    kept = hash_password("x" * LONGEST_PASSWORD)
    assert not is_password("x" * (LONGEST_PASSWORD - 1), kept)


@pytest.mark.parametrize("kept", [None, "", "$argon2id$broken"])
def test_nothing_is_the_password_of_nobody_or_of_a_broken_hash(kept: str | None) -> None:
    assert not is_password(PASSWORD, kept)
    assert not is_password("nobody has this password", None)
