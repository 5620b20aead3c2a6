"""One plain English sentence per fact, with who did it: the text form of the list of steps.

Pure and exhaustive: a fact without a sentence does not type-check. The web says the same in two languages with its own
partials; this is for terminals and logs. It may not interpret: what the kernel or the API did not say is not said here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from lab.timeline.facts import (
    BackingOff,
    CommandAnswered,
    CommandExecuted,
    ContainerCreated,
    ContainerExited,
    ContainerFailed,
    ContainerRemoved,
    ContainerStarted,
    Entry,
    FileChanged,
    HoldPoint,
    HoldPointsChosen,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    ImageLookedUp,
    KillStarted,
    KubeletContinued,
    KubeletHeld,
    LogChunk,
    LogTruncated,
    ObjectWritten,
    ObserverUnavailable,
    ProbeChanged,
    ProcessesSeen,
    ProcessObserved,
    RunAborted,
    RunAdmitted,
    RunClosed,
    RunOpened,
    RunQueued,
    SandboxStarted,
    SandboxStopped,
    SignalReceived,
    SignalSent,
    SignalsTruncated,
    VolumeFailed,
    WorkerFailed,
)
from lab.timeline.tables import pod_status_column

Actor = Literal["you", "API server", "kubelet", "hook", "signal", "process", "file", "lab"]

_RESULTS = {
    "delivered": "its handler took it",
    "default": "no handler, the default action was taken",
    "ignored": "dropped by the kernel",
    "pending": "queued, not yet taken",
}
_SKIPPED = {
    "container-exited": "the container had ended",
    "grace-period-zero": "the grace period is 0",
    "never-started": "the container was never started",
}
_POINTS: dict[HoldPoint, str] = {
    "before-start": "before {name} is started",
    "after-start": "after the start of {name}",
    "before-post-start-result": "before postStart's result of {name} is published",
    "before-pre-stop": "before preStop of {name}",
    "before-stop-signal": "before the stop signal to {name}",
    "before-sigkill": "before SIGKILL to {name}",
}
_CONTINUED = {"learner": "Continue was pressed", "deletion": "the pod was deleted", "exit": "the container has ended"}
_CHANGES = {"added": "appeared", "modified": "changed", "deleted": "is gone"}
_STOP_SIGNAL_SOURCES = {
    "lifecycle": "the container's stopSignal",
    "image": "the image's STOPSIGNAL",
    "default": "the default stop signal",
    "kill": "it cannot be handled",
}
MAXIMUM_EXCERPT_CHARACTERS = 160  # one line of a wide terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Who did something, and what, in one line of plain text."""

    actor: Actor
    text: str


def sentence(entry: Entry) -> Sentence:
    """Return what happened in ``entry``, in one sentence."""
    fact, name = entry.fact, entry.container or "the container"
    match fact:
        case ObjectWritten():
            return _of_write(fact)
        case CommandAnswered():
            return _of_command(fact)
        case HoldPointsChosen() | KubeletHeld() | KubeletContinued():
            return Sentence(actor="you" if _is_learners(fact) else "lab", text=_of_hold(fact, name))
        case CommandExecuted():
            return Sentence(actor="you", text=_executed(fact, name))
        case RunOpened() | RunQueued() | RunAdmitted() | RunClosed() | RunAborted():
            return Sentence(actor="lab", text=_of_run(fact))
        case ObserverUnavailable() | WorkerFailed() | LogTruncated():
            return Sentence(actor="lab", text=_of_lab(fact, name))
        case (
            SandboxStarted() | SandboxStopped() | VolumeFailed() | ImageLookedUp() | BackingOff() | ProbeChanged() | KillStarted()
        ):
            return Sentence(actor="kubelet", text=_of_kubelet(fact, name))
        case ContainerCreated() | ContainerStarted() | ContainerFailed() | ContainerRemoved():
            return Sentence(actor="kubelet", text=_of_container(fact, name))
        case HookStarted() | HookFinished() | HookFailed() | HookTimedOut() | HookSkipped():
            return Sentence(actor="hook", text=_of_hook(fact, name))
        case SignalSent() | SignalReceived() | SignalsTruncated() | ProcessObserved() | ProcessesSeen():
            return Sentence(actor="signal", text=_of_signal(fact, name))
        case ContainerExited():
            return Sentence(actor="process", text=_exited(fact, name))
        case LogChunk():
            return Sentence(actor="process", text=f"{name} wrote: {_excerpt(chr(10).join(line for _, _, line in fact.lines))}")
        case FileChanged():
            return Sentence(actor="file", text=_file_changed(fact))
        case _:
            assert_never(fact)


# --- API writes ---------------------------------------------------------------------------------------------------


