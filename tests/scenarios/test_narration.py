from __future__ import annotations

import io
from pathlib import Path

from lab.clock import VirtualClock
from lab.scenarios.narration import Narrator, action_words, line_of, printable
from lab.scenarios.scenario import default_actions, read_scenario
from lab.timeline.facts import LogChunk, RunClosed
from lab.timeline.timeline import MemoryJournal, Timeline

GOLDEN = Path(__file__).parents[1] / "conformance" / "golden"


class GoneReader(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def chunk(text: str) -> LogChunk:
    return LogChunk(attempt=0, offset=0, lines=(("2026-01-01T00:00:00Z", "stdout", text),))


def told(out: io.StringIO, *, progress: io.StringIO | None = None) -> None:
    """Tell two steps with two and a half seconds between them."""
    clock = VirtualClock()
    timeline = Timeline("c", clock, MemoryJournal())
    narrator = Narrator(timeline, clock, out, colour=False, progress=progress)
    narrator.start()
    narrator.begin(default_actions("pod.yaml")[1])
    timeline.append(chunk("first"), container="app")
    clock.sleep(2.5)
    timeline.append(RunClosed(run_id="r", why="done"))
    narrator.close()


def test_each_step_is_a_line_with_its_time_and_actor() -> None:
    out = io.StringIO()
    told(out)
    assert out.getvalue().splitlines() == [
        "    0.000 s  process     app wrote: first",
        "    2.500 s  lab         run r closed: done",
    ]


def test_while_nothing_happens_the_progress_line_tells_what_is_waited_for_and_is_wiped_at_the_end() -> None:
    progress = io.StringIO()
    told(io.StringIO(), progress=progress)
    assert "… waiting for ready, 1 s" in progress.getvalue()
    assert "… waiting for ready, 2 s" in progress.getvalue()
    assert progress.getvalue().endswith("\r\x1b[K")


def test_a_reader_who_goes_away_does_not_end_the_narrator() -> None:
    told(GoneReader())


def test_what_a_container_prints_cannot_move_the_cursor() -> None:
    assert printable("a\x1b[2Jb\rc\u202ed") == "a�[2Jb�c�d"
    clock = VirtualClock()
    entry = Timeline("c", clock, MemoryJournal()).append(chunk("\x1b[31mred"), container="app")
    assert "\x1b" not in line_of(entry, colour=False)
    assert line_of(entry, colour=True).count("\x1b[31m") == 0


def test_every_recorded_action_has_words() -> None:
    words = {action_words(action) for path in GOLDEN.glob("*/scenario.json") for action in read_scenario(path.parent).actions}
    assert "kubectl apply -f manifest.yaml" in words
    assert "kubectl delete pod --grace-period=0 --force" in words
    assert "making /tmp/hook-a3 on the node" in words
    assert all(words)
