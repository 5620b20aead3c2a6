"""Guessing: so many at once, and one more as time passes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.classroom.attempts import KEPT_KEYS, Attempts
from lab.clock import VirtualClock

ALLOWED, SECONDS = 5, 60.0


@given(waits=st.lists(st.floats(0, 30), max_size=60))
def test_nobody_gets_more_tries_than_the_first_ones_and_one_for_each_share_of_the_time(waits: list[float]) -> None:
    with VirtualClock() as clock:
        attempts = Attempts(clock, allowed=ALLOWED, seconds=SECONDS)
        tried = 0
        for wait in waits:
            clock.sleep(wait)
            if attempts.wait_seconds("here") == 0:
                attempts.failed("here")
                tried += 1
        assert tried <= ALLOWED + clock.monotonic() * ALLOWED / SECONDS + 1e-6


def test_whoever_waits_as_long_as_told_may_try_again() -> None:
    with VirtualClock() as clock:
        attempts = Attempts(clock, allowed=ALLOWED, seconds=SECONDS)
        for _ in range(ALLOWED):
            assert attempts.wait_seconds("here") == 0
            attempts.failed("here")
        assert attempts.wait_seconds("here") == 12
        assert attempts.wait_seconds("elsewhere") == 0
        clock.sleep(attempts.wait_seconds("here"))
        assert attempts.wait_seconds("here") == 0


def test_who_tries_many_times_at_once_gets_no_more_tries() -> None:
    with VirtualClock() as clock:
        attempts = Attempts(clock, allowed=ALLOWED, seconds=SECONDS)
        begun = [attempts.begin("name", "address") for _ in range(3 * ALLOWED)]
        assert begun == [0] * ALLOWED + [12] * 2 * ALLOWED
        assert attempts.begin("name", "elsewhere") == 12
        assert attempts.wait_seconds("elsewhere") == 0, "what was refused counts nowhere"


def test_a_try_that_succeeded_does_not_count() -> None:
    with VirtualClock() as clock:
        attempts = Attempts(clock, allowed=1, seconds=SECONDS)
        for _ in range(3):
            assert attempts.begin("name", "address") == 0
            attempts.succeeded("name", "address")
        assert attempts.begin("name") == 0
        assert attempts.begin("name") == 60


def test_what_is_remembered_is_bounded() -> None:
    with VirtualClock() as clock:
        attempts = Attempts(clock, allowed=1, seconds=SECONDS)
        for number in range(KEPT_KEYS + 10):
            attempts.failed(f"address {number}")
        assert len(attempts._failures) == KEPT_KEYS
        assert attempts.wait_seconds(f"address {KEPT_KEYS + 9}") > 0
