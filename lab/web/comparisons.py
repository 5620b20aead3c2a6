"""The comparison of two runs: choose them, see what differs, read their steps beside each other, look at both lifelines.

Runs are named in the address, so that a comparison can be linked to. Nothing here changes anything.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, request
from markupsafe import Markup

from lab.insight.comparison import Aligned, Anchor, Pair, align, aligned
from lab.insight.differences import Difference, differences
from lab.lessons import Language
from lab.timeline.facts import JSON, Entry, ObjectWritten
from lab.timeline.run import Run
from lab.web.frames import Renderer
from lab.web.manifest_diff import DiffLine, manifest_diff
from lab.web.presenters import card_key
from lab.web.steps import Actor, Family, step_of, write_of
from lab.web.story import Story
from lab.web.visit import Site, chosen_language, learner

RECENT_RUNS = 50  # to choose from
MOST_STEPS = 600  # of each run; what comes after them is left out, and said so


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A run to choose from."""

    id: str
    title: str
    opened_at: datetime
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedStep:
    """A step in its column. Its time counts from the anchor."""

    seq: int
    offset_seconds: float
    actor: Actor
    family: Family
    sentence: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow:
    """Steps that belong together."""

    left: ComparedStep | None
    right: ComparedStep | None
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the runs. ``frames`` is what its lifelines are drawn from."""

    choice: Choice
    frames: Markup
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs beside each other."""

    left: Side
    right: Side
    anchor: Anchor
    diff: tuple[DiffLine, ...]
    differences: tuple[Difference, ...]
    rows: tuple[ComparedRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparePage:
    """``missing`` are ids of runs that there are not; ``comparison`` is None until two were chosen. ``can_meet_at_delete``: both
    runs have a delete."""

    choices: tuple[Choice, ...]
    a: str
    b: str
    missing: tuple[str, ...]
    comparison: Comparison | None
    can_meet_at_delete: bool
    engine_problem: str | None


def add_comparisons(blueprint: Blueprint, site: Site) -> None:
    """Add the page to the blueprint."""

    @blueprint.get("/compare")
    def compare() -> Response:
        wanted = [request.args.get(name, "") for name in ("a", "b")]
        runs = [site.find_run(run_id) if run_id else None for run_id in wanted]
        language = chosen_language()
        comparer = _Comparer(site, language)
        comparison = None
        at_delete = False
        if runs[0] is not None and runs[1] is not None:
            left, right = (_Told(run, site.entries(run.id), comparer) for run in runs if run is not None)
            at_delete = left.deleted is not None and right.deleted is not None
            anchor: Anchor = "delete" if at_delete and request.args.get("align") != "run" else "run"
            comparison = comparer.compare(left, right, anchor)
        recent = site.services.runs.recent(learner(), RECENT_RUNS)
        named = tuple(run for run in runs if run is not None and run.id not in {one.id for one in recent})
        page = ComparePage(
            choices=tuple(comparer.choice(run) for run in (*dict.fromkeys(named), *recent)),
            a=wanted[0],
            b=wanted[1],
            missing=tuple(run_id for run_id, run in zip(wanted, runs, strict=True) if run_id and run is None),
            comparison=comparison,
            can_meet_at_delete=at_delete,
            engine_problem=None,
        )
        return site.page("compare.html", page)


class _Told:
    """A run with its steps as they are listed, and what each is for the alignment."""

    def __init__(self, run: Run, entries: Sequence[Entry], comparer: _Comparer) -> None:
        self.run = run
        self.entries = entries
        story = Story()
        listed: list[tuple[Aligned, Entry, Actor, Family, Markup]] = []
        self.left_out = 0
        for entry, place in zip(entries, aligned(entries), strict=True):
            story.add(entry)
            step = step_of(entry, story)
            if step is None:
                continue
            if len(listed) == MOST_STEPS:
                self.left_out += 1
                continue
            listed.append((place, entry, step.actor, step.family, comparer.renderer.step(step).sentence))
        self.steps = listed
        self.opened = entries[0].elapsed_seconds if entries else 0.0
        self.deleted = next((n for n, (_, entry, *_) in enumerate(listed) if _is_deletion(entry)), None)

    def anchor_seconds(self, anchor: Anchor) -> float:
        """Return when the anchor is, in the timeline's seconds."""
        return self.steps[self.deleted][1].elapsed_seconds if anchor == "delete" and self.deleted is not None else self.opened

    def step(self, index: int, anchor: Anchor) -> ComparedStep:
        """Return a step for its column."""
        _, entry, actor, family, sentence = self.steps[index]
        offset = entry.elapsed_seconds - self.anchor_seconds(anchor)
        return ComparedStep(seq=entry.seq, offset_seconds=offset, actor=actor, family=family, sentence=sentence)


class _Comparer:
    """Compares runs in one language."""

    def __init__(self, site: Site, language: Language) -> None:
        self.renderer: Renderer = site.renderers[language]
        self._site = site
        self._language: Language = language

    def choice(self, run: Run) -> Choice:
        """Return a run to choose from."""
        example = self._site.find_example(run.example)
        title = example.labels[self._language] if example else run.example
        return Choice(id=run.id, title=title, opened_at=run.opened_at, live=run.ended is None)

    def compare(self, left: _Told, right: _Told, anchor: Anchor) -> Comparison:
        """Return two runs beside each other."""
        cuts = (left.deleted or 0, right.deleted or 0) if anchor == "delete" else None
        pairs = align([step[0] for step in left.steps], [step[0] for step in right.steps], cuts)
        return Comparison(
            left=self._side(left),
            right=self._side(right),
            anchor=anchor,
            diff=manifest_diff(left.run.manifest, right.run.manifest),
            differences=differences(left.entries, right.entries),
            rows=tuple(_row(pair, left, right, anchor) for pair in pairs),
        )

    def _side(self, told: _Told) -> Side:
        run = told.run
        feed = self._site.feeds.of(run.id, card_key(run.example), self._language)
        _, texts = feed.after(0, upto=run.last_seq or (told.entries[-1].seq if told.entries else 0))
        frames = [slim for text in texts if (slim := _slim(json.loads(text)))]
        message = {"run": run.id, "card": "", "reset": True, "live": False, "frames": frames}
        return Side(
            choice=self.choice(run),
            frames=Markup(json.dumps(message).replace("<", "\\u003c")),  # noqa: S704 - no tag can begin in it
            left_out=told.left_out,
        )


def _row(pair: Pair, left: _Told, right: _Told, anchor: Anchor) -> ComparedRow:
    return ComparedRow(
        left=None if pair.left is None else left.step(pair.left, anchor),
        right=None if pair.right is None else right.step(pair.right, anchor),
        changed=pair.changed,
    )


def _slim(frame: JSON) -> JSON | None:
    """Return what lifelines need of a frame."""
    kept: JSON = {name: frame[name] for name in ("deletes", "marks", "ruler") if name in frame}
    if "step" in frame:
        kept["step"] = {**frame["step"], "html": ""}
    return {"seq": frame["seq"], "t": frame["t"], **kept} if kept else None


def _is_deletion(entry: Entry) -> bool:
    return isinstance(entry.fact, ObjectWritten) and write_of(entry.fact) == "deletion"
