from __future__ import annotations

import pytest

from lab.scenarios.conformance.comparison import Difference
from lab.scenarios.conformance.known import KnownDifference
from lab.scenarios.conformance.report import difference_lines, side_by_side, total_lines, verdict_line
from lab.scenarios.conformance.verdict import Verdict

EXITS = Difference(part="exits", key="b7/app", recorded=(137, 0), lab=(137,))
KNOWN = KnownDifference(scenarios=("B7",), parts=("exits",), what="It is never seen.", why="It is gone.")


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict(scenario="B7", seconds=1.25), "agrees"),
        (Verdict(scenario="B7", played=2), "agrees the second time, alone"),
        (Verdict(scenario="B7", differences=(EXITS,)), "DIFFERS: exits"),
        (Verdict(scenario="B7", differences=(EXITS,), played=2), "DIFFERS the second time, alone: exits"),
        (Verdict(scenario="B7", differences=(EXITS,), known=(KNOWN,)), "differs as is known: exits"),
        (Verdict(scenario="B7", failure="cannot go on", played=2), "FAILED the second time, alone: cannot go on"),
    ],
)
def test_a_line_says_the_verdict(verdict: Verdict, words: str) -> None:
    line = verdict_line(verdict, number=7, of=149)
    assert line.startswith("  7/149  B7 ")
    assert line.endswith(f" s  {words}")


def test_both_sides_stand_side_by_side_with_a_mark_where_they_are_unlike() -> None:
    difference = Difference(part="events", key="b7", recorded=("one", "two", "three"), lab=("one", "2", "three", "four"))
    assert list(side_by_side(difference, width=33)) == [
        "  recorded         lab",
        "  one              one",
        "  two            ! 2",
        "  three            three",
        "                 ! four",
    ]


def test_a_side_that_has_nothing_says_so_and_times_have_their_unit() -> None:
    difference = Difference(part="stop", key="b7/app", recorded=(5.0, 4.02), lab=())
    assert list(side_by_side(difference, width=33))[1:] == ["  5.00 s         ! (nothing)", "  4.02 s         !"]


def test_no_line_is_longer_than_the_terminal() -> None:
    text = "Exec lifecycle hook failed - " + "x" * 300
    difference = Difference(part="messages", key="b7/app", recorded=(text, "same"), lab=(text[:-1], "same"))
    lines = list(side_by_side(difference, width=60))
    assert max(map(len, lines)) <= 60
    assert "".join(line[2:].partition(" ! ")[2] for line in lines if " ! " in line).replace(" ", "").endswith("xxx")


def test_a_long_stretch_of_rows_that_are_alike_is_cut() -> None:
    rows = tuple(f"row {n}" for n in range(20))
    lines = list(side_by_side(Difference(part="logs", key="", recorded=(*rows, "a"), lab=(*rows, "b")), width=60))
    assert [line.split("  ")[1] for line in lines[1:]] == [
        "row 0",
        "row 1",
        "row 2",
        "… 14 rows alike",
        "row 17",
        "row 18",
        "row 19",
        "a",
    ]


def test_what_a_container_printed_cannot_write_to_the_terminal() -> None:
    difference = Difference(part="logs", key="", recorded=("a\nb",), lab=("\x1b[31mred",))
    shown = "\n".join(side_by_side(difference, width=60))
    assert "\x1b" not in shown
    assert "a⏎b" in shown


def test_a_scenario_is_shown_with_its_notes_and_what_is_known_of_it() -> None:
    verdict = Verdict(scenario="B7", differences=(EXITS,), known=(KNOWN,), notes=("not supported by this lab: x",))
    lines = list(difference_lines(verdict, "a title", width=80))
    assert lines[0] == "B7  a title"
    assert "  note: not supported by this lab: x" in lines
    assert "  exits  b7/app  (known)" in lines
    assert lines[-1] == "  Known: It is never seen. It is gone."


def test_the_totals_name_every_scenario_that_is_not_simply_well() -> None:
    verdicts = [
        Verdict(scenario="A1"),
        Verdict(scenario="A2", played=2),
        Verdict(scenario="B7", differences=(EXITS,), known=(KNOWN,)),
        Verdict(scenario="B8", differences=(EXITS,), played=2),
        Verdict(scenario="B9", known=(KNOWN,)),
        Verdict(scenario="C1", failure="cannot"),
    ]
    assert list(total_lines(verdicts)) == [
        "Of 6 scenarios 3 agree, 1 differ as is known, 1 differ, 1 could not be played.",
        "  differ as is known: B7",
        "  differ: B8",
        "  could not be played: C1",
        "  played twice: A2, B8",
        "  listed as known and agree now, so that the list can be shortened: B9 (exits)",
    ]
