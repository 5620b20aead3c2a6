"""What a real node of v1.36.2 was recorded to do, replayed with scripts that stand for its containers.

Numbers are the recordings' own. A script takes no time where a real engine takes hundredths of a second, hence the
tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab.runtime.scripted import ContainerScript
from lab.timeline.facts import SignalSent
from tests.kubelet.stage import Stage, brief, container, deaf, pod, polite, takes

Given = Callable[..., Stage]

TOLERANCE_SECONDS = 0.1  # the latest stop signal was 0.094 s late (E3, sidecar)


@dataclass(frozen=True)
class Stop:
    """One container's end: seconds from T0 to its stop signal and to its exit, the code, the seconds given to the runtime."""

    signal_at: float | None
    exit_at: float
    exit_code: int
    given_to_runtime: int | None


@dataclass(frozen=True)
class Recorded:
    """A scenario: containers as scripts, what its spec adds, the deletes as (seconds to wait before, arguments)."""

    scripts: dict[str, ContainerScript]
    stops: dict[str, Stop]
    deletes: tuple[tuple[float, tuple[str, ...]], ...] = ((0.0, ()),)
    hooks: dict[str, Any] = field(default_factory=dict)
    sidecars: tuple[str, ...] = ()
    grace: int = 30

    @property
    def manifest(self) -> str:
        specs = {name: container(name, pre_stop=self.hooks.get(name)) for name in self.scripts}
        inits = [{**specs[name], "restartPolicy": "Always"} for name in self.sidecars]
        mains = [spec for name, spec in specs.items() if name not in self.sidecars]
        return pod(*mains, grace=self.grace, initContainers=inits)


def one(script: ContainerScript, stop: Stop, *args: str, grace: int = 30, hook: Any = "hook") -> Recorded:
    """Return a scenario of one container and one delete."""
    return Recorded({"app": script}, {"app": stop}, deletes=((0.0, args),), hooks={"app": hook}, grace=grace)


STOPS = {
    "B1": one(deaf(hook=takes(1)), Stop(1.008, 3.017, 137, 2), "--grace-period=0", "--force"),
    "B2": one(deaf(hook=takes(1)), Stop(1.008, 3.022, 137, 2), "--grace-period=0"),
    "B7": one(deaf(), Stop(0.0, 5.019, 137, 5), grace=5, hook=None),
    "B10": one(deaf(), Stop(0.01, 4.023, 137, 4), grace=4, hook=None),
    "B19": one(deaf(), Stop(0.018, 2.026, 137, 2), "--grace-period=1", hook=None),
    "B5b": Recorded(
        {"app": deaf(hook=takes(30))},
        {"app": Stop(30.043, 60.062, 137, 30)},
        deletes=((0.0, ("--wait=false",)), (4.0, ("--grace-period=5",))),
        hooks={"app": "hook"},
        grace=60,
    ),
    "B16": Recorded(
        {"app": deaf()},
        {"app": Stop(0.007, 10.021, 137, 10)},
        deletes=((0.0, ("--wait=false",)), (2.0, ("--grace-period=0", "--force"))),
        grace=10,
    ),
    "C1": one(polite(hook=takes(0, 1)), Stop(0.054, 0.056, 0, 5), grace=5),
    "C1b": one(deaf(hook=takes(2, 1)), Stop(2.049, 5.06, 137, 3), grace=5),
    "C3": one(deaf(hook=takes(60)), Stop(5.027, 7.037, 137, 2), grace=5),
    "C4": one(deaf(hook=takes(3)), Stop(3.054, 6.063, 137, 3), grace=6),
    "C5": one(polite(1.0, 0, hook=takes(60)), Stop(4.008, 5.012, 0, 2), grace=4),
    "C5b": one(deaf(hook=takes(60)), Stop(4.008, 6.023, 137, 2), grace=4),
    "C5c": one(deaf(hook=takes(3.7)), Stop(3.766, 5.774, 137, 2), grace=5),
    "C5d": one(deaf(hook=takes(4.5)), Stop(4.556, 6.568, 137, 2), grace=5),
    "C10": one(deaf(), Stop(2.007, 5.017, 137, 3), grace=5, hook={"sleep": {"seconds": 2}}),
    "C11": one(deaf(), Stop(3.01, 5.02, 137, 2), "--grace-period=3", hook={"sleep": {"seconds": 20}}),
    "C15": one(polite(), Stop(0.016, 0.02, 0, 5), grace=5, hook={"sleep": {"seconds": 0}}),
    "C18": Recorded(
        {"good": polite(hook=takes(2)), "bad": polite(hook=takes(0, 3))},
        {"good": Stop(2.074, 2.074, 0, 6), "bad": Stop(0.07, 0.072, 0, 8)},
        hooks={"good": "hook", "bad": "hook"},
        grace=8,
    ),
    "C19": one(brief((5.927, 0)), Stop(None, 2.927, 0, None), grace=20, hook={"sleep": {"seconds": 6}}),
    "C21": Recorded(
        {"slow": deaf(hook=takes(60)), "plain": deaf()},
        {"slow": Stop(5.012, 7.025, 137, 2), "plain": Stop(0.025, 5.036, 137, 5)},
        hooks={"slow": "hook"},
        grace=5,
    ),
    "E3": Recorded(
        {"side": polite(hook=takes(2)), "main": polite(hook=takes(2))},
        {"side": Stop(2.094, 2.095, 0, 8), "main": Stop(2.058, 2.059, 0, 8)},
        hooks={"side": "hook", "main": "hook"},
        sidecars=("side",),
        grace=10,
    ),
    "E3b": Recorded(
        {"side": deaf(), "main": deaf()},
        {"side": Stop(6.01, 8.021, 137, 2), "main": Stop(0.022, 6.034, 137, 6)},
        sidecars=("side",),
        grace=6,
    ),
    "E4": Recorded(
        {"one": polite(hook=takes(3)), "two": polite(hook=takes(3))},
        {"one": Stop(3.06, 3.061, 0, 7), "two": Stop(3.052, 3.056, 0, 7)},
        hooks={"one": "hook", "two": "hook"},
        grace=10,
    ),
}


