from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.errors import ScenarioError
from lab.scenarios.conformance.comparison import Difference
from lab.scenarios.conformance.known import KnownDifference, read_known
from lab.scenarios.conformance.recordings import name_order, read_recordings
from lab.scenarios.conformance.verdict import Verdict
from tests.conformance.recordings import GOLDEN, SCENARIOS

ONE = """\
caveats = ["It was one node."]

[[difference]]
scenarios = ["B7"]
parts = ["exits"]
needs = "a moon"
what = "No exit."
why = "No moon."
"""


def known_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "known.toml"
    path.write_text(text)
    return path


def recorded(tmp_path: Path, name: str = "B7", **trace: Any) -> Path:
    """Make a directory of one recorded scenario; return the directory of many."""
    directory = tmp_path / name
    directory.mkdir()
    (directory / "manifest.yaml").write_text("kind: Pod\n")
    (directory / "scenario.json").write_text(json.dumps({"id": name, "title": "T", "actions": [{"do": "apply"}]}))
    (directory / "trace.json").write_text(json.dumps({"namespace": "n", **trace}))
    return tmp_path


def test_what_is_known_is_read(tmp_path: Path) -> None:
    known = read_known(known_file(tmp_path, ONE))
    difference = KnownDifference(scenarios=("B7",), parts=("exits",), needs="a moon", what="No exit.", why="No moon.")
    assert known.of("B7") == (difference,)
    assert known.of("B8") == ()
    assert known.caveats == ("It was one node.",)


def test_nothing_is_known_where_there_is_no_file(tmp_path: Path) -> None:
    assert read_known(tmp_path / "known.toml").differences == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[difference", "Expected"),
        ('cavets = ["x"]', "not cavets"),
        ("[difference]\n", "double brackets"),
        ("[[difference]]\nscenarios = []", "parts must be a list of texts"),
        (ONE.replace('["exits"]', '["exit"]'), "there is no part exit; the parts are events, "),
        (ONE.replace('why = "No moon."', ""), "difference 1: why must be a text"),
        (ONE.replace('why = "No moon."', 'why = " "'), "difference 1: why must be a text"),
        (ONE.replace('["B7"]', "[]"), "scenarios must be a list of texts that is not empty"),
        (ONE + 'because = "x"', "a difference has no because"),
        (ONE + 'sometimes = "x"', "sometimes must be true or false"),
        ("caveats = [1]", "caveats must be a list of texts"),
    ],
)
def test_a_mistake_in_it_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = known_file(tmp_path, text)
    with pytest.raises(ScenarioError) as error:
        read_known(path)
    assert str(error.value).startswith(f"cannot read {path}")
    assert words in str(error.value)


# --- directories --------------------------------------------------------------------------------------------------


def test_every_recorded_scenario_of_the_checkout_is_found_in_the_order_of_their_numbers() -> None:
    recordings = read_recordings([GOLDEN])
    names = [scenario.id for scenario in recordings.scenarios]
    assert sorted(names) == SCENARIOS
    assert names[5:9] == ["B1", "B2", "B3", "B4"]
    assert names.index("B9") < names.index("B10")


def test_names_are_ordered_by_their_numbers() -> None:
    assert sorted(["C10", "C9b2", "C9b", "LA1", "C2", "C9", "odd one"], key=name_order) == [
        "C2",
        "C9",
        "C9b",
        "C9b2",
        "C10",
        "LA1",
        "odd one",
    ]


def test_one_scenario_is_read_with_what_is_known_beside_it() -> None:
    recordings = read_recordings([GOLDEN / "D5", GOLDEN / "C7b"])
    assert [(s.id, s.noisy) for s in recordings.scenarios] == [("C7b", frozenset({"gone"})), ("D5", frozenset())]
    assert recordings.known.of("D5")
    assert recordings.known.caveats
    assert recordings.scenarios[1].seconds == pytest.approx(166, abs=1)


