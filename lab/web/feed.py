"""A run rendered once per language for everybody who follows it.

A `Feed` pulls the run's entries, folds them into its `Story` and keeps, as HTML, the rows, the current parts and the last
updates. Followers hold nothing but a cursor. An update is a set of fragments that htmx swaps out of band: new rows are
appended, parts are morphed in place. Every element has a stable id, so that a second swap is harmless.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from jinja2 import Environment
from markupsafe import Markup

from lab.lessons import Language
from lab.timeline.facts import Entry, LogChunk, RunOpened
from lab.web import panels
from lab.web.signals import signals_of
from lab.web.steps import Step, step_of
from lab.web.story import PARTS, Part, Story
from lab.web.wording import WORDINGS

KEPT_UPDATES = 512  # per run and language; a follower further behind takes a snapshot
KEPT_STEPS = 2_000  # rows of one run that a page shows; a pod that crashes all day has more
KEPT_FEEDS = 1_024  # runs and languages rendered at a time; the least recently used is dropped and can be made again

Read = Callable[[str, int], tuple[Entry, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What one entry changed on the page, or with ``whole`` a snapshot of everything up to ``seq``. ``data`` is the HTML as the
    data lines of a server-sent event, written once for everybody."""

    seq: int
    data: str
    whole: bool = False


class Renderer:
    """Renders the parts of a run in one language; usable from any thread, outside requests too."""

    def __init__(self, environment: Environment, language: Language) -> None:
        self._environment = environment
        self.language = language

    def part(self, part: Part, story: Story) -> Markup:
        """Return the inside of a part's element."""
        context = _CONTEXTS[part](story)
        return self._render(f"parts/_{part.replace('-', '_')}.html", view=context)

    def step(self, step: Step) -> Markup:
        """Return a row of the list of steps."""
        return self._render(step.template, step=step, fact=step.fact)

    def log_lines(self, lines: panels.LogLines) -> Markup:
        """Return the lines of a log as one entry brought them."""
        return self._render("facts/_log_chunk.html", lines=lines)

    def _render(self, template: str, **context: object) -> Markup:
        html = self._environment.get_template(template).render(say=WORDINGS[self.language], **context)
        return Markup(html)  # noqa: S704 - the template has escaped its values


_CONTEXTS: Mapping[Part, Callable[[Story], object]] = {
    "status": panels.status_of,
    "answer": panels.commands_of,
    "files": panels.files_of,
    "events": panels.events_of,
    "describe": panels.descriptions_of,
    "hook-output": panels.hooks_of,
    "signals": signals_of,
    "logs": panels.logs_of,
}


