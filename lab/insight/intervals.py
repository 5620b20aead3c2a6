"""Intervals between two moments of a run that are worth measuring many times: as data, and how one is read off a run's entries.

An interval that a run has not is None, never a guess. Where both ends may come first, a negative number says which did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import median

from lab.insight.moments import Moment, moments
from lab.insight.phrase import Phrase, phrase
from lab.timeline.facts import Entry, ObjectWritten, RunAdmitted, RunOpened

OPENED = ""  # the moment at which Run was pressed, or after a queue had its effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """From the first moment that is one of ``begins`` to the first that is one of ``ends``; of the same container, where both are
    of a container. A wanted moment's first word may end in ``*``. ``reversed`` is said of a run in which the end came
    before the beginning, None where only a later end is one; ``note`` is what else one should know."""

    id: str
    name: Phrase
    begins: tuple[str, ...]
    ends: tuple[str, ...]
    reversed: Phrase | None = None
    note: Phrase | None = None


INTERVALS: tuple[Interval, ...] = (
    Interval(id="run-running", name=phrase("Run → Running", "运行 → Running"), begins=(OPENED,), ends=("status Running",)),
    Interval(
        id="log-post-start",
        name=phrase("ENTRYPOINT’s first log line → postStart starts", "ENTRYPOINT 的第一行日志 → postStart 开始"),
        begins=("log",),
        ends=("postStart began",),
        reversed=phrase(
            "the kubelet started postStart before ENTRYPOINT’s first log line",
            "kubelet 在 ENTRYPOINT 写出第一行日志之前就启动了 postStart",
        ),
        note=phrase(
            "The kubelet’s call of the hook is measured; the hook’s own process begins a little later.",
            "测量的是 kubelet 发起钩子调用的时刻；钩子自己的进程会稍晚一点开始。",
        ),
    ),
    Interval(
        id="started-log",
        name=phrase("container started → ENTRYPOINT’s first log line", "容器启动 → ENTRYPOINT 的第一行日志"),
        begins=("started",),
        ends=("log",),
        reversed=phrase("the process wrote before the engine had told of its start", "进程在引擎报告启动之前就写出了日志"),
    ),
    Interval(
        id="post-start",
        name=phrase("duration of postStart", "postStart 的持续时间"),
        begins=("postStart began",),
        ends=("postStart finished", "postStart failed"),
    ),
    Interval(
        id="pre-stop",
        name=phrase("duration of preStop", "preStop 的持续时间"),
        begins=("preStop began",),
        ends=("preStop finished", "preStop failed", "preStop timed-out"),
    ),
    Interval(
        id="signal-exit",
        name=phrase("stop signal sent → container exits", "发出停止信号 → 容器退出"),
        begins=("SIG* sent",),
        ends=("exited",),
    ),
    Interval(id="delete-exit", name=phrase("delete → container exits", "删除 → 容器退出"), begins=("deleted",), ends=("exited",)),
    Interval(id="delete-gone", name=phrase("delete → Pod removed", "删除 → Pod 被移除"), begins=("deleted",), ends=("removed",)),
)
BY_ID = {interval.id: interval for interval in INTERVALS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Numbers of a distribution, in seconds; ``negative`` counts those below 0."""

    count: int
    least: float
    median: float
    greatest: float
    negative: int


def measure(entries: Iterable[Entry], wanted: Sequence[Interval] = INTERVALS) -> dict[str, float]:
    """Return the seconds of each interval that a run's entries, in order, hold."""
    entries = tuple(entries)
    before = takewhile(lambda e: not isinstance(e.fact, ObjectWritten), entries)
    opened = next((e for e in reversed(list(before)) if isinstance(e.fact, RunOpened | RunAdmitted)), None)
    found = list(moments(entries))
    if opened is not None:
        start = Moment(what=OPENED, container="", pod_uid=None, seq=opened.seq, elapsed_seconds=opened.elapsed_seconds)
        found.insert(0, start)
    measured = ((interval.id, _seconds(found, interval)) for interval in wanted)
    return {key: seconds for key, seconds in measured if seconds is not None}


def summary(values: Sequence[float]) -> Summary | None:
    """Return the numbers of a distribution; None for an empty one."""
    if not values:
        return None
    negative = sum(value < 0 for value in values)
    return Summary(count=len(values), least=min(values), median=median(values), greatest=max(values), negative=negative)


def _seconds(found: Sequence[Moment], interval: Interval) -> float | None:
    begin = next((m for m in found if _is_one_of(m, interval.begins)), None)
    if begin is None:
        return None
    ends = (m for m in found if _is_one_of(m, interval.ends) and _together(begin, m))
    end = next((m for m in ends if interval.reversed or m.seq > begin.seq), None)
    return None if end is None else end.elapsed_seconds - begin.elapsed_seconds


def _is_one_of(moment: Moment, wanted: tuple[str, ...]) -> bool:
    return any(_is(moment, words) for words in wanted)


def _is(moment: Moment, wanted: str) -> bool:
    if wanted == OPENED or moment.what == OPENED:
        return wanted == moment.what
    stem, wild, rest = wanted.partition("* ")
    first, _, more = moment.what.partition(" ")
    return f"{more} ".startswith(f"{rest} ") and first.startswith(stem) if wild else f"{moment.what} ".startswith(f"{wanted} ")


def _together(one: Moment, other: Moment) -> bool:
    """Whether two moments are about the same, as far as each says what it is about."""
    same_pod = one.pod_uid is None or other.pod_uid is None or one.pod_uid == other.pod_uid
    return same_pod and (not one.container or not other.container or one.container == other.container)
