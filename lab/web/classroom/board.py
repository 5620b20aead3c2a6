"""The live board: one row for each learner of a class, made from where they are, what runs for them and what they have solved.

Somebody may be stuck when their page is in sight and they have not moved for `STUCK_SECONDS`: no page opened, nothing pressed,
not read on, not stepped. Who waits for their turn in the queue, or sits in a class that is paused or over, is not. A `Board`
belongs to one reader of it: it asks for what is slow only when the learner has done something since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from markupsafe import Markup

from lab.classroom.model import Class, Learner
from lab.classroom.presence import Place, Presence, Sighting
from lab.classroom.register import Register
from lab.insight.phrase import Phrase, phrase
from lab.lessons import Example, Language
from lab.lessons.progress import Progress
from lab.timeline.run import Run
from lab.web.presenters import card_key
from lab.web.visit import Site

STUCK_SECONDS = 180.0  # as long as a paragraph and a thought; whoever reads on, moves
SETTLING_SECONDS = 3.0  # until what a learner has done just now is in the store
STUCK_NAMES = 3  # so many are named in the sentence

State = Literal["here", "away", "absent"]
Show = Literal["all", "stuck", "waiting", "here"]
Order = Literal["stuck", "name", "joined"]
SHOWS: tuple[Show, ...] = get_args(Show)
ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The newest verdict on a challenge."""

    label: str
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """One learner. ``minutes_away`` counts when they are not here; ``run_id`` is the run to open, ``step`` the words of the step
    that they see; ``ahead`` is how many runs have their turn before theirs, None when none of theirs waits; ``minutes_stuck``
    None: not stuck."""

    id: str
    nickname: str
    joined_at: datetime
    state: State
    minutes_away: int
    lesson: str
    example: str
    run_id: str
    live_runs: int
    step: Markup
    step_number: int
    pods: int
    ahead: int | None
    check: Check | None
    minutes_stuck: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The class in numbers."""

    of: int
    here: int
    pods: int
    waiting: int
    stuck: int


@dataclass(slots=True)
class _Known:
    """What was slow to learn of somebody. ``since`` says what they had done then."""

    since: tuple[object, ...] = ()
    fresh_until: float = 0.0
    progress: Progress | None = None
    newest: Run | None = None


class Board:
    """One class in one language. Not thread-safe; usable outside requests."""

    def __init__(self, site: Site, presence: Presence, language: Language) -> None:
        """Make it while there is a request: what renders steps is made with the first one."""
        self._site = site
        self._services = site.services
        self._feeds = site.feeds
        self._presence = presence
        self._language: Language = language
        self._known: dict[str, _Known] = {}

    def rows(self, register: Register, class_id: str) -> tuple[BoardRow, ...]:
        """Return a row for each learner of a class, in the order in which they joined."""
        found, roster = register.find_class(class_id), register.roster(class_id)
        if found is None:
            return ()
        self._known = {learner.id: self._known.get(learner.id, _Known()) for learner in roster}
        usage = self._services.runs.usage()
        pods = {cluster: demand.pods for cluster, demand in usage.learners.items()}
        return tuple(self._row(found, learner, pods, usage.ahead) for learner in roster)

    def _row(self, taught: Class, learner: Learner, pods: Mapping[str, int], queue: Mapping[str, int]) -> BoardRow:
        sighting = self._presence.of(learner.id)
        live = self._services.runs.live(learner.cluster)
        known = self._recall(learner, live, sighting)
        place = sighting.place if sighting else Place()
        example = self._site.find_example(place.example)
        lesson = self._services.catalog.lesson(example.lesson if example else place.lesson)
        if lesson is None and sighting is None and known.progress and (newest := known.progress.newest()):
            lesson, example = newest
        shown = self._shown(learner, place, live)
        number, step = self._step(shown, place) if shown else (0, Markup(""))
        to_open = live[-1] if live else shown or known.newest
        places = [queue[run.id] for run in live if run.id in queue]
        return BoardRow(
            id=learner.id,
            nickname=learner.nickname,
            joined_at=learner.joined_at,
            state="absent" if sighting is None else "here" if sighting.is_here else "away",
            minutes_away=int(sighting.away_seconds // 60) if sighting else 0,
            lesson=f"{lesson.number} · {lesson.titles[self._language]}" if lesson else "",
            example=example.labels[self._language] if example else "",
            run_id=to_open.id if to_open else "",
            live_runs=len(live),
            step=step,
            step_number=number,
            pods=pods.get(learner.cluster, 0),
            ahead=min(places, default=None),
            check=self._check(known.progress),
            minutes_stuck=minutes_stuck(taught, sighting, waits=bool(places)),
        )

    def _recall(self, learner: Learner, live: tuple[Run, ...], sighting: Sighting | None) -> _Known:
        """Return what is slow to learn, asked anew for a moment after the learner has done something or a run has ended."""
        known, now = self._known[learner.id], self._services.clock.monotonic()
        since = (tuple(run.id for run in live), sighting.acts if sighting else 0)
        if since != known.since:
            known.since, known.fresh_until = since, now + SETTLING_SECONDS
        if now <= known.fresh_until:
            known.progress = self._site.progress.of(learner.cluster)
            known.newest = next(iter(self._services.runs.recent(learner.cluster, 1)), None)
        return known

    def _shown(self, learner: Learner, place: Place, live: tuple[Run, ...]) -> Run | None:
        """Return the run on the stage that the learner looks at, when it is theirs; else their newest live one."""
        if place.run:
            run = next((run for run in live if run.id == place.run), None) or self._services.runs.get(place.run)
            if run is not None and run.cluster == learner.cluster:
                return run
        return live[-1] if live else None

    def _step(self, run: Run, place: Place) -> tuple[int, Markup]:
        upto = run.last_seq or self._services.runs.timeline(run.cluster).durable
        feed = self._feeds.of(run.id, card_key(run.example), self._language)
        return feed.step(place.seq if place.run == run.id else None, upto=upto)

    def _check(self, progress: Progress | None) -> Check | None:
        judged = [mark for mark in progress.marks if mark.kind in ("tried", "solved")] if progress else []
        if progress is None or not judged:
            return None
        newest = max(judged, key=lambda mark: mark.at)
        example: Example | None = self._services.catalog.example(newest.item)
        if example is None:
            return None
        return Check(label=example.labels[self._language], passed=progress.has("solved", newest.item))


def minutes_stuck(taught: Class, sighting: Sighting | None, *, waits: bool) -> int | None:
    """Return for how many minutes somebody has not moved on; None when they are not stuck."""
    if sighting is None or not sighting.is_here or sighting.still_seconds < STUCK_SECONDS:
        return None
    return None if waits or taught.paused or not taught.is_open else int(sighting.still_seconds // 60)


def counts(rows: tuple[BoardRow, ...]) -> Counts:
    """Return the class in numbers."""
    return Counts(
        of=len(rows),
        here=sum(row.state == "here" for row in rows),
        pods=sum(row.pods for row in rows),
        waiting=sum(row.ahead is not None for row in rows),
        stuck=sum(row.minutes_stuck is not None for row in rows),
    )


def arranged(rows: tuple[BoardRow, ...], show: Show, order: Order) -> tuple[BoardRow, ...]:
    """Return the rows to show, in their order: stuck ones first, then those that wait, then who is here."""
    found = tuple(row for row in rows if _is_wanted(row, show))
    if order == "joined":
        return found
    return tuple(sorted(found, key=lambda row: (_urgency(row) if order == "stuck" else (), row.nickname.casefold())))


def sentence(rows: tuple[BoardRow, ...]) -> Phrase:
    """Return the board in a sentence."""
    told = counts(rows)
    stuck = sorted((row for row in rows if row.minutes_stuck is not None), key=lambda row: -(row.minutes_stuck or 0))
    names = phrase(
        "{en}",
        "{zh}",
        en=", ".join(f"{row.nickname} ({row.minutes_stuck} min)" for row in stuck[:STUCK_NAMES]),
        zh="、".join(f"{row.nickname}（{row.minutes_stuck} 分钟）" for row in stuck[:STUCK_NAMES]),
    )
    values = {**{name: getattr(told, name) for name in Counts.__slots__}, "names": names}
    if not stuck:
        return phrase(
            "{here} of {of} are here. Pods: {pods}. Runs that wait: {waiting}. Nobody is stuck.",
            "{of} 人中有 {here} 人在线。Pod：{pods} 个。排队的运行：{waiting} 个。没有人卡住。",
            **values,
        )
    return phrase(
        "{here} of {of} are here. Pods: {pods}. Runs that wait: {waiting}. Stuck: {stuck} – {names}.",
        "{of} 人中有 {here} 人在线。Pod：{pods} 个。排队的运行：{waiting} 个。卡住：{stuck} 人 – {names}。",
        **values,
    )


def _is_wanted(row: BoardRow, show: Show) -> bool:
    match show:
        case "stuck":
            return row.minutes_stuck is not None
        case "waiting":
            return row.ahead is not None
        case "here":
            return row.state == "here"
        case "all":
            return True


def _urgency(row: BoardRow) -> tuple[int, int]:
    if row.minutes_stuck is not None:
        return 0, -row.minutes_stuck
    if row.ahead is not None:
        return 1, row.ahead
    return {"here": 2, "away": 3, "absent": 4}[row.state], 0
