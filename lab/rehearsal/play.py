"""The class that is played: learners arrive, open the lesson, press Run at the same moment, read on meanwhile, and delete.

Nothing here judges. What a learner saw and when is kept as it came; `lab.rehearsal.figures` sets it beside the store's own times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lab.clock import Clock
from lab.rehearsal.browser import ASSETS, PATIENCE_SECONDS, Browser, RehearsalError
from lab.rehearsal.played import Seen

READING_SECONDS = 3.0  # nobody presses Run sooner after the page has opened
LOOKING_SECONDS = 1.0  # a learner looks at what runs before they delete it
POLL_SECONDS = 0.02

Enter = Callable[[Browser, int], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the class does: so many learners, of whom the first ``pressing`` press Run at once while the others read pages, each
    one every ``page_every_seconds``; so many arrive in each second."""

    learners: int
    pressing: int
    example: str
    manifest: str
    arriving_per_second: float = 10.0
    page_every_seconds: float = 10.0

    @property
    def lesson(self) -> str:
        """The address of the lesson's page."""
        return f"/lessons/{self.example.partition('/')[0]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedRun:
    """A press of Run as its learner saw it; ``running`` is when their page first said so, ``ended`` when the run was over."""

    run_id: str
    pressed: datetime
    answered_seconds: float
    first_fact: datetime
    running: datetime | None
    ended: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Learner:
    """A learner and their open page."""

    number: int
    browser: Browser
    own: Seen = field(default_factory=Seen)
    shown: Seen | None = None
    known: set[str] = field(default_factory=set)  # runs of theirs that are over for us


@dataclass(slots=True, kw_only=True)
class Answers:
    """How long answers took, and which were no answers."""

    seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Classroom:
    """A class in front of a lab that is served. Use it from one event loop; `close` it."""

    def __init__(self, address: str, clock: Clock, plan: Plan, enter: Enter) -> None:
        """``enter`` lets a browser into the lab, such as by a class's code."""
        self.plan = plan
        self.learners: list[Learner] = []
        self._address = address
        self._clock = clock
        self._enter = enter

    async def arrive(self, count: int) -> Answers:
        """Let so many more learners enter, get the lesson with its assets, and open its stream; return how long its page took."""
        answers = Answers()
        first, apart = len(self.learners), 1 / self.plan.arriving_per_second
        fresh = [Learner(number=first + n, browser=Browser(self._address, self._clock)) for n in range(count)]
        self.learners += fresh
        await asyncio.gather(*(self._arrive(learner, n * apart, answers) for n, learner in enumerate(fresh)))
        return answers

    async def read(self, learners: Sequence[Learner], until: asyncio.Event) -> Answers:
        """Let learners read: each gets the lesson's page again and again until the event, evenly spread."""
        answers, every = Answers(), self.plan.page_every_seconds
        await asyncio.gather(*(self._read(one, every * n / len(learners), until, answers) for n, one in enumerate(learners)))
        return answers

    async def press(self, learners: Sequence[Learner]) -> list[PlayedRun]:
        """Let learners press Run at the same moment; return their runs once each page says that a pod runs, or all is over."""
        return list(await asyncio.gather(*(self._press(learner) for learner in learners)))

    async def watch(self, learners: Sequence[Learner], run_id: str) -> None:
        """Open one run's own page, with its stream, for learners."""
        for learner in learners:
            learner.shown = await learner.browser.follow(f"/runs/{run_id}/stream")

    async def delete(self, learners: Sequence[Learner], runs: Sequence[PlayedRun]) -> None:
        """Let learners delete their pods; return once every run is over on its page."""
        await asyncio.gather(*(self._delete(learner, run) for learner, run in zip(learners, runs, strict=True)))

    def close(self) -> None:
        """Close every browser."""
        for learner in self.learners:
            learner.browser.close()

    async def _arrive(self, learner: Learner, after: float, answers: Answers) -> None:
        await asyncio.sleep(after)
        browser = learner.browser
        await self._enter(browser, learner.number)
        page = await browser.get(self.plan.lesson)
        _note(answers, page.status, page.seconds, self.plan.lesson)
        for asset in dict.fromkeys(ASSETS.findall(page.text)):
            answer = await browser.get(asset.replace("&amp;", "&"))
            if answer.status != 200:
                raise RehearsalError(f"cannot rehearse: {asset} was answered with {answer.status}; build the front end first")
        learner.own = await browser.follow(f"{self.plan.lesson}/stream")
        await self._until(lambda: learner.own.is_ready, f"the stream of learner {learner.number}")

    async def _read(self, learner: Learner, after: float, until: asyncio.Event, answers: Answers) -> None:
        if await _is_set_within(until, after):
            return
        while True:
            page = await learner.browser.get(self.plan.lesson)
            _note(answers, page.status, page.seconds, self.plan.lesson)
            if await _is_set_within(until, self.plan.page_every_seconds):
                return

    async def _press(self, learner: Learner) -> PlayedRun:
        seen, pressed = learner.own, self._clock.now()
        answer = await learner.browser.post(f"/examples/{self.plan.example}/run", manifest=self.plan.manifest)
        if answer.status != 200:
            raise RehearsalError(f"cannot rehearse: Run was answered with {answer.status}; look at the lab's log")
        await self._until(lambda: bool(_runs_of(seen) - learner.known), f"a first fact for learner {learner.number}")
        (run_id,) = _runs_of(seen) - learner.known
        learner.known.add(run_id)
        first = min(at for (run, _), at in seen.arrivals.items() if run == run_id)
        await self._until(lambda: run_id in seen.running or run_id in seen.ended, f"a pod of learner {learner.number}")
        return PlayedRun(
            run_id=run_id,
            pressed=pressed,
            answered_seconds=answer.seconds,
            first_fact=first,
            running=seen.running.get(run_id),
        )

    async def _delete(self, learner: Learner, run: PlayedRun) -> None:
        await asyncio.sleep(LOOKING_SECONDS)
        await learner.browser.post(f"/examples/{self.plan.example}/delete", mode="graceful")
        await self._until(lambda: run.run_id in learner.own.ended, f"the end of the run of learner {learner.number}")

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = self._clock.monotonic() + 2 * PATIENCE_SECONDS
        while not holds():
            if self._clock.monotonic() > deadline:
                raise RehearsalError(
                    f"cannot rehearse: {what} has not come in {2 * PATIENCE_SECONDS:.0f} s; look at the lab's log"
                )
            await asyncio.sleep(POLL_SECONDS)


def _runs_of(seen: Seen) -> set[str]:
    return {run_id for run_id, _ in seen.arrivals}


def _note(answers: Answers, status: int, seconds: float, path: str) -> None:
    answers.seconds.append(seconds)
    if status != 200:
        answers.refused.append(f"{path}: {status}")


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