@pytest.mark.parametrize("scenario", STOPS)
def test_containers_are_stopped_as_recorded(given: Given, scenario: str) -> None:
    recorded = STOPS[scenario]
    story = given(**recorded.scripts).run(recorded.manifest)
    for wait_seconds, args in recorded.deletes:
        story.stage.clock.sleep(wait_seconds)
        story.delete(*args)
    story.stage.wait_until_cleared()
    for name, stop in recorded.stops.items():
        steps = story.steps(name)
        exit_at, exit_word = next(step for step in steps if step[1].startswith("exits"))
        signals = [at for at, word in steps if word == "SIGTERM"]
        assert exit_word == f"exits {stop.exit_code}"
        assert exit_at == pytest.approx(stop.exit_at, abs=TOLERANCE_SECONDS)
        assert signals == ([] if stop.signal_at is None else [pytest.approx(stop.signal_at, abs=TOLERANCE_SECONDS)])
        sent = [s.timeout_seconds for s in story.facts(SignalSent, name) if s.why == "stop-signal"]
        assert sent == ([] if stop.given_to_runtime is None else [stop.given_to_runtime])


@dataclass(frozen=True)
class Restarts:
    """A scenario's seconds from each exit to the next start, and the STATUS column."""

    script: ContainerScript
    hook: str | None
    gaps: tuple[float, ...]
    statuses: tuple[str, ...]
    grace: int = 30


RESTARTS = {
    "D1": Restarts(
        deaf(hook=takes(0, 1)),
        "hook",
        (0.27, 12.92, 22.90),
        ("Pending", "ContainerCreating", *("PostStartHookError", "CrashLoopBackOff") * 3),
        grace=4,
    ),
    "D19": Restarts(
        polite(hook=takes(0, 1)),
        "hook",
        (0.26, 13.26),
        ("Pending", "ContainerCreating", "PostStartHookError", "CrashLoopBackOff", "PostStartHookError"),
    ),
    "E11": Restarts(
        brief((1, 0)),
        None,
        (0.28, 14.95, 29.99),
        ("Pending", "ContainerCreating", "Running", "Completed", *("Running", "Completed", "CrashLoopBackOff") * 2, "Running"),
    ),
}


@pytest.mark.parametrize("scenario", RESTARTS)
def test_containers_are_restarted_and_shown_as_recorded(given: Given, scenario: str) -> None:
    """The kubelet adds a random part of up to half to a back-off, and acts once a second."""
    recorded = RESTARTS[scenario]
    manifest = pod(container(post_start=recorded.hook), grace=recorded.grace)
    story = given(app=recorded.script).run(manifest, seconds=70)
    exits = [at for at, word in story.steps(since="creation") if word.startswith("exits")]
    ours = [start - end for end, start in zip(exits, story.starts()[1:], strict=False)]
    for gap, theirs, nominal in zip(ours, recorded.gaps, (0, 10, 20), strict=False):
        assert nominal <= gap <= nominal * 1.5 + 1
        assert nominal <= theirs <= nominal * 1.5 + 1
    assert story.columns()[: len(recorded.statuses)] == list(recorded.statuses)


def test_the_next_container_starts_as_recorded_after_a_poststart_hook_and_after_a_failed_one(given: Given) -> None:
    """D14: 4 s hook. D14b: 1 s hook that fails, a grace period of 4 s, PID 1 deaf. D20: the same with an obedient PID 1."""
    for script, recorded in ((deaf(hook=takes(4)), 4.1), (deaf(hook=takes(1, 1)), 5.2), (polite(hook=takes(1, 9)), 1.16)):
        stage = given(first=script, second=polite())
        story = stage.run(pod(container("first", post_start="hook"), container("second"), grace=4), seconds=6)
        assert story.starts("second")[0] - story.starts("first")[0] == pytest.approx(recorded, abs=0.25)
