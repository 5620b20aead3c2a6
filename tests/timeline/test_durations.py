from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.timeline.durations import age, human_duration, parse_timestamp

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-2.5, "<invalid>"),
        (-1.9, "0s"),
        (-0.5, "0s"),
        (0.9, "0s"),
        (119, "119s"),
        (120, "2m"),
        (3 * MINUTE + 5, "3m5s"),
        (10 * MINUTE + 59, "10m"),
        (3 * HOUR - 1, "179m"),
        (3 * HOUR, "3h"),
        (7 * HOUR + 59 * MINUTE, "7h59m"),
        (8 * HOUR + 30 * MINUTE, "8h"),
        (2 * DAY - 1, "47h"),
        (2 * DAY, "2d"),
        (7 * DAY + 23 * HOUR, "7d23h"),
        (8 * DAY + HOUR, "8d"),
        (2 * YEAR - 1, "729d"),
        (2 * YEAR, "2y"),
        (3 * YEAR + 4 * DAY, "3y4d"),
        (9 * YEAR + 4 * DAY, "9y"),
    ],
)
def test_a_duration_is_rounded_as_kubectl_rounds_it(seconds: float, words: str) -> None:
    assert human_duration(seconds) == words


def test_an_age_without_a_timestamp_is_unknown() -> None:
    assert age(None, datetime(2026, 1, 1, tzinfo=UTC)) == "<unknown>"


@pytest.mark.parametrize(
    "text", ["2026-01-01T00:00:00.123456789Z", "2026-01-01T01:00:00.1234567+01:00", "2026-01-01T00:00:00.123456Z"]
)
def test_a_timestamp_is_read_to_the_microsecond(text: str) -> None:
    assert parse_timestamp(text) == datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)


def test_a_timestamp_may_lie_west_of_greenwich() -> None:
    assert parse_timestamp("2026-01-01T00:00:00.5-02:00") == datetime(2026, 1, 1, 2, 0, 0, 500000, tzinfo=UTC)
