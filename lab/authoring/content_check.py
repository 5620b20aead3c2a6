"""Does every example do what its lesson says? Each is played on a real engine; what differs is a finding with its file and line.

An example must show what its ``expect`` says. A challenge's starting manifest must show that too, which is its symptom, and
must not pass its own check; its solution must pass; and the solution's run with every hook taken away must not: whoever
removes what is to be mended has not mended it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from lab.authoring.rehearsal import Rehearsed
from lab.clock import Clock
from lab.insight.predictions import Prediction, compare
from lab.lessons import Example
from lab.lessons.cards import Cards
from lab.lessons.example import Challenge
from lab.timeline.facts import (
    JSON,
    Entry,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    ObjectWritten,
)

HOOK_FACTS = (HookStarted, HookFinished, HookFailed, HookTimedOut, HookSkipped)

Play = Callable[[Example], Rehearsed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong; ``path`` is relative to the content folder, ``line`` 1-based."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An example that was checked: nothing found means that all is well. ``rehearsed`` is its run as the lesson tells it,
    ``solved`` that of a challenge's solution."""

    example: Example
    rehearsed: Rehearsed
    solved: Rehearsed | None
    findings: tuple[Finding, ...]
    seconds: float


def check_content(examples: Sequence[Example], play: Play, clock: Clock, *, jobs: int) -> Iterator[Checked]:
    """Play and judge the examples, ``jobs`` at a time; yield each as it is done. One that is amiss is played once more, alone,
    and that counts: beside others a machine may let another be first than the lesson says. What kept one from being played is
    raised at the end."""
    waiting, done = deque(examples), deque[Checked | Exception]()
    changed = clock.condition()

    def work() -> None:
        while True:
            with changed:
                if not waiting:
                    return
                example = waiting.popleft()
            checked = _checked(example, play, clock)
            with changed:
                done.append(checked)
                changed.notify_all()

    for number in range(min(jobs, len(examples))):
        clock.spawn(f"check {number}", work)
    errors, amiss = [], []
    for _ in examples:
        with changed:
            changed.wait_for(lambda: bool(done))
            checked = done.popleft()
        if isinstance(checked, Exception):
            errors.append(checked)
        elif checked.findings:
            amiss.append(checked.example)
        else:
            yield checked
    for example in amiss:
        checked = _checked(example, play, clock)
        if isinstance(checked, Exception):
            errors.append(checked)
        else:
            yield checked
    if errors:
        raise errors[0]


def _checked(example: Example, play: Play, clock: Clock) -> Checked | Exception:
    began = clock.monotonic()
    try:
        rehearsed = play(example)
        solved = play(example.solved(example.challenge)) if example.challenge else None
    except Exception as error:
        return error
    findings = tuple(_findings(example, rehearsed, solved))
    return Checked(example=example, rehearsed=rehearsed, solved=solved, findings=findings, seconds=clock.monotonic() - began)


def _findings(example: Example, rehearsed: Rehearsed, solved: Rehearsed | None) -> Iterator[Finding]:
    yield from _at("example.yaml", example, rehearsed.troubles)
    yield from _at("example.yaml", example, rehearsed.sightings.amiss(example.expect))
    yield from _at("example.yaml", example, _amiss_in_files(example, rehearsed))
    yield from _at("example.yaml", example, _amiss_in_cards(example.cards, rehearsed))
    if example.challenge is not None and solved is not None:
        yield from _at("check.yaml", example, judge_start(example.challenge, rehearsed.entries))
        yield from _at("solution.yaml", example, solved.troubles)
        yield from _at("solution.yaml", example, judge_solution(example.challenge, solved.entries))


def judge_start(challenge: Challenge, entries: Iterable[Entry]) -> Iterator[str]:
    """Say what is wrong with the starting manifest: that it passes already."""
    if challenge.check.judge(entries).passed:
        yield "cannot be a challenge: the starting manifest passes its own check; ask for what it does not show"


def judge_solution(challenge: Challenge, entries: Iterable[Entry]) -> Iterator[str]:
    """Say what is wrong with the solution: what it does not fulfil, or that the same run without any hook would pass as well."""
    entries = tuple(entries)
    verdict = challenge.check.judge(entries)
    for requirement, held in zip(challenge.check.require, verdict.held, strict=True):
        if not held:
            yield f"does not fulfil {requirement.name}: {requirement.failed['en']}"
    if verdict.spoilt is not None:
        yield f"fires the failcheck: {verdict.spoilt['en']}"
    elif all(verdict.held) and not verdict.passed:
        yield "does not come to its end; end it with a delete and a wait for gone"
    bare = without_hooks(entries)
    if verdict.passed and bare != entries and challenge.check.judge(bare).passed:
        yield "passes with all hooks removed too; ask in check.yaml for what is to be mended"


def without_hooks(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return a run's entries as they would be had the learner deleted every ``lifecycle`` from the manifest."""
    rest = (entry for entry in entries if not isinstance(entry.fact, HOOK_FACTS))
    return tuple(
        replace(entry, fact=replace(entry.fact, object=_without_lifecycle(entry.fact.object)))
        if isinstance(entry.fact, ObjectWritten) and entry.fact.kind == "Pod"
        else entry
        for entry in rest
    )


def _without_lifecycle(pod: JSON) -> JSON:
    spec = dict(pod.get("spec", {}))
    for kind in ("containers", "initContainers"):
        if kind in spec:
            spec[kind] = [{name: value for name, value in one.items() if name != "lifecycle"} for one in spec[kind]]
    return {**pod, "spec": spec}


def _amiss_in_files(example: Example, rehearsed: Rehearsed) -> Iterator[str]:
    wanted: dict[str, str | None] = {**example.expect.files}
    wanted |= {f"host:{path}": text for path, text in example.expect.node_files.items()}
    for key, text in wanted.items():
        found = rehearsed.files.get(key)
        if (found if isinstance(found, str) else None) != text:
            yield f"{key} holds {found!r}, not {text!r}"


def _amiss_in_cards(cards: Cards, rehearsed: Rehearsed) -> Iterator[str]:
    right = Prediction(order=tuple(card.key for card in cards.happening), never=tuple(card.key for card in cards.never))
    for placed in compare(cards.every, right, rehearsed.sightings.story):
        if placed.verdict != "right":
            yield f"predict: {placed.card.moment!r} did not come in this place; put the cards in the order of the run"


def _at(file: str, example: Example, messages: Iterable[str]) -> Iterator[Finding]:
    for message in messages:
        yield Finding(path=f"{example.folder}/{file}", line=1, message=message)