def _of_write(fact: ObjectWritten) -> Sentence:
    if fact.kind == "Event":
        about = fact.object["involvedObject"]
        count = fact.object.get("count") or 1
        times = f" (×{count})" if count > 1 else ""
        return Sentence(actor="kubelet" if fact.writer == "kubelet" else "API server", text=_event(fact, about["name"]) + times)
    thing = f"{fact.kind.lower()} {fact.name}"
    match fact.verb:
        case "create":
            text = f"{thing} is stored"
        case "update":
            text = f"{thing} is changed"
        case "delete":
            grace = fact.object["metadata"].get("deletionGracePeriodSeconds", 0)
            text = f"{thing} is marked for deletion. It has {grace} s" if grace else f"{thing} is to go at once"
        case "remove":
            text = f"{thing} is removed"
        case "status":
            shown = f", STATUS {pod_status_column(fact.object)}" if fact.kind == "Pod" else ""
            text = f"{thing}: {fact.writer} published phase {fact.object['status'].get('phase')}{shown}"
        case _:
            assert_never(fact.verb)
    return Sentence(actor="API server", text=f"{text}.")


def _event(fact: ObjectWritten, about: str) -> str:
    event = fact.object
    return f"event {event['type']} {event['reason']} for {about}: {_excerpt(event.get('message', ''))}"


def _of_command(fact: CommandAnswered) -> Sentence:
    answer = _excerpt(fact.stdout + fact.stderr) or "(no output)"
    status = f" (exit {fact.rc})" if fact.rc else ""
    return Sentence(actor="you", text=f"{' '.join(fact.argv)}{status}: {answer}")


# --- the lab, the node --------------------------------------------------------------------------------------------


def _of_run(fact: RunOpened | RunQueued | RunAdmitted | RunClosed | RunAborted) -> str:
    match fact:
        case RunOpened():
            return f"run {fact.run_id} of {fact.example} opened."
        case RunQueued():
            return f"run {fact.run_id} waits for its turn, {fact.ahead} before it."
        case RunAdmitted():
            return f"run {fact.run_id} has its turn after {fact.waited_seconds:.1f} s."
        case RunClosed():
            return f"run {fact.run_id} closed: {fact.why}"
        case RunAborted():
            return f"run {fact.run_id} ended by the lab: {fact.why}"
        case _:
            assert_never(fact)


def _of_lab(fact: ObserverUnavailable | WorkerFailed | LogTruncated, name: str) -> str:
    match fact:
        case ObserverUnavailable():
            return f"signals cannot be witnessed: {fact.why}"
        case WorkerFailed():
            return f"the lab failed: {_excerpt(fact.message)}"
        case LogTruncated():
            return f"{name} has written {fact.limit_bytes} bytes; later lines are not kept."
        case _:
            assert_never(fact)


def _is_learners(fact: HoldPointsChosen | KubeletHeld | KubeletContinued) -> bool:
    return isinstance(fact, HoldPointsChosen) or (isinstance(fact, KubeletContinued) and fact.why == "learner")


def _of_hold(fact: HoldPointsChosen | KubeletHeld | KubeletContinued, name: str) -> str:
    match fact:
        case HoldPointsChosen():
            return f"step by step: the kubelet is to be held at {', '.join(fact.points)}."
        case KubeletHeld():
            return f"the kubelet is held {_POINTS[fact.point].format(name=name)}; process and hook go on."
        case KubeletContinued():
            return f"the kubelet goes on after {fact.held_seconds:.1f} s: {_CONTINUED[fact.why]}."
        case _:
            assert_never(fact)


def _executed(fact: CommandExecuted, name: str) -> str:
    command = _excerpt(" ".join(fact.command))
    match fact.result:
        case "exited":
            return f"ran in {name}: {command}: exit {fact.exit_code}{_printed(fact.stdout, fact.stderr)}"
        case "timed-out":
            return f"ran in {name}: {command}: no end within {fact.took_seconds:.0f} s{_printed(fact.stdout, fact.stderr)}"
        case "failed":
            return f"cannot run in {name}: {command}: {_excerpt(fact.message)}"
        case _:
            assert_never(fact.result)


