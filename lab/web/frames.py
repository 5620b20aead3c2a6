"""Frames: what each entry of a run adds to its page, in one language, once and for every way of showing it.

The fold of meaning is here, in Python; a browser only keeps the versions and picks those that stand at the step it shows. A
frame holds a row of the list of steps, marks of the lifelines, the new state of a grace ruler, new versions of parts and
texts, rows of lists: whatever its entry changed, and nothing else. The same frames go into a stream, a page and a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jinja2 import Environment
from markupsafe import Markup

from lab.insight.headline import Headline
from lab.insight.lifelines import Lifelines
from lab.insight.marks import Arrow, BarClosed, BarOpened, Lane, Mark, Point
from lab.insight.ruler import Ruler
from lab.lessons import Language
from lab.lessons.check import Check, Judge
from lab.timeline.facts import JSON, CommandExecuted, Entry, ObjectWritten, RunOpened
from lab.web import panels
from lab.web.panels import Status
from lab.web.processes import processes_of
from lab.web.rows import Row, rows_of
from lab.web.steps import Step, step_of
from lab.web.story import Story
from lab.web.texts import TEXTS, Answers, Patch, TextName, patch
from lab.web.wording import WORDINGS, Wording

PARTS: Mapping[str, Callable[[Story], object]] = {
    "status": panels.status_of,
    "answer": panels.commands_of,
    "headline": panels.headline_of,
    "processes": processes_of,
    "hints": lambda story: story.hints.found,
    "check": lambda story: story.judge,
    "holds": lambda story: story.hands.held,
    "shell": lambda story: story.hands.running,
    "command": lambda story: story.hands.executed,
}
CheckOf = Callable[[str], Check | None]
SENTENCE = 'class="sentence">'
SENTENCE_END = "<!--/sentence-->"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedStep:
    """A row of the list of steps. ``say`` is what is read aloud when it happens, None when nothing is."""

    html: Markup
    sentence: Markup
    actor: str
    family: str
    say: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedRow:
    """A row of another list."""

    list: str
    key: str
    html: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What one entry changed. ``at_seconds`` counts since Run; ``deletes`` says that the run's first deletion is this entry."""

    seq: int
    at_seconds: float
    step: RenderedStep | None = None
    marks: tuple[JSON, ...] = ()
    ruler: JSON | None = None
    parts: Mapping[str, Markup]
    texts: Mapping[TextName, Patch]
    rows: tuple[RenderedRow, ...] = ()
    deletes: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the page stays as it was."""
        return not (self.step or self.marks or self.ruler or self.parts or self.texts or self.rows)

    def to_json(self) -> JSON:
        """Return the frame as JSON, without what it does not hold."""
        step = self.step
        value: JSON = {"seq": self.seq, "t": round(self.at_seconds, 3)}
        if step:
            value["step"] = {"html": step.html, "actor": step.actor, "family": step.family, "say": step.say}
        if self.deletes:
            value["deletes"] = True
        if self.marks:
            value["marks"] = list(self.marks)
        if self.ruler:
            value["ruler"] = [self.ruler]
        if self.parts:
            value["parts"] = dict(self.parts)
        if self.texts:
            value["texts"] = {
                name: [[keep, drop, list(lines)] for keep, drop, lines in hunks] for name, hunks in self.texts.items()
            }
        if self.rows:
            value["rows"] = [{"list": row.list, "key": row.key, "html": row.html} for row in self.rows]
        return value


class Renderer:
    """Renders the pieces of a run in one language; usable from any thread, outside requests too."""

    def __init__(self, environment: Environment, language: Language, check_of: CheckOf = lambda _: None) -> None:
        """Render with templates of ``environment``; ``check_of`` an example's id is its check, if it is a challenge."""
        self._environment = environment
        self.language = language
        self.check_of = check_of
        self.say: Wording = WORDINGS[language]

    def part(self, part: str, view: object) -> Markup:
        """Return the inside of a part's element."""
        return self._render(f"parts/_{part.replace('-', '_')}.html", view=view)

    def step(self, step: Step) -> RenderedStep:
        """Return a row of the list of steps."""
        html = self._render(step.template, step=step, fact=step.fact)
        sentence = Markup(html.partition(SENTENCE)[2].partition(SENTENCE_END)[0])  # noqa: S704 - a part of what was rendered
        return RenderedStep(
            html=Markup(html.replace(SENTENCE_END, "", 1)),  # noqa: S704 - the same, without a comment of ours
            sentence=sentence,
            actor=step.actor,
            family=step.family,
            say=sentence.striptags() if step.announced else None,
        )

    def row(self, row: Row) -> RenderedRow:
        """Return a row of a list."""
        return RenderedRow(
            list=row.list, key=row.key, html=self._render(f"rows/_{row.template}.html", view=row.view, key=row.key)
        )

    def _render(self, template: str, **context: object) -> Markup:
        html = self._environment.get_template(template).render(say=self.say, **context)
        return Markup(html.strip())  # noqa: S704 - the template has escaped its values


