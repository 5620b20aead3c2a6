"""Where learners are: who is here, who has moved, and what is forgotten."""

from __future__ import annotations

import pytest

from lab.classroom.presence import FORGOTTEN_SECONDS, LINGER_SECONDS, Place, Presence
from lab.clock import VirtualClock


@pytest.fixture
def presence(clock: VirtualClock) -> Presence:
    return Presence(clock)


def still(presence: Presence) -> float:
    sighting = presence.of("ada")
    assert sighting is not None
    return sighting.still_seconds


def is_here(presence: Presence) -> bool:
    sighting = presence.of("ada")
    return sighting is not None and sighting.is_here


def test_nobody_has_been_seen_in_the_beginning(presence: Presence) -> None:
    assert presence.of("ada") is None


def test_an_open_stream_is_being_here_however_long(presence: Presence, clock: VirtualClock) -> None:
    with presence.watching("ada"):
        clock.sleep(2 * FORGOTTEN_SECONDS)
        assert is_here(presence)
        assert still(presence) == 2 * FORGOTTEN_SECONDS


def test_whoever_closes_the_last_page_is_away_once_no_other_follows(presence: Presence, clock: VirtualClock) -> None:
    with presence.watching("ada"):
        with presence.watching("ada"):
            clock.sleep(60)
        clock.sleep(LINGER_SECONDS + 1)
        assert is_here(presence), "another page is open"
    clock.sleep(LINGER_SECONDS - 1)
    assert is_here(presence), "the next page may be on its way"
    clock.sleep(2)
    assert not is_here(presence)
    found = presence.of("ada")
    assert found is not None
    assert found.away_seconds == LINGER_SECONDS + 1


def test_reading_on_and_stepping_is_moving_and_the_same_place_again_is_not(presence: Presence, clock: VirtualClock) -> None:
    with presence.watching("ada"):
        presence.at("ada", Place(lesson="hooks", part="what"))
        clock.sleep(100)
        presence.at("ada", Place(lesson="hooks", part="what"))
        assert still(presence) == 100
        presence.at("ada", Place(lesson="hooks", part="what", run="r1", seq=7))
        assert still(presence) == 0


def test_pressing_something_is_moving_and_is_counted(presence: Presence, clock: VirtualClock) -> None:
    presence.moved("ada")
    clock.sleep(10)
    presence.moved("ada", acted=True)
    found = presence.of("ada")
    assert found is not None
    assert (found.still_seconds, found.acts) == (0, 1)


def test_time_away_is_not_time_stuck(presence: Presence, clock: VirtualClock) -> None:
    with presence.watching("ada"):
        clock.sleep(5)
    clock.sleep(1000)
    with presence.watching("ada"):
        assert still(presence) == 0


def test_a_stream_that_connects_again_moves_nobody(presence: Presence, clock: VirtualClock) -> None:
    with presence.watching("ada"):
        clock.sleep(200)
    clock.sleep(1)
    with presence.watching("ada"):
        assert still(presence) == 201


def test_whoever_was_seen_long_ago_is_forgotten_and_leaves_nothing(presence: Presence, clock: VirtualClock) -> None:
    presence.moved("ada")
    clock.sleep(FORGOTTEN_SECONDS + 1)
    assert presence.of("ada") is None
    presence.moved("grace")
    assert list(presence._seen) == ["grace"]


def test_a_stream_that_outlives_its_learner_ends_quietly(presence: Presence) -> None:
    with presence.watching("ada"):
        presence.forget("ada")
        assert presence.of("ada") is None
    assert presence.of("ada") is None
