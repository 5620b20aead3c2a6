"""When the lab looks at a container's processes: while an exec hook runs, and before a stop signal."""

from __future__ import annotations

from collections.abc import Callable

from lab.kubelet.process_looks import HOOK_LOOK_SECONDS
from lab.timeline.facts import HookFinished, HookStarted, ProcessesSeen, ProcessObserved, SignalSent
from tests.kubelet.stage import Stage, container, deaf, pod, polite, takes

Given = Callable[..., Stage]


def looks(story: object) -> list[str]:
    return [fact.moment for fact in story.facts(ProcessesSeen)]  # type: ignore[attr-defined]


def test_a_hook_that_lasts_is_looked_at_once_while_it_runs(given: Given) -> None:
    stage = given(app=polite(drain=takes(3.0)))
    story = stage.run(pod(container(pre_stop="drain"))).delete_to_the_end()
    assert looks(story) == ["hook-running", "before-stop-signal"]
    times = {
        type(e.fact): e.elapsed_seconds for e in reversed(story.entries()) if isinstance(e.fact, HookStarted | ProcessesSeen)
    }
    assert round(times[ProcessesSeen] - times[HookStarted], 3) == HOOK_LOOK_SECONDS


def test_a_hook_that_ends_at_once_is_not_seen(given: Given) -> None:
    story = given(app=polite(drain=takes(0.1))).run(pod(container(pre_stop="drain"))).delete_to_the_end()
    assert looks(story) == ["before-stop-signal"]


def test_a_hook_that_runs_no_program_is_not_looked_at(given: Given) -> None:
    story = given(app=polite()).run(pod(container(pre_stop={"sleep": {"seconds": 2}}))).delete_to_the_end()
    assert looks(story) == ["before-stop-signal"]


def test_a_post_start_hook_is_looked_at_too(given: Given) -> None:
    story = given(app=polite(warm=takes(2.0))).run(pod(container(post_start="warm")))
    assert looks(story) == ["hook-running"]


def test_masks_and_processes_are_read_before_the_stop_signal_is_sent(given: Given) -> None:
    story = given(app=deaf()).run(pod(grace=3)).delete_to_the_end()
    kinds = [type(e.fact) for e in story.entries() if isinstance(e.fact, ProcessObserved | ProcessesSeen | SignalSent)]
    assert kinds == [ProcessObserved, ProcessesSeen, SignalSent, SignalSent]


def test_looking_takes_no_time_from_the_hook_or_the_process(given: Given) -> None:
    story = given(app=polite(drain=takes(1.5))).run(pod(container(pre_stop="drain"), grace=10)).delete_to_the_end()
    (finished,) = story.facts(HookFinished)
    (sent,) = story.facts(SignalSent)
    assert (finished.took_seconds, sent.timeout_seconds) == (1.5, 9)
