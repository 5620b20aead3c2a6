"""A pod's life, told fact by fact with the time at which each came; for explanations of what no engine needs to be asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from lab.insight.headline import Headline, headline_of
from lab.insight.knowledge import Knowledge
from lab.insight.phrase import Phrase
from lab.insight.why import why
from lab.timeline.facts import (
    ContainerCreated,
    ContainerExited,
    ContainerStarted,
    Entry,
    Fact,
    FileChanged,
    Hook,
    HookFailed,
    HookFinished,
    HookStarted,
    KillStarted,
    ObjectWritten,
    ProcessObserved,
    RunOpened,
    SignalReceived,
    SignalSent,
    Verb,
    Writer,
)

UID = "u1"
APP = "app"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TERM_MASK = "0000000000004000"
NO_MASK = "0" * 16


class Life:
    """Facts in order; ``why`` is what was said of the last one."""

    def __init__(self, *, grace: int = 30, lifecycle: dict[str, Any] | None = None, restart: str = "Always") -> None:
        self.known = Knowledge()
        self.entries: list[Entry] = []
        self.why: Phrase | None = None
        self._metadata: dict[str, Any] = {"name": "p", "namespace": "default", "uid": UID}
        self._spec = {
            "terminationGracePeriodSeconds": grace,
            "restartPolicy": restart,
            "containers": [{"name": APP, **({"lifecycle": lifecycle} if lifecycle else {})}],
        }
        self._status: dict[str, Any] = {"phase": "Pending"}
        self.add(RunOpened(run_id="r", example="x/y", manifest=""), 0.0, container=None)
        self.write("create", "user", 0.0)

    def add(self, fact: Fact, at: float | None = None, *, container: str | None = APP) -> Entry:
        """Append a fact; without a time, at that of the last one."""
        elapsed = at if at is not None else self.entries[-1].elapsed_seconds
        entry = Entry(
            seq=len(self.entries) + 1,
            at=BEGAN + timedelta(seconds=elapsed),
            elapsed_seconds=elapsed,
            pod_uid=UID,
            container=container,
            fact=fact,
        )
        self.entries.append(entry)
        self.known.add(entry)
        self.why = why(entry, self.known)
        return entry

    @property
    def said(self) -> str:
        """What was said of the last fact, "" when nothing was."""
        return text(self.why) if self.why else ""

    @property
    def headline(self) -> Headline:
        """The headline now."""
        return headline_of(self.known, self.entries[-1])

    def lines(self) -> dict[str, str]:
        """The headline's lines by name."""
        return {line.name: text(line.text) for line in self.headline.lines if line.container in ("", APP)}

    def write(self, verb: Verb, writer: Writer, at: float | None = None, **status: Any) -> Entry:
        """Write the pod."""
        self._status = {**self._status, **status}
        value = {"metadata": self._metadata, "spec": self._spec, "status": self._status}
        fact = ObjectWritten(verb=verb, kind="Pod", namespace="default", name="p", uid=UID, object=value, writer=writer)
        return self.add(fact, at, container=None)

    def delete(self, at: float, *, grace: int | None = None) -> None:
        """Ask for its deletion."""
        seconds = self._spec["terminationGracePeriodSeconds"] if grace is None else grace
        self._metadata = {
            **self._metadata,
            "deletionTimestamp": "2026-01-01T00:00:30Z",
            "deletionGracePeriodSeconds": seconds,
        }
        self.write("delete", "user", at)

    def start(self, *argv: str, at: float = 1.0, attempt: int = 0) -> None:
        """Start the container."""
        command = argv or ("sleep", "1")
        self.add(ContainerCreated(container_id="c", attempt=attempt, image="i", argv=command, stop_signal=""), at)
        self.add(ContainerStarted(container_id="c", attempt=attempt, pid=7, started_at=""), at)

    def kill(self, at: float, grace: float, *, hook: bool = False, reason: str = "Stopping container app") -> None:
        """Begin to stop it."""
        self.add(KillStarted(attempt=0, reason=reason, grace_period_seconds=grace, has_pre_stop=hook), at)

    def hook(self, hook: Hook, *action: str, at: float, handler: Literal["exec", "httpGet"] = "exec") -> None:
        """Begin a hook."""
        self.add(HookStarted(hook=hook, handler=handler, action=action, attempt=0), at)

    def hook_ends(self, hook: Hook, at: float, took: float) -> None:
        """End it well."""
        ended = HookFinished(
            hook=hook, handler="exec", attempt=0, exit_code=0, http_status=None, stdout="", stderr="", took_seconds=took
        )
        self.add(ended, at)

    def hook_fails(
        self,
        hook: Hook,
        code: int | None,
        message: str = "",
        *,
        handler: Literal["exec", "httpGet"] = "exec",
        at: float | None = None,
    ) -> None:
        """End it badly."""
        failed = HookFailed(
            hook=hook, handler=handler, attempt=0, exit_code=code, stdout="", stderr="", message=message, took_seconds=1.0
        )
        self.add(failed, at)

    def observed(self, *, caught: str = NO_MASK, ignored: str = NO_MASK, blocked: str = NO_MASK) -> None:
        """Look at PID 1."""
        self.add(ProcessObserved(attempt=0, command="sh", sig_blocked=blocked, sig_ignored=ignored, sig_caught=caught, others=()))

    def stop_signal(self, at: float, seconds: float) -> None:
        """Send SIGTERM."""
        sent = SignalSent(signal="SIGTERM", number=15, why="stop-signal", source="default", timeout_seconds=seconds, attempt=0)
        self.add(sent, at)

    def sigkill(self, at: float) -> None:
        """Send SIGKILL."""
        sent = SignalSent(signal="SIGKILL", number=9, why="grace-period-over", source="kill", timeout_seconds=0, attempt=0)
        self.add(sent, at)

    def arrives(
        self,
        result: Literal["delivered", "default", "ignored", "pending"],
        *,
        number: int = 15,
        sender: str = "runc",
        pid: int = 1,
    ) -> None:
        """Let a signal arrive."""
        name = {15: "SIGTERM", 9: "SIGKILL", 3: "SIGQUIT", 17: "SIGCHLD"}[number]
        received = SignalReceived(
            signal=name,
            number=number,
            sender=sender,
            sender_pid=99,
            target="sh",
            target_pid=pid,
            result=result,
            witness="tracepoint",
            attempt=0,
        )
        self.add(received)

    def exits(
        self, code: int, *, signal: int | None = None, at: float | None = None, oom: bool = False, attempt: int = 0
    ) -> None:
        """End PID 1."""
        ended = ContainerExited(
            container_id="c", attempt=attempt, exit_code=code, signal=signal, oom_killed=oom, started_at="", finished_at=""
        )
        self.add(ended, at)

    def file(self, path: str, at: float, *, node_path: str | None = None) -> Entry:
        """Let a file appear."""
        change = FileChanged(
            path=path, change="added", text="x", size_bytes=1, volume="v" if node_path else None, node_path=node_path, attempt=0
        )
        return self.add(change, at)


def text(phrase: Phrase) -> str:
    """Return a phrase in English."""
    values = {name: text(value) if isinstance(value, Phrase) else value for name, value in phrase.values.items()}
    return phrase.english.replace("`", "").format(**values)
