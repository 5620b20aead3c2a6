"""A run's frames, made once per language for everybody who follows it.

A `Feed` pulls the run's entries and keeps their frames, as text for streams and as a `Picture` for pages. Followers hold
nothing but a cursor.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Mapping

from markupsafe import Markup

from lab.lessons import Language
from lab.timeline.facts import Entry
from lab.web.frames import Frames, Renderer, frame_text
from lab.web.picture import Picture

KEPT_CHARACTERS = 32 * 1024 * 1024  # of all frames in memory: some 400 runs, 100 MB; the oldest can be made again

Read = Callable[[str, int], tuple[Entry, ...]]


class Feed:
    """One run in one language. Thread-safe. ``key`` names the card whose elements the frames go to."""

    def __init__(self, run_id: str, key: str, renderer: Renderer, read: Read) -> None:
        self.run_id = run_id
        self.key = key
        self.characters = 0
        self._read = read
        self._lock = threading.Lock()
        self._frames = Frames(renderer)
        self._picture = Picture()
        self._covered = 0
        self._seqs: list[int] = []
        self._texts: list[str] = []
        self._step_seqs: list[int] = []
        self._sentences: list[Markup] = []

    def picture(self) -> Picture:
        """Return the page as it is now."""
        with self._lock:
            self._advance()
            return self._picture.copy()

    def live(self) -> bool:
        """Whether the run is still open, as far as its entries have been taken in."""
        return self._frames.story.ended is None  # without the lock, for which a whole class waits while frames are made

    def opened_seconds(self) -> float:
        """Return when Run was pressed, in seconds since the timeline began."""
        opened = self._frames.story.opened  # the same
        return opened.elapsed_seconds if opened else 0.0

    def step(self, seq: int | None, *, upto: int) -> tuple[int, Markup]:
        """Return the number and the sentence of the step that stands at ``seq``, None for the newest one; 0 before the first."""
        with self._lock:
            self._cover(upto)
            number = len(self._step_seqs) if seq is None else bisect_right(self._step_seqs, seq)
            return number, self._sentences[number - 1] if number else Markup("")

    def after(self, seq: int, *, upto: int) -> tuple[int, tuple[str, ...]]:
        """Return the frames after ``seq`` as JSON texts, and the seq up to which they go: ``upto`` or later. Of the followers
        that a new entry wakes, the first makes them and the others find them made."""
        with self._lock:
            self._cover(upto)
            return max(upto, self._frames.story.seq), tuple(self._texts[bisect_right(self._seqs, seq) :])

    def _cover(self, upto: int) -> None:
        """Take in what has become durable up to ``upto``, and what came with it. The lock is held."""
        if upto > self._covered:
            self._advance()
            self._covered = upto

    def _advance(self) -> None:
        """Take in what has become durable. The lock is held."""
        for entry in self._read(self.run_id, self._frames.story.seq):
            frame = self._frames.add(entry)
            if frame is None or frame.is_empty:
                continue
            text = frame_text(frame)
            self._picture.add(frame)
            self._seqs.append(entry.seq)
            self._texts.append(text)
            self.characters += len(text)
            if frame.step:
                self._step_seqs.append(entry.seq)
                self._sentences.append(frame.step.sentence)
                self.characters += len(frame.step.sentence)


class Feeds:
    """The feeds in use. Thread-safe."""

    def __init__(self, renderers: Mapping[Language, Renderer], read: Read) -> None:
        self._renderers = renderers
        self._read = read
        self._lock = threading.Lock()
        self._empty: dict[Language, Picture] = {}
        self._feeds: OrderedDict[tuple[str, Language], Feed] = OrderedDict()

    def of(self, run_id: str, key: str, language: Language) -> Feed:
        """Return the feed of a run, making it when it is not kept."""
        with self._lock:
            feed = self._feeds.get((run_id, language))
            if feed is None:
                feed = self._feeds[run_id, language] = Feed(run_id, key, self._renderers[language], self._read)
            self._feeds.move_to_end((run_id, language))
            surplus = sum(kept.characters for kept in self._feeds.values()) - KEPT_CHARACTERS
            while surplus > 0 and len(self._feeds) > 1:
                _, dropped = self._feeds.popitem(last=False)
                surplus -= dropped.characters
            return feed

    def empty(self, language: Language) -> Picture:
        """Return the page of an example that has not been run."""
        with self._lock:
            if language not in self._empty:
                self._empty[language] = Picture()
                self._empty[language].add(Frames(self._renderers[language]).before())
            return self._empty[language].copy()
