"""What an example's rehearsal has seen, on a scripted runtime in virtual time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from lab.authoring.rehearsal import Rehearsal
from lab.clock import VirtualClock
from lab.laboratory import NodeSide
from lab.lessons import Catalog, Example
from lab.runtime.node_files import NodeFiles
from lab.runtime.runtime import ChangedFile
from lab.runtime.scripted import ContainerScript, ExecScript, ScriptedRuntime
from lab.share import CONTENT
from lab.timeline.facts import FileChanged, RunClosed

LOOK_SECONDS = 5.0


class SlowToLook(ScriptedRuntime):
    """An engine whose diff takes a while, as a busy one's does."""

    def __init__(self, clock: VirtualClock, script: ContainerScript) -> None:
        super().__init__(clock, {"hook-demo1": script})
        self._time = clock

    def changed_files(self, container_id: str, *, limit_bytes: int = 4096) -> tuple[ChangedFile, ...]:
        self._time.sleep(LOOK_SECONDS)
        return super().changed_files(container_id, limit_bytes=limit_bytes)


def test_what_the_last_look_at_the_files_finds_is_part_of_the_run(tmp_path: Path) -> None:
    example = Catalog.load(CONTENT).example("post-start/post-start-message")
    assert example is not None
    saved = ChangedFile(path="/saved", change="added", size_bytes=6, content=b"saved\n")
    with VirtualClock() as clock:
        runtime = SlowToLook(clock, ContainerScript(on_signal={"SIGTERM": (0.5, 0), "SIGQUIT": (0.5, 0)}, files=(saved,)))
        side = NodeSide(runtime=runtime, files=NodeFiles(tmp_path, plain=True), witness_problem=None)  # type: ignore[arg-type]
        hookless = replace(example, manifest=example.manifest.partition("    lifecycle:")[0])  # else a look follows its hook
        facts = [entry.fact for entry in Rehearsal(side, clock).play(hookless).entries]
    assert [fact.path for fact in facts if isinstance(fact, FileChanged)] == ["/saved"]
    assert isinstance(facts[-1], RunClosed)


def test_a_pod_whose_post_start_hook_never_returns_is_not_waited_for(tmp_path: Path) -> None:
    example = Catalog.load(CONTENT).example("post-start-failures/stuck")
    assert example is not None
    endless = ExecScript(seconds=1e9)
    with VirtualClock() as clock:
        runtime = ScriptedRuntime(clock, {"app": ContainerScript(execs={example_hook(example): endless})})
        side = NodeSide(runtime=runtime, files=NodeFiles(tmp_path, plain=True), witness_problem=None)  # type: ignore[arg-type]
        played = Rehearsal(side, clock).play(example)
    assert played.troubles == ()
    assert isinstance(played.entries[-1].fact, RunClosed)


def example_hook(example: Example) -> str:
    """The last word of its hook's command, by which a script is found."""
    (pod,) = yaml.safe_load_all(example.manifest)
    return str(pod["spec"]["containers"][0]["lifecycle"]["postStart"]["exec"]["command"][-1])
