"""docs/conformance.md is of the data beside the recordings: the same scenarios, known differences and caveats. Nothing is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.scenarios.conformance.comparison import COMPARED
from lab.scenarios.conformance.document import PARTS_IN_WORDS, caveats_section, known_section, scenario_row
from lab.scenarios.conformance.recordings import read_recordings
from tests.conformance.recordings import GOLDEN

DOCUMENT = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")
RECORDINGS = read_recordings([GOLDEN])
ROW = re.compile(r"^\| (\S+) \| .+ \| (agrees|\[known\]\(#known-differences\): ([\w, -]+)) \| [\w, -]* \|$", flags=re.MULTILINE)
VERDICTS = {match[1]: (match[2], match[3]) for match in ROW.finditer(DOCUMENT)}
AGAIN = "write it again with `lab conformance --document docs/conformance.md`"


def test_every_recorded_scenario_has_a_verdict_and_nothing_else_has() -> None:
    rows = [row for row in DOCUMENT.partition("## Scenarios")[2].splitlines() if re.match(r"\| (?!scenario )[^-]", row)]
    verdicts = [row.split(" | ")[-2] for row in rows]
    expected = [scenario_row(s, verdict) for s, verdict in zip(RECORDINGS.scenarios, verdicts, strict=True)]
    assert rows == expected, AGAIN
    assert list(VERDICTS) == [scenario.id for scenario in RECORDINGS.scenarios], "one neither agrees nor is known to differ"


@pytest.mark.parametrize("scenario", VERDICTS)
def test_a_scenario_differs_only_in_parts_that_are_listed(scenario: str) -> None:
    parts = {part for part in (VERDICTS[scenario][1] or "").split(", ") if part}
    listed = {part for known in RECORDINGS.known.of(scenario) for part in known.parts}
    assert parts <= listed, AGAIN


def test_every_known_difference_stands_there_with_its_reasons() -> None:
    assert known_section(RECORDINGS.known, RECORDINGS.scenarios) in DOCUMENT, AGAIN


def test_every_caveat_of_the_recordings_stands_there() -> None:
    assert RECORDINGS.known.caveats
    assert caveats_section(RECORDINGS.known) in DOCUMENT, AGAIN


def test_every_part_that_is_compared_is_described() -> None:
    assert tuple(PARTS_IN_WORDS) == COMPARED
    assert [part for part, words in PARTS_IN_WORDS.items() if f"| `{part}` | {words} |" not in DOCUMENT] == []
