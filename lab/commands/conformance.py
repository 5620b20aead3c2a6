"""``lab conformance``: plays recorded scenarios on the engine at hand and says what agrees with the real node and what differs.

Each is played by a ``lab run`` of its own; the verdicts go to stdout, with ``--json`` as one object at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import LabError, ScenarioError

if TYPE_CHECKING:
    from lab.scenarios.conformance.child_runs import ChildRuns, Played
    from lab.scenarios.conformance.document import Circumstances
    from lab.scenarios.conformance.recordings import RecordedScenario, Recordings
    from lab.scenarios.conformance.verdict import Verdict

DIFFERS = 1
MAX_JOBS = 8
JOBS_PER_CORE = 3  # most of playing is waiting; with more, moments come late
TEMPORARY_PREFIX = "pod-hook-lab-conformance-"
NARROWEST = 100  # columns in which two sides can be read; more where the terminal is wider

_EPILOG = """\
DIR is a scenario directory (scenario.json, its manifests, and the trace.json that was recorded on a real node), or a directory
of many; by default tests/conformance/golden of the checkout. Beside many may lie noisy.txt, which names parts that differ between
two recordings, and known.toml, which lists the differences that stay. A scenario that differs otherwise is played once more,
alone, and the second time counts.

examples:
  lab conformance
  lab conformance tests/conformance/golden/B5 --output var/conformance
  lab conformance --json --jobs 4 > conformance.json

exit codes:
  0    every scenario agrees, or differs only in parts that are listed as known
  1    a scenario differs elsewhere, or could not be played
  2    a directory or an option cannot be used
  3    no Docker Engine answers
  130  interrupted, 143 terminated