def test_a_directory_that_is_named_twice_is_played_once() -> None:
    assert len(read_recordings([GOLDEN / "D5", GOLDEN / "D5"]).scenarios) == 1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda place: (place / "trace.json").unlink(), "it has no trace.json of a real node; play it with `lab run "),
        (lambda place: (place / "scenario.json").unlink(), "cannot find a recorded scenario in "),
        (lambda place: (place / "manifest.yaml").unlink(), "manifest.yaml: No such file"),
        (lambda place: (place / "trace.json").write_text("[]"), "it must hold a JSON object; record it again"),
        (lambda place: (place / "trace.json").write_text("{"), "line 1: "),
        (lambda place: (place / "trace.json").write_text('{"events": [{}]}'), "not of the agreed form: KeyError: 'object'"),
        (lambda place: (place.parent / "noisy.txt").write_text("B7 exit\n"), "B7 names exit; the parts are events, "),
    ],
)
def test_what_cannot_be_compared_is_refused_with_what_to_do(tmp_path: Path, spoil: Any, words: str) -> None:
    root = recorded(tmp_path)
    assert len(read_recordings([root]).scenarios) == 1
    spoil(root / "B7")
    with pytest.raises(ScenarioError, match=r"^cannot ") as error:
        read_recordings([root])
    assert words in str(error.value)


def test_two_scenarios_of_one_name_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(ScenarioError, match="cannot compare two scenarios named B7: "):
        read_recordings([recorded(tmp_path), recorded(other)])


# --- verdicts -----------------------------------------------------------------------------------------------------

EXITS = Difference(part="exits", key="b7/app", recorded=(137,), lab=(0,))
LOGS = Difference(part="logs", key="b7/app", recorded=("a",), lab=())


def listed(*parts: str, sometimes: bool = False) -> KnownDifference:
    return KnownDifference(scenarios=("B7",), parts=parts, what="w", why="y", sometimes=sometimes)


@pytest.mark.parametrize(
    ("differences", "known", "word", "no_longer"),
    [
        ((), (), "agrees", ()),
        ((EXITS,), (), "differs", ()),
        ((EXITS,), (listed("exits"),), "known", ()),
        ((EXITS, LOGS), (listed("exits"),), "differs", ()),
        ((EXITS, LOGS), (listed("exits"), listed("logs")), "known", ()),
        ((EXITS,), (listed("exits", "logs"),), "known", ("logs",)),
        ((), (listed("exits"),), "agrees", ("exits",)),
        ((), (listed("exits", sometimes=True),), "agrees", ()),
    ],
)
def test_a_difference_is_known_only_where_its_part_is_listed_and_one_that_is_gone_is_reported(
    differences: tuple[Difference, ...], known: tuple[KnownDifference, ...], word: str, no_longer: tuple[str, ...]
) -> None:
    verdict = Verdict(scenario="B7", differences=differences, known=known)
    assert (verdict.word, verdict.no_longer) == (word, no_longer)
    assert verdict.is_well == (word in ("agrees", "known"))


def test_a_scenario_that_was_not_played_to_its_end_is_not_well_whatever_is_known() -> None:
    verdict = Verdict(scenario="B7", failure="cannot", known=(listed("exits"),))
    assert (verdict.word, verdict.is_well, verdict.no_longer) == ("failed", False, ())


# --- the list of the checkout -------------------------------------------------------------------------------------


def test_every_scenario_that_is_listed_was_recorded() -> None:
    named = {name for difference in read_known(GOLDEN / "known.toml").differences for name in difference.scenarios}
    assert named <= set(SCENARIOS)


def test_no_part_is_listed_that_is_not_compared_anyway() -> None:
    recordings = read_recordings([GOLDEN])
    idle = {
        (scenario.id, part)
        for scenario in recordings.scenarios
        for difference in recordings.known.of(scenario.id)
        for part in difference.parts
        if part in scenario.noisy
    }
    assert idle == set()
