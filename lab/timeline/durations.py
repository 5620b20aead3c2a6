"""Ages as kubectl prints them: ``5s``, ``2m30s``, ``4h``, ``3d``.

Pure; the time now is always given. It may not round differently from kubectl: learners compare both.
Source: staging/src/k8s.io/apimachinery/pkg/util/duration/duration.go, HumanDuration (v1.36).
"""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE_SECONDS = 60
_HOUR_SECONDS = 60 * _MINUTE_SECONDS
_DAY_HOURS = 24
_YEAR_HOURS = 365 * _DAY_HOURS


def human_duration(seconds: float) -> str:
    """Return a duration with at most two units. Up to two seconds below zero count as clock skew; less is ``<invalid>``."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    minutes = whole // _MINUTE_SECONDS
    hours = whole // _HOUR_SECONDS
    if minutes < 2:
        return f"{whole}s"
    if minutes < 10:
        return _two_units(minutes, "m", whole % _MINUTE_SECONDS, "s")
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return _two_units(hours, "h", minutes % 60, "m")
    if hours < 2 * _DAY_HOURS:
        return f"{hours}h"
    if hours < 8 * _DAY_HOURS:
        return _two_units(hours // _DAY_HOURS, "d", hours % _DAY_HOURS, "h")
    if hours < 2 * _YEAR_HOURS:
        return f"{hours // _DAY_HOURS}d"
    if hours < 8 * _YEAR_HOURS:
        return _two_units(hours // _YEAR_HOURS, "y", hours // _DAY_HOURS % 365, "d")
    return f"{hours // _YEAR_HOURS}y"


def age(timestamp: str | None, now: datetime) -> str:
    """Return how long ago an API timestamp was, ``<unknown>`` when there is none."""
    return "<unknown>" if not timestamp else human_duration((now - parse_timestamp(timestamp)).total_seconds())


def parse_timestamp(text: str) -> datetime:
    """Return an RFC 3339 timestamp as UTC, a fraction cut to microseconds. Raises ValueError when it is not one."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _two_units(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
