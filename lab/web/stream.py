"""Server-sent events: everything of a run on connect, then its frames as their entries become durable.

Pull, do not push: a stream holds a cursor and a thread of the server, and nobody waits for it. A page has one stream,
however many examples stand on it: `follow_examples` follows the learner's timeline, picks up new runs of the page's examples by
itself and stays open; `follow_run` ends with an ``end`` event when its run is closed. A batch is one ``frames`` event for each
card; its last one carries the cursor as the event's id. A client that gives its last event id gets what came after it, every
other gets all. A stream that ends because the lab stops says so last. Nothing is lost; what comes twice after a broken connection
has the same seq.

In a classroom a page is also told what its class is doing (`News`), on connect and whenever that changes, in ``class`` events
without an id: they are states, not facts. There every page has a stream, `follow_class` where nothing else is followed, and it
stays open when its run has ended.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from lab.errors import HistoryExpired
from lab.lessons import Language
from lab.timeline.facts import JSON, Entry, RunOpened
from lab.timeline.run import Run
from lab.timeline.timeline import Timeline
from lab.web.feed import Feed, Feeds
from lab.web.services import Runs

HEARTBEAT_SECONDS = 10.0  # below the idle limit of common proxies; the page reconnects after two and a half of them
RECONNECT_MILLISECONDS = 1_000  # what a browser waits before it connects again

RETRY = f"retry: {RECONNECT_MILLISECONDS}\n\n"
READY = "event: ready\ndata: \n\n"
HEARTBEAT = "event: heartbeat\ndata: \n\n"
END = "event: end\ndata: \n\n"
STOPPING = "event: stopping\ndata: \n\n"  # the lab stops or starts again: connect again until it is back


@dataclass(slots=True, kw_only=True)
class Followed:
    """A card of the page: the feed of its newest run, and how far it has been sent. ``reset`` asks for all of it."""

    feed: Feed
    seq: int = 0
    reset: bool = True

    def message(self, upto: int, elapsed_seconds: float | None = None) -> str | None:
        """Return what is to be sent now as JSON, and count it as sent; None when there is nothing. ``elapsed_seconds`` is the
        timeline's time, None when it does not matter any more."""
        reset, feed = self.reset, self.feed
        seq, frames = feed.after(0 if reset else self.seq, upto=upto)
        self.seq, self.reset = seq, False
        if not frames and not reset:
            return None
        head: JSON = {"run": feed.run_id, "card": feed.key, "reset": reset, "live": feed.live()}
        if elapsed_seconds is not None:
            head["now"] = round(elapsed_seconds - feed.opened_seconds(), 3)
        return f'{json.dumps(head)[:-1]}, "frames": [{",".join(frames)}]}}'


class News(Protocol):
    """What a page is told beside its runs (`lab.web.news`). ``cluster`` is its visitor's."""

    cluster: str

    def listening(self, timeline: Timeline) -> AbstractContextManager[None]:
        """Have the timeline nudged whenever there may be something to tell."""
        ...

    def is_due(self) -> bool:
        """Whether there may be something to tell. Asked with the timeline's lock held."""
        ...

    def tell(self) -> str | None:
        """Return what there is to tell, in JSON; None when it was told already."""
        ...

    def goes_on(self, run: Run | None = None) -> bool:
        """Whether the page may still be told of this run, or of anything at all."""
        ...


