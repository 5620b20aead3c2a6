"""Containers that take, write, print and signal without end: each meets its limit, is told so, and nobody else notices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from lab.kubelet.environment import EXPANDED_LIMIT
from lab.kubelet.hooks import OUTPUT_LIMIT_BYTES
from lab.kubelet.listener import ENGINE_SIGNAL_LIMIT, SIGNAL_LIMIT
from lab.runtime.container_files import CHANGES_BYTES, MAXIMUM_CHANGES, listed_changes
from lab.timeline.facts import (
    ContainerExited,
    ContainerFailed,
    ContainerStarted,
    FileChanged,
    HookFinished,
    LogChunk,
    LogTruncated,
    ObjectWritten,
    SignalReceived,
    SignalsTruncated,
)

Ground = Any  # the fixture's type lives in conftest, which tests cannot import

LEARNER = "flooder"
POD = """\
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 1
  restartPolicy: Never
  containers:
  - name: {name}
    image: busybox
    command: [sh, -c, {script}]
    volumeMounts: [{{name: scratch, mountPath: /scratch}}, {{name: node, mountPath: /node}}]
    {more}
  volumes: [{{name: scratch, emptyDir: {{}}}}, {{name: node, hostPath: {{path: /tmp}}}}]
"""
SCRIPTS = {
    "forks": "bomb() { bomb | bomb & }; i=0; while [ $i -lt 300 ]; do sleep 300 & i=$((i+1)); done; echo all",
    "memory": "tail /dev/zero; echo all",
    "disk": "cat /dev/zero > /scratch/full; rm /scratch/full; cat /dev/zero > /node/full; rm /node/full; echo over",
    "message": "cat /dev/zero > /dev/termination-log; echo over",
    "files": "cd /; i=0; while [ $i -lt 3000 ]; do : > file$i; i=$((i+1)); done; echo over",
    "lines": "yes a line of the flood",
    "signals": "trap : USR1; until [ -e /scratch/begin ]; do sleep 1; done; i=0; "
    "while [ $i -lt 10000 ]; do kill -USR1 1; i=$((i+1)); done; "
    "while [ $i -lt 10700 ]; do sleep 9 & kill -9 $!; wait $! 2>/dev/null; i=$((i+1)); done",
    "talker": "sleep 300",
    "variables": "sleep 300",
}
MORE = {
    "talker": 'lifecycle: {postStart: {exec: {command: [sh, -c, "seq 1 300000"]}}}',
    "variables": "env: [{name: A0, value: xxxxxxxxxx}, "
    + ", ".join(f"{{name: A{n}, value: $(A{n - 1})$(A{n - 1})}}" for n in range(1, 64))
    + "]",
}
QUIET = POD.format(name="quiet", script="'echo here; sleep 300'", more="")


def test_of_an_endless_list_of_changed_files_the_beginning_is_read() -> None:
    path = '/tmp/a file},{ \\"named\\" to mislead'
    text = ('[{"Path":"/tmp","Kind":0}' + f',{{"Path":"{path}","Kind":1}}' * (CHANGES_BYTES // 40) + "]").encode()
    for end in range(CHANGES_BYTES, CHANGES_BYTES + 60, 12):
        assert len(listed_changes(text[:end])) > CHANGES_BYTES // 80
    assert listed_changes(b'[{"Path":"/tmp","Kind":0}]') == [{"Path": "/tmp", "Kind": 0}]
    assert listed_changes(b"null\n") == []


@pytest.fixture(scope="module")
def flooding(ground: Ground) -> Iterator[Any]:
    """A run of pods that each flood in their way."""
    pods = "".join(
        POD.format(name=name, script=f"'{script}'", more=MORE.get(name, "stdin: false")) for name, script in SCRIPTS.items()
    )
    run = ground.run(LEARNER, pods)
    yield run
    ground.end(LEARNER)


@pytest.mark.engine
class TestFloods:
    """All at the same time."""

    def test_another_learners_pod_starts_and_speaks_meanwhile(self, ground: Ground, flooding: Any) -> None:
        ground.eventually(lambda: ground.facts(flooding, LogTruncated))
        run = ground.running("quiet", QUIET)
        ground.eventually(lambda: ground.facts(run, LogChunk))
        assert ground.sh(run, "quiet", "echo there", "quiet") == "there"
        ground.end("quiet")

    def test_a_fork_bomb_stops_at_the_limit_of_processes(self, ground: Ground, flooding: Any) -> None:
        ground.eventually(lambda: ground.facts(flooding, ContainerExited, "forks"))
        assert "can't fork" in said(ground, flooding, "forks")
        assert "all" not in said(ground, flooding, "forks").split()

    def test_a_memory_hog_is_killed_and_said_to_be_out_of_memory(self, ground: Ground, flooding: Any) -> None:
        ground.eventually(lambda: "all" in said(ground, flooding, "memory") or ground.facts(flooding, ContainerExited, "memory"))
        assert "Killed" in said(ground, flooding, "memory") or ground.facts(flooding, ContainerExited, "memory")[0].oom_killed

    def test_volumes_and_the_node_are_full_at_their_size(self, ground: Ground, flooding: Any) -> None:
        ground.eventually(lambda: ground.facts(flooding, ContainerExited, "disk"))
        assert len(re.findall("No space left on device|File size limit exceeded", said(ground, flooding, "disk"))) == 2
        assert "over" in said(ground, flooding, "disk").splitlines()

    def test_a_message_file_without_end_is_full_and_its_end_is_the_message(self, ground: Ground, flooding: Any) -> None:
        ground.eventually(lambda: terminated(ground, flooding, "message"))
        assert "No space left on device" in said(ground, flooding, "message")
        assert len(terminated(ground, flooding, "message")["message"]) <= 4096

    def test_of_thousands_of_files_some_are_shown(self, ground: Ground, flooding: Any) -> None:
        ground.eventually(lambda: of_its_own(ground, flooding, "files"))
        assert 0 < len(of_its_own(ground, flooding, "files")) <= MAXIMUM_CHANGES

    def test_a_flood_of_lines_is_cut_at_the_limit_and_says_so(self, ground: Ground, flooding: Any) -> None:
        limit = ground.laboratory.settings.limits.log_bytes_per_container
        (cut,) = ground.facts(flooding, LogTruncated, "lines")
        assert cut.limit_bytes == limit
        assert len(said(ground, flooding, "lines")) <= limit

    def test_ten_thousand_signals_are_cut_at_the_limit_and_it_says_so(self, ground: Ground, flooding: Any) -> None:
        ground.eventually(lambda: ground.facts(flooding, ContainerStarted, "signals"))
        ground.sh(flooding, "signals", "touch /scratch/begin", "signals")  # not before it is witnessed
        ground.eventually(lambda: ground.facts(flooding, SignalsTruncated, "signals"))
        ground.eventually(lambda: ground.facts(flooding, ContainerExited, "signals"))
        assert [fact.limit for fact in ground.facts(flooding, SignalsTruncated, "signals")] == [SIGNAL_LIMIT]
        shown = ground.facts(flooding, SignalReceived, "signals")
        assert len(shown) <= SIGNAL_LIMIT + ENGINE_SIGNAL_LIMIT
        assert {"SIGUSR1", "SIGKILL"} == {fact.signal for fact in shown if fact.sender == "sh"}

    def test_of_what_a_hook_prints_a_page_is_kept(self, ground: Ground, flooding: Any) -> None:
        ground.eventually(lambda: ground.facts(flooding, HookFinished, "talker"))
        (hook,) = ground.facts(flooding, HookFinished, "talker")
        assert OUTPUT_LIMIT_BYTES < len(hook.stdout) < OUTPUT_LIMIT_BYTES + 100
        assert hook.stdout.endswith("more bytes not kept]\n")

    def test_variables_that_double_are_refused_and_the_event_says_so(self, ground: Ground, flooding: Any) -> None:
        ground.eventually(lambda: ground.facts(flooding, ContainerFailed, "variables"))
        (failed, *_) = ground.facts(flooding, ContainerFailed, "variables")
        assert failed.reason == "CreateContainerConfigError"
        assert f"cannot expand variables to more than {EXPANDED_LIMIT // 1024} KiB" in failed.message
        assert any(f"{EXPANDED_LIMIT // 1024} KiB" in event for event in ground.events(flooding))

    def test_the_lab_is_none_the_worse(self, ground: Ground, flooding: Any) -> None:
        ground.end(LEARNER)
        run = ground.running(LEARNER, QUIET)
        assert ground.facts(run, ContainerStarted)
        assert ground.laboratory.engine_problem() is None


def said(ground: Ground, run: Any, container: str) -> str:
    """Return what a container has printed."""
    return "\n".join(text for chunk in ground.facts(run, LogChunk, container) for _, _, text in chunk.lines)


def of_its_own(ground: Ground, run: Any, container: str) -> list[FileChanged]:
    """Return what has changed in a container itself; others write to the node's volumes meanwhile."""
    return [fact for fact in ground.facts(run, FileChanged, container) if fact.volume is None]


def terminated(ground: Ground, run: Any, name: str) -> dict[str, Any]:
    """Return the terminated state of a pod's only container, once it is published."""
    pods = [fact.object for fact in ground.facts(run, ObjectWritten) if (fact.kind, fact.name) == ("Pod", name)]
    statuses = pods[-1].get("status", {}).get("containerStatuses", []) if pods else []
    found: dict[str, Any] = statuses[0]["state"].get("terminated", {}) if statuses else {}
    return found
