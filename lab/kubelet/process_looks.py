"""Looks at a container's processes: PID 1 and its masks before a stop signal, and who runs beside it while an exec hook does.

One look takes about a millisecond and changes nothing; Kubernetes does not look. An exec hook that has ended within a moment is
not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.kubelet.node_services import PodOnNode
from lab.pods.model import Container
from lab.timeline.facts import ProcessesSeen, ProcessObserved
from lab.timeline.pod_record import Attempt

HOOK_LOOK_SECONDS = 0.25  # after a hook's start: its shell has started what it waits for


def look_before_stop(on: PodOnNode, container: Container, attempt: Attempt) -> None:
    """Note PID 1's masks and the processes; nothing, when PID 1 has ended or cannot be read here."""
    state = on.node.runtime.process_state(attempt.container_id)
    if state is None:
        return
    observed = ProcessObserved(
        attempt=attempt.number,
        command=state.command,
        sig_blocked=state.sig_blocked,
        sig_ignored=state.sig_ignored,
        sig_caught=state.sig_caught,
        others=state.others,
    )
    on.note(observed, container)
    on.note(ProcessesSeen(attempt=attempt.number, moment="before-stop-signal", processes=state.tree), container)


@contextmanager
def looking_during_hook(on: PodOnNode, container: Container, attempt: Attempt) -> Iterator[None]:
    """Note the processes once the block has lasted a moment, from a thread of its own."""
    over = False

    def look() -> None:
        if on.wait_until(lambda: over, HOOK_LOOK_SECONDS):
            return
        state = on.node.runtime.process_state(attempt.container_id)
        if state is not None and not over:
            on.note(ProcessesSeen(attempt=attempt.number, moment="hook-running", processes=state.tree), container)

    on.spawn(f"processes of {container.name} in", look)
    try:
        yield
    finally:
        with on.changed:
            over = True
            on.changed.notify_all()