class Frames:
    """The fold: a frame for every entry of a run, in order. Not thread-safe."""

    def __init__(self, renderer: Renderer) -> None:
        self.story = Story()
        self._renderer = renderer
        self._lifelines = Lifelines()
        self._views: dict[str, object] = {}
        self._parts: dict[str, Markup] = {}
        self._answers = Answers(renderer.say)
        self._texts: dict[TextName, tuple[str, ...]] = dict.fromkeys(TEXTS, ())

    def before(self) -> Frame:
        """Return the page before there is any entry."""
        return Frame(seq=0, at_seconds=0.0, parts=self._changed_parts(), texts={})

    def add(self, entry: Entry) -> Frame | None:
        """Return what an entry changes on the page; None for one that was taken in before."""
        if isinstance(entry.fact, RunOpened) and (check := self._renderer.check_of(entry.fact.example)):
            self.story.judge = Judge(check)
        if not self.story.add(entry):
            return None
        story, render = self.story, self._renderer
        step, ruler = step_of(entry, story), story.known.ruler
        opened = story.opened.elapsed_seconds if story.opened else entry.elapsed_seconds
        return Frame(
            seq=entry.seq,
            at_seconds=story.since_run_seconds(entry),
            step=render.step(step) if step else None,
            marks=tuple(mark_json(mark, render.say) for mark in self._lifelines.add(entry)),
            ruler=ruler_json(ruler, opened) if ruler else None,
            parts=self._changed_parts(),
            texts=self._changed_texts(entry, entry.fact) if isinstance(entry.fact, ObjectWritten) else {},
            rows=tuple(render.row(row) for row in rows_of(entry, story)),
            deletes=story.deleted is entry,
        )

    def _changed_parts(self) -> Mapping[str, Markup]:
        changed: dict[str, Markup] = {}
        for part, view_of in PARTS.items():
            view = view_of(self.story)
            if part in self._parts and _is_value(view) and view == self._views[part]:
                continue
            html = self._renderer.part(part, view)
            if html != self._parts.get(part):
                changed[part] = html
            self._views[part], self._parts[part] = view, html
        return changed

    def _changed_texts(self, entry: Entry, write: ObjectWritten) -> Mapping[TextName, Patch]:
        changed: dict[TextName, Patch] = {}
        for name, before in self._texts.items():
            if name == "yaml" and write.kind != "Pod":
                continue
            after = self._answers.lines(name, self.story, entry)
            if after != before:
                changed[name], self._texts[name] = patch(before, after), after
        return changed


def _is_value(view: object) -> bool:
    """Whether a view never changes, so that an equal one looks the same."""
    return view is None or isinstance(view, tuple | Headline | Status | CommandExecuted)


def frame_text(frame: Frame) -> str:
    """Return the frame as JSON on one line, in UTF-8's reach: what a learner's text holds of lone surrogates is replaced."""
    text = json.dumps(frame.to_json(), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def ruler_json(ruler: Ruler, opened_at: float) -> JSON:
    """Return a ruler as JSON; its times become seconds since Run."""

    def since(at: float | None) -> float | None:
        return None if at is None else round(at - opened_at, 3)

    return {
        "pod": ruler.pod,
        "container": ruler.container,
        "attempt": ruler.attempt,
        "deleted": since(ruler.deleted_at),
        "grace": ruler.grace_seconds,
        "hook": None if ruler.hook_began_at is None else [since(ruler.hook_began_at), since(ruler.hook_ended_at)],
        "hook_timed_out": ruler.hook_timed_out,
        "counted": ruler.counted_seconds if ruler.counts_less_than_spent and not ruler.is_at_floor else None,
        "floor": ruler.is_at_floor,
        "signal": since(ruler.signal_at),
        "signal_name": ruler.signal_name,
        "kill_due": since(ruler.kill_due_at),
        "killed": since(ruler.killed_at),
        "exited": since(ruler.exited_at),
        "exit_code": ruler.exit_code,
        "holds": [[since(began), since(ended)] for began, ended in ruler.holds],
        "forced": ruler.forced,
        "why": ruler.cause,
    }


def mark_json(mark: Mark, say: Wording) -> JSON:
    """Return a mark as JSON in one language."""
    match mark:
        case Lane():
            return {"lane": mark.key, "title": say.plain(mark.title), "order": mark.order, "family": mark.family}
        case BarOpened():
            return {"lane": mark.lane, "open": mark.id, "tone": mark.tone, "label": say.plain(mark.label)}
        case BarClosed():
            label = None if mark.label is None else say.plain(mark.label)
            return _without_none({"close": mark.id, "tone": mark.tone, "label": label})
        case Point():
            return _without_none({"lane": mark.lane, "point": mark.kind, "label": say.plain(mark.label), "tone": mark.tone})
        case Arrow():
            return {
                "lane": mark.lane,
                "arrow": mark.name,
                "tone": mark.effect,
                "label": say.plain(mark.label),
                "from": mark.sender,
            }


def _without_none(value: JSON) -> JSON:
    return {name: item for name, item in value.items() if item is not None}