def _of_kubelet(
    fact: SandboxStarted | SandboxStopped | VolumeFailed | ImageLookedUp | BackingOff | ProbeChanged | KillStarted, name: str
) -> str:
    match fact:
        case SandboxStarted():
            return f"the pod's sandbox is up, IP {fact.ip}."
        case SandboxStopped():
            return "the pod's sandbox is gone."
        case VolumeFailed():
            return f"volume {fact.volume} cannot be mounted: {_excerpt(fact.message)}"
        case ImageLookedUp():
            found = f"is on the node, {fact.size_bytes} bytes" if fact.image_id else "is not on the node"
            return f"image {fact.image} {found}."
        case BackingOff():
            return f"{fact.reason}: {name} waits {fact.remaining_seconds:.1f} s more of {fact.delay_seconds:g} s."
        case ProbeChanged():
            tally = f" ({fact.failures} of {fact.failure_threshold})" if fact.result == "failure" else ""
            return f"{fact.probe} probe of {name}: {fact.result}{tally} {_excerpt(fact.output)}".rstrip()
        case KillStarted():
            hook = "preStop first" if fact.has_pre_stop else "no preStop hook"
            return f"begins to stop {name}: {fact.grace_period_seconds:g} s of grace, {hook}."
        case _:
            assert_never(fact)


def _of_container(fact: ContainerCreated | ContainerStarted | ContainerFailed | ContainerRemoved, name: str) -> str:
    match fact:
        case ContainerCreated():
            return f"{name} created from {fact.image}, attempt {fact.attempt}, stop signal {fact.stop_signal}."
        case ContainerStarted():
            return f"{name} started, attempt {fact.attempt}."
        case ContainerFailed():
            return f"{name} cannot be brought up: {fact.reason}: {_excerpt(fact.message)}"
        case ContainerRemoved():
            return f"{name}, attempt {fact.attempt}, removed from the engine."
        case _:
            assert_never(fact)


# --- hooks, signals, processes, files -----------------------------------------------------------------------------


def _of_hook(fact: HookStarted | HookFinished | HookFailed | HookTimedOut | HookSkipped, name: str) -> str:
    match fact:
        case HookStarted():
            return f"{fact.hook} of {name} started ({fact.handler}): {_excerpt(' '.join(fact.action))}"
        case HookFinished():
            result = f"HTTP {fact.http_status}" if fact.http_status is not None else f"exit {fact.exit_code}"
            ended = result if fact.handler in ("exec", "httpGet") else "done"
            return f"{fact.hook} of {name} ended: {ended} after {fact.took_seconds:.1f} s{_printed(fact.stdout, fact.stderr)}"
        case HookFailed():
            output = _printed(fact.stdout, fact.stderr)
            return f"{fact.hook} of {name} failed after {fact.took_seconds:.1f} s: {_excerpt(fact.message)}{output}"
        case HookTimedOut():
            return f"{fact.hook} of {name} used up the {fact.grace_period_seconds:g} s of grace; the kubelet waits no longer."
        case HookSkipped():
            return f"{fact.hook} of {name} not run: {_SKIPPED[fact.why]}."
        case _:
            assert_never(fact)


def _printed(stdout: str, stderr: str) -> str:
    output = _excerpt(stdout + stderr)
    return f", printed {output}" if output else ""


def _of_signal(fact: SignalSent | SignalReceived | SignalsTruncated | ProcessObserved | ProcessesSeen, name: str) -> str:
    match fact:
        case SignalSent():
            why = "the grace period is over" if fact.why == "grace-period-over" else _STOP_SIGNAL_SOURCES[fact.source]
            return f"{fact.signal} ({fact.number}) sent to PID 1 of {name}: {why}."
        case SignalReceived():
            target = f"PID {fact.target_pid} {fact.target}".rstrip()
            return f"{fact.signal} ({fact.number}) from {fact.sender or 'the kernel'} to {target}: {_RESULTS[fact.result]}."
        case SignalsTruncated():
            return f"{name} has received {fact.limit} signals; later ones are not kept, but for the engine's."
        case ProcessObserved():
            return f"PID 1 of {name} is {_excerpt(fact.command)}; SigCgt {fact.sig_caught}, SigIgn {fact.sig_ignored}."
        case ProcessesSeen():
            listed = "; ".join(f"{pid} {command}" for pid, _, command in fact.processes)
            return f"processes of {name}: {_excerpt(listed)}"
        case _:
            assert_never(fact)


def _exited(fact: ContainerExited, name: str) -> str:
    cause = f", killed by signal {fact.signal}" if fact.signal is not None else ""
    return f"{name} exited with {fact.exit_code}{cause}{', out of memory' if fact.oom_killed else ''}."


def _file_changed(fact: FileChanged) -> str:
    place = f" (on the node: {fact.node_path})" if fact.node_path else f" (volume {fact.volume})" if fact.volume else ""
    text = f": {_excerpt(fact.text)}" if fact.text else ""
    return f"{fact.path}{place} {_CHANGES[fact.change]}{text}"


def _excerpt(text: str) -> str:
    line = " ⏎ ".join(text.strip().splitlines())
    return line if len(line) <= MAXIMUM_EXCERPT_CHARACTERS else line[: MAXIMUM_EXCERPT_CHARACTERS - 1] + "…"
