"""The document of a conformance run: every scenario with its verdict, the known differences with their reasons, the recordings'
caveats. Markdown. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.scenarios.conformance.known import Known, KnownDifference
from lab.scenarios.conformance.recordings import RecordedScenario, Recordings
from lab.scenarios.conformance.verdict import Verdict

PARTS_IN_WORDS: Mapping[str, str] = {
    "events": "per pod and container, the distinct events in the order of their first appearance: type, reason, message",
    "status": "the STATUS column of `kubectl get pods -w` as it changed; Pending and ContainerStatusUnknown, which a watcher may "
    "miss, are left out",
    "states": "per container, the published states as they changed: reason, exit code, readiness, restarts",
    "exits": "per container, its exit codes",
    "phase": "per pod, its last phase and reason",
    "messages": "the messages of PostStartHookError and CrashLoopBackOff in the status",
    "files": "the files that the scenario reads; clock readings are folded",
    "logs": "per container, the lines of all attempts; numbers and repeats are folded, nginx's own notices left out",
    "cli": "what apply, create and delete answered, with the exit status",
    "stop": "from each Killing event to the exit: within 0.5 s or 7 %",
    "event-times": "Started and FailedPostStartHook after the pod's first Started, FailedPreStopHook after the container's first "
    "Killing: within 1 s or 15 %",
    "restarts": "between the starts of a container: within 4 s or 30 %",
    "gone": "from the last exit until the object is gone: at most 2 s longer; sooner agrees",
}

_HEAD = """\
# Conformance

The lab against recordings of a real Kubernetes v1.36.2 node: every scenario, what came of it, and why what differs must stay.
Written by the command that ran them. Do not edit it; run it again:

```sh
make conformance                                    # all of them, as each change is judged
lab conformance --document docs/conformance.md      # the same, and this document
lab conformance tests/conformance/golden/B5         # one, with both sides side by side where they differ
```
"""

_COMPARED = """\
## What is compared

| part | what |
|---|---|
{parts}

Normalised are the namespace, uids, generated name suffixes, addresses, container ids, and the container runtime's own words after
"rpc error", "OCI runtime", "failed to create containerd task", "failed to pull" or "failed to resolve". Nothing else. Pods that a
controller names are compared in no order, and without times. The rules in code: `lab/scenarios/conformance/parts.py` and
`lab/scenarios/conformance/times.py`, held by a test to the yardstick of the recordings, `tests/conformance/compare.py`.
"""

_RUN = """\
## This run

| | scenarios |
|---|---|
| agree | {agrees} |
| differ as is known | {known} |
| differ otherwise | {otherwise} |
| all | {all} |

Lab {circumstances.lab_version}, Docker Engine {circumstances.engine_version}, {circumstances.cores} cores, \
{circumstances.jobs} scenarios at a time: {minutes} min {seconds} s. A scenario that
differs is played once more after the others, alone, and that time counts: on a busy machine a moment may come late. In this
run: {again}.
"""

_KNOWN = """\
## Known differences

A part that is named here may differ; any other part of the same scenario fails. One that agrees again is reported, so that its
entry in `tests/conformance/golden/known.toml` can go.
"""

_SCENARIOS = """\
## Scenarios

The last column names parts that are not compared: two recordings of the scenario on the real node differ in them.

| scenario | title | verdict | not compared |
|---|---|---|---|
{rows}
"""

_CAVEATS = """\
## What the recordings can tell

Behaviour is compared with recordings of one node. They have limits of their own:

{caveats}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a run was made on. ``jobs`` is how many scenarios at a time; ``took_seconds`` is all of it."""

    lab_version: str
    engine_version: str
    cores: int
    jobs: int
    took_seconds: float


def document(recordings: Recordings, verdicts: Sequence[Verdict], circumstances: Circumstances) -> str:
    """Return the whole document."""
    by_id = {verdict.scenario: verdict for verdict in verdicts}
    parts = (
        _HEAD,
        _totals(verdicts, circumstances),
        _compared(),
        known_section(recordings.known, recordings.scenarios),
        _scenarios((scenario, by_id[scenario.id]) for scenario in recordings.scenarios),
        caveats_section(recordings.known),
    )
    return "\n".join(parts)


def known_section(known: Known, scenarios: Sequence[RecordedScenario]) -> str:
    """Return the known differences of these scenarios, each with its reasons."""
    played = {scenario.id for scenario in scenarios}
    blocks = [_KNOWN]
    for difference in known.differences:
        if names := [name for name in difference.scenarios if name in played]:
            blocks.append(_known(difference, names))
    return "\n".join(blocks)


def caveats_section(known: Known) -> str:
    """Return what the recordings themselves cannot tell."""
    return _CAVEATS.format(caveats="\n".join(f"- {caveat}" for caveat in known.caveats))


def scenario_row(scenario: RecordedScenario, verdict: str) -> str:
    """Return a scenario's row of the table of scenarios."""
    title = scenario.title.replace("|", "\\|")
    return f"| {scenario.id} | {title} | {verdict} | {', '.join(sorted(scenario.noisy))} |"


def _totals(verdicts: Sequence[Verdict], circumstances: Circumstances) -> str:
    count = Counter(verdict.word for verdict in verdicts)
    minutes, seconds = divmod(round(circumstances.took_seconds), 60)
    return _RUN.format(
        agrees=count["agrees"],
        known=count["known"],
        otherwise=count["differs"] + count["failed"],
        all=len(verdicts),
        circumstances=circumstances,
        minutes=minutes,
        seconds=seconds,
        again=", ".join(verdict.scenario for verdict in verdicts if verdict.played > 1) or "none",
    )


def _compared() -> str:
    return _COMPARED.format(parts="\n".join(f"| `{part}` | {words} |" for part, words in PARTS_IN_WORDS.items()))


def _known(difference: KnownDifference, names: Sequence[str]) -> str:
    lines = [f"### {', '.join(names)}: {', '.join(difference.parts)}", ""]
    if difference.needs:
        lines += [f"Depends on what the lab does not have: {difference.needs}.", ""]
    lines += [difference.what + (" Not each time." if difference.sometimes else ""), "", f"*Why it stays:* {difference.why}", ""]
    return "\n".join(lines)


def _scenarios(rows: Iterable[tuple[RecordedScenario, Verdict]]) -> str:
    return _SCENARIOS.format(rows="\n".join(scenario_row(scenario, _verdict(verdict)) for scenario, verdict in rows))


def _verdict(verdict: Verdict) -> str:
    match verdict.word:
        case "agrees":
            return "agrees"
        case "known":
            return f"[known](#known-differences): {', '.join(verdict.parts)}"
        case "differs":
            return f"**differs**: {', '.join(verdict.unforeseen)}"
        case "failed":
            return f"**failed**: {verdict.failure}"
