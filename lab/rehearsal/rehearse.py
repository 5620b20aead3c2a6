"""The rehearsal: a class of so many learners, played on this host from their joining to the end of their runs, and judged."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.classroom.model import Instructor
from lab.classroom.passwords import hash_password
from lab.classroom.register import Register
from lab.clock import Clock
from lab.config import Settings
from lab.laboratory import PASSING_DATA_PREFIX
from lab.rehearsal.browser import Browser, RehearsalError
from lab.rehearsal.figures import RunFigures, Spread, run_figures, spread
from lab.rehearsal.host import Bound, Consumption, bounds, describe_host, memory_available
from lab.rehearsal.play import READING_SECONDS, Classroom, Learner, Plan, PlayedRun
from lab.rehearsal.served import ServedLab, Usage, served
from lab.store.store import Store

PAGE_SECONDS = 0.5  # what 95 of a hundred pages may take while everybody starts a pod
FACT_SECONDS = 0.5  # the same, from a fact to the page
RUNNING_SECONDS = 60.0  # the last learner's, from Run to Running
LOOK_SECONDS = 0.1  # between looks at what is used

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What came of it. ``problems`` say why it is NO-GO, with the remedy; ``bounds`` are the limits, the first to bite first."""

    host: str
    plan: Plan
    pages_arriving: Spread | None
    pages_starting: Spread | None
    runs: RunFigures
    used: Consumption
    cpu_seconds: float
    bounds: tuple[Bound, ...]
    problems: tuple[str, ...]

    @property
    def is_go(self) -> bool:
        """Whether the class can be held."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """Return it as ``lab classroom rehearse --json`` prints it; times are milliseconds."""

        def milliseconds(value: Spread | None) -> dict[str, float] | None:
            return value.to_json() if value else None

        runs = {name: milliseconds(getattr(self.runs, name)) for name in RunFigures.__slots__}
        return {
            "go": self.is_go,
            "problems": list(self.problems),
            "host": self.host,
            "learners": self.plan.learners,
            "example": self.plan.example,
            "pages_arriving": milliseconds(self.pages_arriving),
            "pages_starting": milliseconds(self.pages_starting),
            **runs,
            "cpu_seconds": round(self.cpu_seconds, 2),
            "used": asdict(self.used),
            "limits": [asdict(bound) for bound in self.bounds],
        }


@dataclass(slots=True, kw_only=True)
class _Played:
    """What the play itself left."""

    arriving: list[float]
    starting: list[float]
    refused: list[str]
    runs: list[PlayedRun]
    learners: list[Learner]
    used: dict[str, Any]
    cpu_seconds: float


def rehearse(settings: Settings, clock: Clock, plan: Plan, tell: Tell) -> Rehearsed:
    """Play a class with a lab of its own, whose data pass, and judge. Raises RehearsalError, StoreError, SettingsError."""
    with tempfile.TemporaryDirectory(prefix=PASSING_DATA_PREFIX) as directory:
        database = f"sqlite:///{directory}/lab.sqlite"
        with Store.open(database, clock) as store:
            password = hash_password(secrets.token_hex(16))  # a classroom needs somebody who can sign in; nobody will
            store.classes.keep_instructor(Instructor(name="rehearsal", password_hash=password, cluster="crehearsal"))
            code = Register(store.classes, clock).open_class("Rehearsal").code
        with served(Path(directory), clock) as lab:
            played = asyncio.run(_play(lab, clock, plan, code, tell))
        with Store.open(database, clock) as store:
            runs = run_figures(store, played.runs, [learner.own for learner in played.learners], [])
            size = store.size_bytes
    used = Consumption(**played.used, store_bytes_per_run=size / max(1, len(played.runs)))
    found = bounds(settings, plan.manifest, used)
    starting = spread(played.starting)
    return Rehearsed(
        host=describe_host(),
        plan=plan,
        pages_arriving=spread(played.arriving),
        pages_starting=starting,
        runs=runs,
        used=used,
        cpu_seconds=played.cpu_seconds,
        bounds=found,
        problems=(*_refusals(played), *_too_slow(starting, runs, plan.learners), *_too_small(found, plan.learners)),
    )


async def _play(lab: ServedLab, clock: Clock, plan: Plan, code: str, tell: Tell) -> _Played:
    async def enter(browser: Browser, number: int) -> None:
        await browser.get("/join")
        answer = await browser.post("/join", script=False, code=code, nickname=f"Learner {number + 1}")
        if answer.status != 303:
            raise RehearsalError(f"cannot rehearse: joining was answered with {answer.status}; look at the lab's log")

    empty, free, least = lab.usage(), memory_available(), [memory_available()]
    full: list[Usage] = [empty]
    room, over = Classroom(lab.address, clock, plan, enter), asyncio.Event()
    watch = asyncio.create_task(_watch(lab, full, least, over))
    try:
        tell(f"{plan.learners} learners join and open the lesson")
        arriving = await room.arrive(plan.learners)
        await asyncio.sleep(READING_SECONDS)
        tell("all press Run")
        done = asyncio.Event()
        reading = asyncio.create_task(room.read(room.learners, done))
        runs = await room.press(room.learners[: plan.pressing])
        done.set()
        starting = await reading
        tell("all delete their pods")
        await room.delete(room.learners[: plan.pressing], runs)
        return _Played(
            arriving=arriving.seconds,
            starting=starting.seconds,
            refused=[*arriving.refused, *starting.refused],
            runs=runs,
            learners=room.learners,
            used={
                "learners": plan.learners,
                "empty": empty,
                "full": max(full, key=lambda usage: usage.memory_bytes),
                "memory_free_before": free,
                "memory_free_least": min(least),
            },
            cpu_seconds=lab.usage().cpu_seconds - empty.cpu_seconds,
        )
    finally:
        over.set()
        await asyncio.gather(watch, return_exceptions=True)
        room.close()


async def _watch(lab: ServedLab, full: list[Usage], least: list[int], over: asyncio.Event) -> None:
    while not over.is_set():
        full.append(lab.usage())
        least.append(memory_available())
        await asyncio.sleep(LOOK_SECONDS)


def _refusals(played: _Played) -> list[str]:
    problems = []
    if played.refused:
        problems.append(f"{len(played.refused)} pages were refused, the first: {played.refused[0]}; see the lab's log")
    dead = sum(run.running is None for run in played.runs)
    if dead:
        problems.append(f"{dead} runs came to an end without a pod that runs; try the example alone, or choose another")
    return problems


def _too_slow(pages: Spread | None, runs: RunFigures, learners: int) -> list[str]:
    """Return what took too long: all of it is processor time that is short, or the engine's disk."""
    slow = []
    if pages and pages.p95 > PAGE_SECONDS:
        slow.append(f"5 of 100 pages take more than {pages.p95 * 1000:.0f} ms (limit {PAGE_SECONDS * 1000:.0f})")
    facts = runs.own_facts_starting
    if facts and facts.p95 > FACT_SECONDS:
        slow.append(f"5 of 100 facts reach the page after more than {facts.p95 * 1000:.0f} ms (limit {FACT_SECONDS * 1000:.0f})")
    last = runs.page_running
    if last and last.most > RUNNING_SECONDS:
        slow.append(f"the last pod runs {last.most:.0f} s after Run (limit {RUNNING_SECONDS:.0f})")
    remedy = f"CPU is short for {learners} at the same moment: more cores, a faster disk, or two groups that press Run in turn"
    return [f"{', '.join(slow)}; {remedy}"] if slow else []


def _too_small(found: tuple[Bound, ...], learners: int) -> list[str]:
    return [
        f"{bound.name}: enough for {bound.learners} learners ({bound.detail}); {bound.remedy}"
        for bound in found
        if bound.learners < learners
    ]
