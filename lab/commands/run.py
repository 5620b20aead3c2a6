"""``lab run``: plays a manifest or a scenario directory on a cluster of its own, without the web.

The cluster, its containers, its network and its files are gone when the command returns, also on Ctrl-C and SIGTERM. Steps go to
stdout as text, or the trace as JSON; progress and errors go to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import EngineError, LabError, ScenarioError

if TYPE_CHECKING:
    from lab.clock import Clock
    from lab.cluster.cluster import Cluster
    from lab.laboratory import NodeSide
    from lab.scenarios.narration import Narrator
    from lab.scenarios.recording import Recorder, Recording
    from lab.scenarios.scenario import Scenario
    from lab.timeline.facts import HoldPoint

TERMINATED = 128 + signal.SIGTERM  # as shells say it
KEEP_ENTRIES = 1_000_000  # a headless run keeps its whole timeline in memory, to write the trace at the end
SIGNALS = (signal.SIGINT, signal.SIGTERM)

_EPILOG = """\
FILE is a manifest; it is applied, waited for until ready, looked at for 2 s, deleted, and waited for until gone.
SCENARIO_DIR holds scenario.json and the manifests that it names.

examples:
  lab run pod.yaml
  lab run pod.yaml --actions actions.yaml --json
  lab run scenarios/A1 --output out/A1/trace.json
  lab run pod.yaml --hold before-pre-stop,before-stop-signal

exit codes:
  0    it ran, whatever the pods did
  1    the lab could not play it to the end
  2    the command line, a file or an action cannot be used
  3    no Docker Engine answers
  130  interrupted, 143 terminated
