"""A learner's command in a running container, as `kubectl exec` runs it: no input, no terminal, a time and an output limit.

Differs from `kubectl exec`: what has not ended within the limit goes on in the container, but nobody listens to it any more.
"""

from __future__ import annotations

from lab.errors import ContainerGone, EngineError, EngineUnavailable
from lab.kubelet.node_services import PodOnNode
from lab.pods.model import Container
from lab.runtime.runtime import ExecResult
from lab.timeline.facts import CommandExecuted
from lab.timeline.pod_record import Attempt

COMMAND_LIMIT_SECONDS = 10.0
OUTPUT_LIMIT_BYTES = 16 * 1024  # of each stream: a step shows it


def run_command(on: PodOnNode, container: Container, attempt: Attempt, command: tuple[str, ...]) -> None:
    """Run a command to its end or its limit, append `CommandExecuted`, and have the files looked at. Raises EngineUnavailable."""
    began = on.clock.monotonic()
    result, message = None, ""
    try:
        result = on.node.runtime.exec(attempt.container_id, command, timeout_seconds=COMMAND_LIMIT_SECONDS)
    except EngineUnavailable:
        raise
    except ContainerGone:
        message = "the container has ended"
    except EngineError as error:
        message = error.runtime_message
    took = on.clock.monotonic() - began
    on.note(_executed(command, attempt, result, message, took), container)
    on.look(container, attempt)


def _executed(
    command: tuple[str, ...], attempt: Attempt, result: ExecResult | None, message: str, took_seconds: float
) -> CommandExecuted:
    return CommandExecuted(
        command=command,
        attempt=attempt.number,
        result="failed" if result is None else "timed-out" if result.abandoned else "exited",
        exit_code=result.exit_code if result else None,
        stdout=_kept(result.stdout) if result else "",
        stderr=_kept(result.stderr) if result else "",
        message=message,
        took_seconds=took_seconds,
    )


def _kept(output: bytes) -> str:
    text = output[:OUTPUT_LIMIT_BYTES].decode(errors="replace")
    more = len(output) - OUTPUT_LIMIT_BYTES
    return f"{text}\n[pod-hook-lab: {more} more bytes not kept]\n" if more > 0 else text