class Streams:
    """Makes the streams of pages. ``news`` is what the page is told besides; None in a lab for one."""

    def __init__(self, runs: Runs, feeds: Feeds, news: News | None = None) -> None:
        self._runs = runs
        self._feeds = feeds
        self._news = news

    def follow_run(self, run: Run, key: str, language: Language, last_seq: int | None) -> Iterator[str]:
        """Yield the events of one run until it is closed; in a classroom go on with what the class does."""
        yield RETRY
        stops = False
        if run.ended is not None:
            yield from self._told()
            yield from self._ended(run, key, language, last_seq)
        else:
            stops = yield from self._live(run, key, language, last_seq)
        if stops:
            yield STOPPING
        elif self._news is None:
            yield END
        else:
            yield from self.follow_class()

    def follow_class(self) -> Iterator[str]:
        """Yield what a page is told that follows no run, until the lab stops. There is none in a lab for one."""
        if self._news is None:
            return
        timeline = self._runs.timeline(self._news.cluster)
        yield RETRY
        with self._runs.following(self._news.cluster, ()), self._listening(timeline):
            yield from self._told()
            yield READY
            while self._goes_on(timeline):
                timeline.wait(sys.maxsize, timeout=HEARTBEAT_SECONDS, called=self._news.is_due)
                yield from self._told() or (HEARTBEAT,)
        if timeline.dismissed:
            yield STOPPING

    def _live(self, run: Run, key: str, language: Language, last_seq: int | None) -> Generator[str, None, bool]:
        """Yield what happens in a run until it is closed or may not be seen any more, or the lab stops, which is returned."""
        timeline = self._runs.timeline(run.cluster)
        cursor = timeline.durable
        since = _resumable(timeline, last_seq)
        card = Followed(feed=self._feeds.of(run.id, key, language), seq=since or 0, reset=since is None)
        with self._runs.following(run.cluster, (run.example,)), self._listening(timeline):
            yield from self._told()
            yield from _batch((card,), timeline, cursor)
            while card.feed.live() and self._goes_on(timeline, run):
                entries = self._wait(timeline, cursor)
                told = self._told()
                cursor = max(cursor, entries[-1].seq) if entries else cursor
                yield from told
                if self._news is None or self._news.goes_on(run):
                    yield from _batch((card,), timeline, cursor) if entries else () if told else (HEARTBEAT,)
            if self._news is None or self._news.goes_on(run):
                yield from _batch((card,), timeline, timeline.durable)
        return timeline.dismissed and card.feed.live()

    def whole(self, run: Run, key: str, language: Language) -> str:
        """Return all frames of a run that has ended as one message, in JSON."""
        message = Followed(feed=self._feeds.of(run.id, key, language)).message(run.last_seq or 0)
        assert message is not None  # noqa: S101 - a reset is always a message
        return message

    def _ended(self, run: Run, key: str, language: Language, last_seq: int | None) -> Iterator[str]:
        """Yield what there is of a run that has ended; it needs no timeline."""
        last = run.last_seq or 0
        since = last_seq if last_seq is not None and run.first_seq <= last_seq <= last else None
        card = Followed(feed=self._feeds.of(run.id, key, language), seq=since or 0, reset=since is None)
        message = card.message(last)
        if message is not None:
            yield f"id: {last}\n{_event(message)}"

    def follow_examples(
        self, cluster_id: str, keys: Mapping[str, str], language: Language, last_seq: int | None
    ) -> Iterator[str]:
        """Yield the events of the newest runs of some examples (id → card key) in a learner's cluster, until the lab stops."""
        timeline = self._runs.timeline(cluster_id)
        cursor = timeline.durable
        since = _resumable(timeline, last_seq)
        cards: dict[str, Followed] = {}
        for example, key in keys.items():
            run = self._runs.latest(cluster_id, example)
            if run is not None:
                known = since is not None and run.first_seq <= since
                feed = self._feeds.of(run.id, key, language)
                cards[example] = Followed(feed=feed, seq=since or 0, reset=not known)
        yield RETRY
        with self._runs.following(cluster_id, keys), self._listening(timeline):
            yield from self._told()
            yield from _batch(cards.values(), timeline, cursor)
            yield f"id: {cursor}\n{READY}"
            while self._goes_on(timeline):
                entries = self._wait(timeline, cursor)
                told = self._told()
                for entry in entries:
                    if isinstance(entry.fact, RunOpened) and entry.fact.example in keys:
                        feed = self._feeds.of(entry.fact.run_id, keys[entry.fact.example], language)
                        cards[entry.fact.example] = Followed(feed=feed)
                cursor = entries[-1].seq if entries else cursor
                yield from told
                yield from _batch(cards.values(), timeline, cursor) if entries else () if told else (HEARTBEAT,)
        if timeline.dismissed:
            yield from _batch(cards.values(), timeline, timeline.durable)
            yield STOPPING

    def _listening(self, timeline: Timeline) -> AbstractContextManager[None]:
        return nullcontext() if self._news is None else self._news.listening(timeline)

    def _told(self) -> tuple[str, ...]:
        """Return the event that says what is new of the class, if anything is."""
        message = None if self._news is None else self._news.tell()
        return () if message is None else (f"event: class\ndata: {message}\n\n",)

    def _goes_on(self, timeline: Timeline, run: Run | None = None) -> bool:
        return not timeline.dismissed and (self._news is None or self._news.goes_on(run))

    def _wait(self, timeline: Timeline, cursor: int) -> tuple[Entry, ...]:
        """Wait for entries after the cursor, and for news. A follower so slow that they have left memory goes on with those that
        have not; its feeds read the others from the store."""
        try:
            return timeline.wait(cursor, timeout=HEARTBEAT_SECONDS, called=self._is_due)
        except HistoryExpired:
            return timeline.read(timeline.horizon)

    def _is_due(self) -> bool:
        return self._news is not None and self._news.is_due()


def _resumable(timeline: Timeline, last_seq: int | None) -> int | None:
    """Return the client's cursor when it is one of this timeline."""
    return last_seq if last_seq is not None and last_seq <= timeline.durable else None


def _batch(cards: Iterable[Followed], timeline: Timeline, cursor: int) -> Iterator[str]:
    """Yield one event for each card with something new. Only the last one has the id: whoever resumes after it has them all."""
    now = timeline.elapsed_seconds()
    messages = [message for card in cards if (message := card.message(cursor, now)) is not None]
    for number, message in enumerate(messages, 1):
        yield f"id: {cursor}\n{_event(message)}" if number == len(messages) else _event(message)


def _event(message: str) -> str:
    return f"event: frames\ndata: {message}\n\n"
