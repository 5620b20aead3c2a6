"""What is known of recorded scenarios beforehand: the differences that stay, with their reasons, and the recordings' own caveats.

Written in TOML beside the scenarios:

    caveats = ["…"]

    [[difference]]
    scenarios = ["E5", "E6"]
    parts = ["events", "status"]   # and no others: one that is not named fails
    needs = "Deployments"          # what the lab does not have; left out where that is not the reason
    what = "No pod is made."
    why = "…"                      # it must stay
    sometimes = true               # it need not be there each time, as in a race
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lab.errors import ScenarioError
from lab.scenarios.conformance.comparison import COMPARED
from lab.scenarios.scenario import read_text

_KEYS = ("caveats", "difference")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDifference:
    """In these parts these scenarios differ. ``needs`` names what the lab does not have, if that is the reason; with
    ``sometimes`` an agreement is no news."""

    scenarios: tuple[str, ...]
    parts: tuple[str, ...]
    what: str
    why: str
    needs: str = ""
    sometimes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is known. ``caveats`` are Markdown sentences."""

    differences: tuple[KnownDifference, ...] = ()
    caveats: tuple[str, ...] = ()

    def of(self, scenario: str) -> tuple[KnownDifference, ...]:
        """Return what is known of one scenario."""
        return tuple(difference for difference in self.differences if scenario in difference.scenarios)

    def joined(self, other: Known) -> Known:
        """Return what both know."""
        return Known(
            differences=tuple(dict.fromkeys((*self.differences, *other.differences))),
            caveats=tuple(dict.fromkeys((*self.caveats, *other.caveats))),
        )


def read_known(place: Path) -> Known:
    """Read the file; nothing is known where there is none. Raises ScenarioError."""
    if not place.exists():
        return Known()
    try:
        content = tomllib.loads(read_text(place))
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"cannot read {place}: {error}") from error
    if unknown := sorted(content.keys() - set(_KEYS)):
        raise ScenarioError(f"cannot read {place}: it may hold caveats and [[difference]], not {', '.join(unknown)}")
    differences = content.get("difference", [])
    if not isinstance(differences, list):
        raise ScenarioError(f"cannot read {place}: write [[difference]], in double brackets")
    return Known(
        differences=tuple(_difference(item, f"{place}: difference {n}") for n, item in enumerate(differences, start=1)),
        caveats=_texts(content, "caveats", str(place)) if "caveats" in content else (),
    )


def _difference(item: Mapping[str, Any], where: str) -> KnownDifference:
    if unknown := sorted(item.keys() - {field.name for field in fields(KnownDifference)}):
        raise ScenarioError(f"cannot read {where}: a difference has no {', '.join(unknown)}")
    parts = _texts(item, "parts", where)
    if strange := sorted(set(parts) - set(COMPARED)):
        raise ScenarioError(f"cannot read {where}: there is no part {', '.join(strange)}; the parts are {', '.join(COMPARED)}")
    sometimes = item.get("sometimes", False)
    if not isinstance(sometimes, bool):
        raise ScenarioError(f"cannot read {where}: sometimes must be true or false")
    return KnownDifference(
        scenarios=_texts(item, "scenarios", where),
        parts=parts,
        what=_text(item, "what", where),
        why=_text(item, "why", where),
        needs=_text(item, "needs", where) if "needs" in item else "",
        sometimes=sometimes,
    )


def _text(item: Mapping[str, Any], key: str, where: str) -> str:
    value = item.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ScenarioError(f"cannot read {where}: {key} must be a text that says it")
    return value.strip()


def _texts(item: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    values = item.get(key)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise ScenarioError(f"cannot read {where}: {key} must be a list of texts that is not empty")
    return tuple(values)
