"""Server-sent events: a snapshot on connect, then one event per durable entry with its seq as the event's id.

Pull, do not push: a stream holds a cursor and a thread of the server, and nobody waits for it. A page has one stream,
however many examples stand on it: `follow_examples` follows the learner's timeline, picks up new runs of the page's examples by
itself and stays open; `follow_run` ends with an ``end`` event when its run is closed. A client that gives its last event id gets
what came after it; every other gets a snapshot. Between the two nothing is lost, and nothing is doubled.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from lab.errors import HistoryExpired
from lab.lessons import Language
from lab.timeline.facts import Entry, RunOpened
from lab.timeline.run import Run
from lab.timeline.timeline import Timeline
from lab.web.feed import Feed, Feeds, Update
from lab.web.services import Runs

HEARTBEAT_SECONDS = 10.0  # below the idle limit of common proxies; the page reconnects after two and a half of them
RECONNECT_MILLISECONDS = 1_000  # what a browser waits before it connects again

RETRY = f"retry: {RECONNECT_MILLISECONDS}\n\n"
READY = "event: ready\ndata: \n\n"
HEARTBEAT = "event: heartbeat\ndata: \n\n"
END = "event: end\ndata: \n\n"


@dataclass(slots=True, kw_only=True)
class Followed:
    """A card of the page: the feed of its newest run, and how far it has been sent. ``whole`` asks for a snapshot."""

    feed: Feed
    seq: int = 0
    whole: bool = True

    def updates(self, upto: int) -> tuple[Update, ...]:
        """Return what is to be sent now, and count it as sent. A snapshot's id never exceeds ``upto``: whoever resumes after it
        must not miss what other cards have not been sent yet; rows that then come twice have the same id."""
        updates = (self.feed.snapshot(),) if self.whole else self.feed.after(self.seq, upto=upto)
        updates = tuple(replace(update, seq=min(update.seq, upto)) if update.whole else update for update in updates)
        self.seq, self.whole = upto, False
        return updates


class Streams:
    """Makes the streams of pages."""

    def __init__(self, runs: Runs, feeds: Feeds) -> None:
        self._runs = runs
        self._feeds = feeds

    def follow_run(self, run: Run, key: str, language: Language, last_seq: int | None) -> Iterator[str]:
        """Yield the events of one run until it is closed."""
        timeline = self._runs.timeline(run.cluster)
        cursor = timeline.durable
        since = _resumable(timeline, last_seq)
        card = Followed(feed=self._feeds.of(run.id, key, language), seq=since or 0, whole=since is None)
        yield RETRY
        yield from _events(card.updates(cursor))
        while card.feed.live() and not timeline.dismissed:
            entries = _wait(timeline, cursor)
            cursor = max(cursor, entries[-1].seq) if entries else cursor
            yield from _events(card.updates(cursor)) if entries else (HEARTBEAT,)
        yield from _events(card.updates(timeline.durable))
        if not card.feed.live():
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
                cards[example] = Followed(feed=feed, seq=since or 0, whole=not known)
        yield RETRY
        yield from _merged(cards, cursor)
        yield f"id: {cursor}\n{READY}"
        while not timeline.dismissed:
            entries = _wait(timeline, cursor)
            for entry in entries:
                if isinstance(entry.fact, RunOpened) and entry.fact.example in keys:
                    feed = self._feeds.of(entry.fact.run_id, keys[entry.fact.example], language)
                    cards[entry.fact.example] = Followed(feed=feed)
            cursor = entries[-1].seq if entries else cursor
            yield from _merged(cards, cursor) if entries else (HEARTBEAT,)
        yield from _merged(cards, timeline.durable)


def _wait(timeline: Timeline, cursor: int) -> tuple[Entry, ...]:
    """Wait for entries after the cursor. A follower so slow that they have left memory goes on with those that have not;
    its feeds notice the gap and send snapshots."""
    try:
        return timeline.wait(cursor, timeout=HEARTBEAT_SECONDS)
    except HistoryExpired:
        return timeline.read(timeline.horizon)


def _resumable(timeline: Timeline, last_seq: int | None) -> int | None:
    """Return the client's cursor when what follows it can still be sent one by one."""
    if last_seq is None or last_seq > timeline.durable:
        return None
    try:
        timeline.read(last_seq, upto=last_seq)
    except HistoryExpired:
        return None
    return last_seq


def _merged(cards: Mapping[str, Followed], cursor: int) -> Iterator[str]:
    """Yield the updates of all cards in the order of their seq, so that the last id sent stands for all of them."""
    yield from _events(tuple(heapq.merge(*(card.updates(cursor) for card in cards.values()), key=lambda update: update.seq)))


def _events(updates: tuple[Update, ...]) -> Iterator[str]:
    for update in updates:
        yield f"id: {update.seq}\nevent: {'snapshot' if update.whole else 'entry'}\n{update.data}\n"
