"""Server-sent events: everything of a run on connect, then its frames as their entries become durable.

Pull, do not push: a stream holds a cursor and a thread of the server, and nobody waits for it. A page has one stream,
however many examples stand on it: `follow_examples` follows the learner's timeline, picks up new runs of the page's examples by
itself and stays open; `follow_run` ends with an ``end`` event when its run is closed. A batch is one ``frames`` event for each
card; its last one carries the cursor as the event's id. A client that gives its last event id gets what came after it, every
other gets all. A stream that ends because the lab stops says so last. Nothing is lost; what comes twice after a broken connection
has the same seq.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

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


class Streams:
    """Makes the streams of pages."""

    def __init__(self, runs: Runs, feeds: Feeds) -> None:
        self._runs = runs
        self._feeds = feeds

    def follow_run(self, run: Run, key: str, language: Language, last_seq: int | None) -> Iterator[str]:
        """Yield the events of one run until it is closed."""
        if run.ended is not None:
            yield from self._ended(run, key, language, last_seq)
            return
        timeline = self._runs.timeline(run.cluster)
        cursor = timeline.durable
        since = _resumable(timeline, last_seq)
        card = Followed(feed=self._feeds.of(run.id, key, language), seq=since or 0, reset=since is None)
        yield RETRY
        yield from _batch((card,), timeline, cursor)
        while card.feed.live() and not timeline.dismissed:
            entries = _wait(timeline, cursor)
            cursor = max(cursor, entries[-1].seq) if entries else cursor
            yield from _batch((card,), timeline, cursor) if entries else (HEARTBEAT,)
        yield from _batch((card,), timeline, timeline.durable)
        yield STOPPING if card.feed.live() else END

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
        yield RETRY
        message = card.message(last)
        if message is not None:
            yield f"id: {last}\n{_event(message)}"
        yield END

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
        yield from _batch(cards.values(), timeline, cursor)
        yield f"id: {cursor}\n{READY}"
        while not timeline.dismissed:
            entries = _wait(timeline, cursor)
            for entry in entries:
                if isinstance(entry.fact, RunOpened) and entry.fact.example in keys:
                    feed = self._feeds.of(entry.fact.run_id, keys[entry.fact.example], language)
                    cards[entry.fact.example] = Followed(feed=feed)
            cursor = entries[-1].seq if entries else cursor
            yield from _batch(cards.values(), timeline, cursor) if entries else (HEARTBEAT,)
        yield from _batch(cards.values(), timeline, timeline.durable)
        yield STOPPING


def _wait(timeline: Timeline, cursor: int) -> tuple[Entry, ...]:
    """Wait for entries after the cursor. A follower so slow that they have left memory goes on with those that have not;
    its feeds read the others from the store."""
    try:
        return timeline.wait(cursor, timeout=HEARTBEAT_SECONDS)
    except HistoryExpired:
        return timeline.read(timeline.horizon)


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