"""


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "run",
        help="play a manifest or a scenario directory without the web and say what happened",
        description="Play a manifest or a scenario on a fresh cluster, say what happened step by step, and leave nothing behind.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", metavar="FILE|SCENARIO_DIR", type=Path)
    parser.add_argument("--actions", metavar="FILE", type=Path, help="a YAML or JSON list of actions to play instead")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the trace there, making the directories above it")
    parser.add_argument("--json", action="store_true", help="print the trace instead of the steps")
    parser.add_argument(
        "--feature-gates", metavar="K=V,…", default={}, type=_feature_gates, help="such as ContainerStopSignals=true"
    )
    parser.add_argument(
        "--hold",
        metavar="POINT,…|all",
        default=(),
        type=_hold_points,
        help="hold the kubelet there until a line comes on stdin: before-start, after-start, before-post-start-result, "
        "before-pre-stop, before-stop-signal, before-sigkill",
    )
    parser.add_argument("--timeout", metavar="SECONDS", type=_seconds, help="give up after this time (default: never)")
    parser.set_defaults(func=_run)


def _run(arguments: argparse.Namespace) -> int:
    from lab.scenarios.scenario import read_scenario

    scenario = read_scenario(arguments.path, actions_file=arguments.actions)
    scenario = replace(scenario, feature_gates={**scenario.feature_gates, **arguments.feature_gates})
    if arguments.output:
        _prepare(arguments.output)
    try:
        with signals_end_the_run():
            recording = _record(scenario, tell=not arguments.json, timeout_seconds=arguments.timeout, hold_points=arguments.hold)
    except Terminated:
        return TERMINATED
    text = json.dumps(recording.trace, indent=1) + "\n"
    if arguments.output:
        _write_atomically(arguments.output, text)
    if arguments.json:
        sys.stdout.write(text)
    else:
        for note in recording.trace["notes"]:
            print(f"note: {note}")
    if recording.failure is not None:
        raise recording.failure
    return 0


def _record(scenario: Scenario, *, tell: bool, timeout_seconds: float | None, hold_points: tuple[HoldPoint, ...]) -> Recording:
    """Play on a cluster made for it, and clear that away."""
    from lab.clock import SystemClock
    from lab.config import read_settings
    from lab.laboratory import open_passing_node_side
    from lab.scenarios.hold_prompt import HoldPrompt
    from lab.scenarios.recording import Recorder

    clock, run_id = SystemClock(), secrets.token_hex(6)
    with ExitStack() as cleanup:
        side, _ = open_passing_node_side(read_settings(), clock, cleanup)
        recorders: list[Recorder] = []
        cluster = _open_cluster(side, scenario, clock, recorders)
        cleanup.callback(_clear, side, cluster)
        narrator = _narrator(cluster, clock) if tell else None
        if narrator is not None:
            narrator.start()
            cleanup.callback(narrator.close)
        if hold_points:
            holds = HoldPrompt(cluster, clock, run_id, source=sys.stdin, prompt=sys.stderr if sys.stdin.isatty() else None)
            holds.start(hold_points)
            cleanup.callback(holds.close)
        cleanup.callback(_ignore_signals)  # from here on what was made is cleared away, undisturbed
        recorder = Recorder(scenario, cluster, clock, run_id=run_id, on_action=narrator.begin if narrator else None)
        recorders.append(recorder)
        return recorder.record(timeout_seconds)


def _open_cluster(side: NodeSide, scenario: Scenario, clock: Clock, recorders: list[Recorder]) -> Cluster:
    from lab.cluster.cluster import Cluster, ClusterOptions
    from lab.timeline.timeline import MemoryJournal, Timeline

    def engine_lost(message: str) -> None:
        for recorder in recorders:
            recorder.interrupt(message)

    gates = frozenset(name for name, on in scenario.feature_gates.items() if on)
    timeline = Timeline(f"run-{secrets.token_hex(4)}", clock, MemoryJournal(), keep=KEEP_ENTRIES)
    side.runtime.prepare_cluster(timeline.cluster)
    options = ClusterOptions(feature_gates=gates, witness_problem=side.witness_problem)
    return Cluster(timeline, clock, side.runtime, side.files, options=options, engine_lost=engine_lost)


def _clear(side: NodeSide, cluster: Cluster) -> None:
    try:
        cluster.close()
        side.runtime.remove_cluster(cluster.id)
    except EngineError as error:
        print(f"lab: cannot clear away cluster {cluster.id}: {error}; run `lab sweep` when the engine is back", file=sys.stderr)
    side.files.remove_cluster(cluster.id)


def _narrator(cluster: Cluster, clock: Clock) -> Narrator:
    from lab.scenarios.narration import Narrator

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Narrator(cluster.timeline, clock, sys.stdout, colour=colour, progress=sys.stderr if sys.stderr.isatty() else None)


# --- signals ------------------------------------------------------------------------------------------------------


class Terminated(BaseException):
    """SIGTERM came; unwinds the run as KeyboardInterrupt does."""


@contextmanager
def signals_end_the_run() -> Iterator[None]:
    """Make SIGTERM unwind the run, as SIGINT does; put the handlers back afterwards."""

    def terminate(_number: int, _frame: object) -> None:
        raise Terminated

    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


# --- arguments and files ------------------------------------------------------------------------------------------


def _feature_gates(text: str) -> dict[str, bool]:
    gates = {}
    for pair in filter(None, text.split(",")):
        name, equals, value = pair.partition("=")
        if not name or not equals or value.lower() not in ("true", "false"):
            raise argparse.ArgumentTypeError(f"cannot use feature gate {pair!r}: write NAME=true or NAME=false")
        gates[name] = value.lower() == "true"
    return gates


def _hold_points(text: str) -> tuple[HoldPoint, ...]:
    from lab.scenarios.hold_prompt import hold_points

    try:
        return hold_points(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"cannot use {text!r}: {error}") from error


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 < (seconds := float(text)) < float("inf"):
            return seconds
    raise argparse.ArgumentTypeError(f"cannot use {text!r} as a time: give a number of seconds above 0")


def _prepare(output: Path) -> None:
    """Make the directories above the output file, before anything runs."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.is_dir():
            raise ScenarioError(f"cannot write the trace to {output}: it is a directory; name a file in it")
        if not os.access(output.parent, os.W_OK):
            raise ScenarioError(f"cannot write the trace to {output}: its directory is not writable; choose another")
    except OSError as error:
        raise ScenarioError(f"cannot write the trace to {output}: {error.strerror}; choose another place") from error


def _write_atomically(output: Path, text: str) -> None:
    """Write the file at once or not at all: a reader never sees half a trace."""
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(output)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise LabError(f"cannot write the trace to {output}: {error.strerror}; free space or choose another place") from error