"""


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "conformance",
        help="play scenarios recorded on a real node and say what agrees and what differs",
        description="Play scenarios recorded on a real Kubernetes node, and compare what the lab does with what the node did.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directories", metavar="DIR", nargs="*", type=Path, help="a recorded scenario, or a directory of many")
    parser.add_argument("--jobs", metavar="N", type=_jobs, default=default_jobs(), help="how many at a time (here: %(default)s)")
    parser.add_argument("--output", metavar="DIR", type=Path, help="keep the lab's traces there, as ID/trace.json")
    parser.add_argument("--json", action="store_true", help="print an object with all verdicts and differences at the end")
    parser.add_argument("--document", metavar="FILE", type=Path, help="write the verdicts with their reasons as Markdown")
    parser.set_defaults(func=_conformance)


def default_jobs() -> int:
    """Return how many scenarios this machine plays at a time."""
    return min(MAX_JOBS, JOBS_PER_CORE * len(os.sched_getaffinity(0)))


def _conformance(arguments: argparse.Namespace) -> int:
    from lab.clock import SystemClock
    from lab.commands.run import TERMINATED, Terminated, signals_end_the_run
    from lab.scenarios.conformance.child_runs import ChildRuns
    from lab.scenarios.conformance.recordings import read_recordings
    from lab.share import RECORDINGS

    if not arguments.directories and not RECORDINGS.is_dir():
        raise ScenarioError("cannot find recorded scenarios: only a checkout has them; name a directory")
    recordings = read_recordings(arguments.directories or [RECORDINGS])
    engine_version = _engine_version()
    clock = SystemClock()
    began = clock.monotonic()
    try:
        with signals_end_the_run(), _output(arguments.output) as output:
            told = sys.stderr if arguments.json else sys.stdout
            verdicts = _judge(recordings, ChildRuns(_lab_run, output, clock), jobs=arguments.jobs, told=told)
    except Terminated:
        return TERMINATED
    circumstances = _circumstances(engine_version, arguments.jobs, clock.monotonic() - began)
    if arguments.json:
        print(json.dumps(_summary(verdicts, circumstances), indent=1, ensure_ascii=False))
    else:
        _print_report(recordings.scenarios, verdicts)
    if arguments.document:
        _write_document(arguments.document, recordings, verdicts, circumstances)
    return 0 if all(verdict.is_well for verdict in verdicts) else DIFFERS


# --- playing ------------------------------------------------------------------------------------------------------


def _judge(recordings: Recordings, runs: ChildRuns, *, jobs: int, told: Any) -> tuple[Verdict, ...]:
    """Play all, then once more and alone what differs; tell each verdict as it comes. In the order of the recordings."""
    from lab.scenarios.conformance.report import verdict_line

    verdicts: dict[str, Verdict] = {}
    again: list[RecordedScenario] = []
    count = len(recordings.scenarios)
    print(f"{count} scenarios, {jobs} at a time: {_duration(recordings.scenarios, jobs)}", file=sys.stderr, flush=True)
    for number, played in enumerate(runs.play(recordings.scenarios, jobs=jobs), start=1):
        verdict = verdicts[played.scenario.id] = _verdict(recordings, played, times=1)
        print(verdict_line(verdict, number=number, of=count), file=told, flush=True)
        if not verdict.is_well:
            again.append(played.scenario)
    for number, played in enumerate(runs.play(again, jobs=1, turn=2), start=1):
        verdict = verdicts[played.scenario.id] = _verdict(recordings, played, times=2)
        print(verdict_line(verdict, number=number, of=len(again)), file=told, flush=True)
    return tuple(verdicts[scenario.id] for scenario in recordings.scenarios)


def _duration(scenarios: Sequence[RecordedScenario], jobs: int) -> str:
    """Say how long it takes at least: most of playing a scenario is to wait as long as the recording did."""
    seconds = [scenario.seconds for scenario in scenarios]
    return f"{max(*seconds, sum(seconds) / jobs) / 60:.0f} min or more" if sum(seconds) / jobs > 60 else "a minute or two"


def _verdict(recordings: Recordings, played: Played, *, times: int) -> Verdict:
    from lab.scenarios.conformance.comparison import compare
    from lab.scenarios.conformance.verdict import Verdict

    scenario = played.scenario
    return Verdict(
        scenario=scenario.id,
        differences=compare(scenario.trace, played.trace, noisy=scenario.noisy) if played.trace is not None else (),
        known=recordings.known.of(scenario.id),
        failure=played.failure,
        notes=tuple(str(note) for note in (played.trace or {}).get("notes", ())),
        played=times,
        seconds=played.seconds,
    )


def _lab_run(scenario: RecordedScenario, trace: Path, limit_seconds: float) -> Sequence[str]:
    program = (sys.executable, "-m", "lab.cli", "run", str(scenario.directory))
    return (*program, "--json", "--output", str(trace), "--timeout", f"{limit_seconds:.0f}")


@contextmanager
def _output(directory: Path | None) -> Iterator[Path]:
    """Give the directory for traces; without one, a temporary one."""
    if directory is not None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ScenarioError(f"cannot write traces to {directory}: {error.strerror}; choose another --output") from error
        yield directory
        return
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _engine_version() -> str:
    """Ask the engine, before anything is played. Raises EngineUnavailable."""
    from lab.config import read_settings
    from lab.runtime.engine import connection

    with connection(read_settings().docker_host) as client:
        return str(client.version()["Version"])


def _jobs(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= MAX_JOBS:
        return int(text)
    raise argparse.ArgumentTypeError(f"cannot play {text!r} at a time: give a number from 1 to {MAX_JOBS}")


# --- telling ------------------------------------------------------------------------------------------------------


def _print_report(scenarios: Sequence[RecordedScenario], verdicts: Sequence[Verdict]) -> None:
    from lab.scenarios.conformance.report import difference_lines, total_lines

    width = max(NARROWEST, shutil.get_terminal_size((NARROWEST, 24)).columns)
    for scenario, verdict in zip(scenarios, verdicts, strict=True):
        if verdict.word != "agrees":
            print()
            for line in difference_lines(verdict, scenario.title, width=width):
                print(line)
    print()
    for line in total_lines(verdicts):
        print(line)


def _summary(verdicts: Sequence[Verdict], circumstances: Circumstances) -> dict[str, Any]:
    words = [verdict.word for verdict in verdicts]
    return {
        "agree": words.count("agrees"),
        "known": words.count("known"),
        "differ": words.count("differs"),
        "failed": words.count("failed"),
        "of": len(verdicts),
        "jobs": circumstances.jobs,
        "tookSeconds": round(circumstances.took_seconds, 1),
        "scenarios": {verdict.scenario: verdict.to_json() for verdict in verdicts},
    }


def _circumstances(engine_version: str, jobs: int, took_seconds: float) -> Circumstances:
    import lab
    from lab.scenarios.conformance.document import Circumstances

    return Circumstances(
        lab_version=lab.__version__,
        engine_version=engine_version,
        cores=len(os.sched_getaffinity(0)),
        jobs=jobs,
        took_seconds=took_seconds,
    )


def _write_document(place: Path, recordings: Recordings, verdicts: Sequence[Verdict], circumstances: Circumstances) -> None:
    from lab.scenarios.conformance.document import document

    try:
        place.write_text(document(recordings, verdicts, circumstances), encoding="utf-8")
    except OSError as error:
        raise LabError(f"cannot write the document to {place}: {error.strerror}; choose another place") from error
