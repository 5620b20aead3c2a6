"""What stands in the lanes of a run's picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.insight.lifelines import LOG_MARK_SECONDS, Lifelines, status_tone
from lab.insight.marks import Arrow, BarClosed, BarOpened, Lane, Mark, Point
from lab.insight.phrase import Phrase
from lab.timeline.bundle import read_bundle
from lab.timeline.facts import LogChunk, ObserverUnavailable
from tests.insight.life import Life, text

RUNS = Path(__file__).with_name("runs")
NAMES = sorted(path.stem for path in RUNS.glob("*.json"))


def marks(name: str) -> list[Mark]:
    lifelines = Lifelines()
    return [mark for entry in read_bundle((RUNS / f"{name}.json").read_bytes()).entries for mark in lifelines.add(entry)]


def drawn(life: Life) -> list[Mark]:
    lifelines = Lifelines()
    return [mark for entry in life.entries for mark in lifelines.add(entry)]


def words(label: object) -> str:
    return label if isinstance(label, str) else text(label)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_a_lane_is_told_once_and_before_anything_stands_in_it(name: str) -> None:
    told: list[str] = []
    for mark in marks(name):
        match mark:
            case Lane(key=key):
                told.append(key)
            case BarOpened(lane=lane) | Point(lane=lane) | Arrow(lane=lane):
                assert lane in told
    assert len(told) == len(set(told))


@pytest.mark.parametrize("name", NAMES)
def test_every_bar_ends_once_after_it_began_and_none_is_open_at_the_end_of_the_run(name: str) -> None:
    opened: list[str] = []
    closed: list[str] = []
    for mark in marks(name):
        match mark:
            case BarOpened(id=bar):
                opened.append(bar)
            case BarClosed(id=bar):
                assert bar in opened
                closed.append(bar)
    assert sorted(opened) == sorted(closed)
    assert len(opened) == len(set(opened))


def test_the_status_lane_shows_what_kubectl_printed_in_order() -> None:
    shown = [mark.label for mark in marks("graceful") if isinstance(mark, BarOpened) and mark.lane == "status"]
    assert shown == ["Pending", "ContainerCreating", "Running", "Terminating", "Completed"]


def test_the_arrows_are_the_signals_to_pid_1_and_not_the_clearing_up_after_it() -> None:
    arrows = [mark for mark in marks("hook-hangs") if isinstance(mark, Arrow)]
    assert [(a.name, a.effect, a.sender) for a in arrows] == [("SIGTERM 15", "caught", "runc"), ("SIGKILL 9", "killed", "runc")]


def test_a_dropped_signal_is_drawn_as_dropped() -> None:
    arrows = [mark for mark in marks("sigterm-ignored") if isinstance(mark, Arrow)]
    assert (arrows[0].effect, words(arrows[0].label)) == ("dropped", "dropped")


def test_a_hook_that_outlives_its_time_goes_on_in_a_bar_of_its_own() -> None:
    labels = [words(m.label) for m in marks("hook-hangs") if isinstance(m, BarOpened) and m.lane.startswith("h/")]
    assert labels == ["preStop", "still running, nobody waits"]
    ends = [words(m.label) for m in marks("hook-hangs") if isinstance(m, BarClosed) and m.label is not None]
    assert ends == ["preStop · 4 s used up", "preStop · exit 137 · 6.1 s"]


def test_how_a_hook_ended_is_drawn_in_the_readers_language() -> None:
    (label,) = [m.label for m in marks("graceful") if isinstance(m, BarClosed) and isinstance(m.label, Phrase)]
    assert label.chinese.format(**label.values) == "preStop · 退出码 0 · 0.2 秒"


def test_without_a_witness_the_signal_sent_is_drawn_and_says_so() -> None:
    life = Life(grace=5)
    life.start()
    life.add(ObserverUnavailable(why="no tracefs"))
    life.kill(10.0, 5)
    life.stop_signal(10.0, 5)
    (arrow,) = [mark for mark in drawn(life) if isinstance(mark, Arrow)]
    assert (arrow.name, arrow.sender, words(arrow.label)) == ("SIGTERM 15", "", "sent; nobody saw it arrive")


def test_a_chatty_process_gets_a_mark_now_and_then() -> None:
    life = Life()
    life.start()
    for number in range(100):
        life.add(LogChunk(attempt=0, offset=number, lines=(("", "stdout", "x"),)), 2.0 + number / 100)
    logs = [mark for mark in drawn(life) if isinstance(mark, Point) and mark.kind == "log"]
    assert 1 / LOG_MARK_SECONDS - 1 <= len(logs) <= 1 / LOG_MARK_SECONDS + 1


def test_a_long_command_is_cut_and_stands_on_one_line() -> None:
    life = Life()
    life.start("sh", "-c", "while :\n do sleep 1\n" + "echo x; " * 100)
    (bar,) = [mark for mark in drawn(life) if isinstance(mark, BarOpened) and mark.lane.startswith("c/")]
    assert len(words(bar.label)) == 80
    assert "\n" not in words(bar.label)


@pytest.mark.parametrize(
    ("status", "tone"),
    [
        ("Pending", "creating"),
        ("Init:0/1", "creating"),
        ("Running", "running"),
        ("Terminating", "terminating"),
        ("Completed", "done"),
        ("Error", "error"),
        ("CrashLoopBackOff", "error"),
        ("Init:Error", "error"),
        ("Init:CrashLoopBackOff", "error"),
    ],
)
def test_the_tone_of_a_status(status: str, tone: str) -> None:
    assert status_tone(status) == tone