class Feed:
    """One run in one language. Thread-safe. ``key`` names the card whose elements the fragments go to."""

    def __init__(self, run_id: str, key: str, renderer: Renderer, read: Read) -> None:
        self._run_id = run_id
        self._key = key
        self._renderer = renderer
        self._read = read
        self._lock = threading.Lock()
        self._story = Story()
        self._covered = 0
        self._parts: dict[Part, Markup] = {}
        self._steps: deque[Markup] = deque(maxlen=KEPT_STEPS)
        self._updates: deque[Update] = deque(maxlen=KEPT_UPDATES)

    def parts(self) -> tuple[Mapping[Part, Markup], Markup]:
        """Return the parts and the rows as they are now, for a page."""
        with self._lock:
            self._advance()
            return self._current_parts(), Markup("").join(self._steps)

    def live(self) -> bool:
        """Whether the run is still open, as far as its entries have been taken in."""
        with self._lock:
            return self._story.ended is None

    def snapshot(self) -> Update:
        """Return fragments that make any state of the card the current one."""
        with self._lock:
            self._advance()
            rows = _fragment("ol", f"steps-{self._key}", Markup("").join(self._steps))
            parts = [_fragment("div", f"{part}-{self._key}", html) for part, html in self._current_parts().items()]
            return Update(seq=self._story.seq, data=_data_lines([rows, *parts]), whole=True)

    def after(self, seq: int, *, upto: int) -> tuple[Update, ...]:
        """Return the updates with ``seq < update.seq <= upto``, or a snapshot when the oldest of them is not kept any more.
        Of the followers that a new entry wakes, the first renders it and the others find it rendered."""
        with self._lock:
            if upto > self._covered:
                self._advance()
                self._covered = upto
            behind = len(self._updates) == KEPT_UPDATES and self._updates[0].seq > seq + 1
            updates = tuple(update for update in self._updates if seq < update.seq <= upto)
        return (self.snapshot(),) if behind else updates

    # The lock is held in everything below.

    def _advance(self) -> None:
        """Take in what has become durable. Parts are rendered once per batch, with the last entry that changed them."""
        entries = self._read(self._run_id, self._story.seq)
        changes: list[tuple[Entry, Markup, frozenset[Part]]] = []
        for entry in entries:
            changed = self._story.add(entry)
            step = step_of(entry, self._story)
            row = self._renderer.step(step) if step else Markup("")
            if row:
                self._steps.append(row)
            if isinstance(entry.fact, RunOpened):
                changed = frozenset(PARTS)
            changes.append((entry, row, changed))
        for part in frozenset[Part]().union(*(changed for _, _, changed in changes)):
            self._parts[part] = self._renderer.part(part, self._story)
        self._updates.extend(self._updates_of(changes))

    def _updates_of(self, changes: list[tuple[Entry, Markup, frozenset[Part]]]) -> list[Update]:
        updates: list[Update] = []
        sent: set[Part] = set()
        for entry, row, changed in reversed(changes):
            fragments = [_appended("ol", f"steps-{self._key}", row)] if row else []
            lines = self._new_log_lines(entry)
            if lines:
                fragments.append(lines)
                changed = changed - {"logs"}
            for part in changed - sent:
                fragments.append(_fragment("div", f"{part}-{self._key}", self._parts[part]))
            sent |= changed
            updates.append(Update(seq=entry.seq, data=_data_lines(fragments)))
        return updates[::-1]

    def _new_log_lines(self, entry: Entry) -> Markup:
        """Return the appended lines of a log that is already on the page; its first chunk comes with the whole part."""
        fact = entry.fact
        if not isinstance(fact, LogChunk) or fact.offset == 0:
            return Markup("")
        lines = panels.log_lines(entry)
        assert lines is not None  # noqa: S101 - a LogChunk always has lines
        return _appended("div", panels.log_key(entry.pod_uid, entry.container, fact.attempt), self._renderer.log_lines(lines))

    def _current_parts(self) -> Mapping[Part, Markup]:
        for part in PARTS:
            if part not in self._parts or (part == "logs" and self._story.logs):
                self._parts[part] = self._renderer.part(part, self._story)
        return {part: self._parts[part] for part in PARTS}


class Feeds:
    """The feeds in use. Thread-safe."""

    def __init__(self, renderers: Mapping[Language, Renderer], read: Read) -> None:
        self._renderers = renderers
        self._read = read
        self._lock = threading.Lock()
        self._feeds: OrderedDict[tuple[str, Language], Feed] = OrderedDict()

    def of(self, run_id: str, key: str, language: Language) -> Feed:
        """Return the feed of a run, making it when it is not kept."""
        with self._lock:
            feed = self._feeds.get((run_id, language))
            if feed is None:
                feed = self._feeds[run_id, language] = Feed(run_id, key, self._renderers[language], self._read)
            self._feeds.move_to_end((run_id, language))
            while len(self._feeds) > KEPT_FEEDS:
                self._feeds.popitem(last=False)
            return feed

    def empty(self, language: Language) -> tuple[Mapping[Part, Markup], Markup]:
        """Return the parts and rows of an example that has not been run."""
        story = Story()
        return {part: self._renderers[language].part(part, story) for part in PARTS}, Markup("")


def _fragment(tag: str, element_id: str, html: Markup) -> Markup:
    return Markup('<{tag} id="{id}" hx-swap-oob="morph">{html}</{tag}>').format(tag=tag, id=element_id, html=html)


def _appended(tag: str, target_id: str, html: Markup) -> Markup:
    return Markup('<{tag} hx-swap-oob="append:#{id}">{html}</{tag}>').format(tag=tag, id=target_id, html=html)


def _data_lines(fragments: Iterable[Markup]) -> str:
    # A carriage return ends a line of an event too: what a container wrote may not go on as a field of its own.
    html = str(Markup("").join(fragments)).replace("\r", "&#13;")
    return "".join(f"data: {line}\n" for line in html.split("\n"))
