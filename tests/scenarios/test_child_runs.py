"""Children that stand for `lab run`: small programs that write a trace, say something, end badly, or hang."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.clock import SystemClock
from lab.errors import EngineUnavailable
from lab.scenarios.conformance.child_runs import ChildRuns
from lab.scenarios.conformance.recordings import RecordedScenario

WRITE = 'import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(\'{"namespace": "n"}\')'
# Says that it is there, then waits to be ended, and says that it cleared away.
HANG = """\
import pathlib, signal, sys
trace = pathlib.Path(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: (trace.with_name('cleared').touch(), sys.exit(143)))
trace.with_name('there').touch()
signal.pause()
"""


def scenario(name: str, seconds: float = 1.0) -> RecordedScenario:
    return RecordedScenario(id=name, title="", directory=Path(name), trace={}, noisy=frozenset(), seconds=seconds)


def runs(directory: Path, programs: dict[str, str]) -> ChildRuns:
    def command_line(scenario: RecordedScenario, trace: Path, limit_seconds: float) -> Sequence[str]:
        assert limit_seconds > scenario.seconds
        return (sys.executable, "-c", programs[scenario.id], str(trace))

    return ChildRuns(command_line, directory, SystemClock())


def test_every_scenario_is_played_the_longest_first(tmp_path: Path) -> None:
    children = runs(tmp_path, dict.fromkeys("ABC", WRITE))
    played = list(children.play([scenario("A", 1), scenario("B", 3), scenario("C", 2)], jobs=1))
    assert [p.scenario.id for p in played] == ["B", "C", "A"]
    assert [(p.trace, p.failure) for p in played] == [({"namespace": "n"}, "")] * 3
    assert [path.name for path in (tmp_path / "A").iterdir()] == ["trace.json"]


def test_as_many_are_played_at_a_time_as_is_asked_for(tmp_path: Path) -> None:
    meet = """\
import pathlib, sys
mine = pathlib.Path(sys.argv[1])
other = mine.parent.parent / {'A': 'B', 'B': 'A'}[mine.parent.name] / 'there'
mine.with_name('there').touch()
while not other.exists():
    pass
mine.write_text('{}')
"""
    played = list(runs(tmp_path, {"A": meet, "B": meet}).play([scenario("A"), scenario("B")], jobs=2))
    assert {p.scenario.id for p in played} == {"A", "B"}


@pytest.mark.parametrize(
    ("program", "failure"),
    [
        ("import sys; sys.exit('lab: cannot look after a pod any more')", "cannot look after a pod any more"),
        ("import sys; sys.exit(7)", "it ended with status 7"),
        ("", "it ended well and left no trace"),
        (WRITE.replace('{"namespace"', "{{"), "it ended well and left no trace"),
    ],
)
def test_a_child_that_fails_is_a_failure_with_its_last_words(tmp_path: Path, program: str, failure: str) -> None:
    (played,) = runs(tmp_path, {"A": program}).play([scenario("A")], jobs=1)
    assert played.failure == failure
    assert played.trace is None


def test_what_there_is_of_a_trace_is_kept_beside_a_failure(tmp_path: Path) -> None:
    (played,) = runs(tmp_path, {"A": f"{WRITE}; sys.exit('lab: cannot finish')"}).play([scenario("A")], jobs=1)
    assert (played.failure, played.trace) == ("cannot finish", {"namespace": "n"})
    assert (tmp_path / "A" / "stderr.txt").read_text().strip() == "lab: cannot finish"


def test_a_trace_of_an_earlier_time_is_not_taken_for_this_one(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    for name in ("trace.json", "trace.2.json"):
        (tmp_path / "A" / name).write_text(json.dumps({"namespace": "old"}))
    (played,) = runs(tmp_path, {"A": ""}).play([scenario("A")], jobs=1)
    assert played.trace is None
    assert list((tmp_path / "A").iterdir()) == []


def test_a_second_turn_leaves_the_trace_of_the_first(tmp_path: Path) -> None:
    children = runs(tmp_path, {"A": WRITE})
    for turn in (1, 2):
        (played,) = children.play([scenario("A")], jobs=1, turn=turn)
        assert played.trace == {"namespace": "n"}
    assert sorted(path.name for path in (tmp_path / "A").iterdir()) == ["trace.2.json", "trace.json"]


def test_a_lost_engine_ends_all_and_every_child_clears_away(tmp_path: Path) -> None:
    lost = f"""\
import pathlib, sys
while not pathlib.Path({str(tmp_path)!r}, 'A', 'there').exists():
    pass
print('lab: cannot reach a Docker Engine', file=sys.stderr)
sys.exit(3)
"""
    children = runs(tmp_path, {"A": HANG, "B": lost})
    with pytest.raises(EngineUnavailable, match=r"^cannot reach a Docker Engine$"):
        list(children.play([scenario("A"), scenario("B")], jobs=2))
    assert (tmp_path / "A" / "cleared").exists()


def test_whoever_stops_listening_leaves_no_child(tmp_path: Path) -> None:
    done = f"""\
import pathlib
while not pathlib.Path({str(tmp_path)!r}, 'A', 'there').exists():
    pass
{WRITE}
"""
    playing = runs(tmp_path, {"A": HANG, "B": done}).play([scenario("A"), scenario("B")], jobs=2)
    assert next(playing).scenario.id == "B"
    playing.close()  # type: ignore[attr-defined]
    assert (tmp_path / "A" / "cleared").exists()
