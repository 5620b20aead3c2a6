"""What two runs came to, fact by fact, and where they differ: exit codes, signals, grace left, durations.

Of several containers each is compared with the one in the same place. What neither run shows is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.insight.comparison import Places
from lab.insight.intervals import INTERVALS, measure
from lab.insight.phrase import Phrase, phrase
from lab.insight.ruler import Rulers
from lab.timeline.facts import (
    ContainerExited,
    ContainerStarted,
    Entry,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookTimedOut,
    ObjectWritten,
    SignalReceived,
    SignalSent,
)
from lab.timeline.tables import pod_row

NOTICED_SECONDS = 0.5  # two runs of the same manifest differ by less on a busy engine
NOTICED_SHARE = 0.1
NOTHING = phrase("–", "–")

_OVERRAN = phrase("used the grace period up", "用完了宽限期")
_RESULTS = {
    "delivered": phrase("taken by a handler", "由处理函数接收"),
    "default": phrase("default action", "执行默认动作"),
    "ignored": phrase("dropped", "被丢弃"),
    "pending": phrase("not taken", "未被接收"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that came out differently. ``place`` names the container where there are several."""

    name: Phrase
    left: Phrase
    right: Phrase
    place: str = ""


def differences(left: Sequence[Entry], right: Sequence[Entry]) -> tuple[Difference, ...]:
    """Return what differs between two runs, what came out before how long it took."""
    names = _names(left, right)
    return (
        *_of_outcomes(_outcomes(left), _outcomes(right), names),
        *_of_grace(_grace_left(left), _grace_left(right), names),
        *_of_durations(measure(left), measure(right)),
    )


Key = tuple[str, str]  # the place and what is said of it
_NAMES: Mapping[str, Phrase] = {
    "status": phrase("STATUS that kubectl showed", "kubectl 显示过的 STATUS"),
    "postStart": phrase("postStart", "postStart"),
    "preStop": phrase("preStop", "preStop"),
    "signal": phrase("Stop signal", "停止信号"),
    "kill": phrase("SIGKILL", "SIGKILL"),
    "exit": phrase("Exit code", "退出码"),
    "starts": phrase("Starts of the container", "容器启动次数"),
}


def _of_outcomes(left: Mapping[Key, Phrase], right: Mapping[Key, Phrase], names: Mapping[str, str]) -> Iterator[Difference]:
    for what, name in _NAMES.items():
        for place, _ in dict.fromkeys(key for key in (*left, *right) if key[1] == what):
            one, other = left.get((place, what), NOTHING), right.get((place, what), NOTHING)
            if one != other:
                yield Difference(name=name, left=one, right=other, place=names.get(place, ""))


def _of_grace(left: Mapping[str, float], right: Mapping[str, float], names: Mapping[str, str]) -> Iterator[Difference]:
    for place in (place for place in left if place in right and _is_noticed(left[place], right[place])):
        name = phrase("Grace period left", "剩余的宽限期")
        yield Difference(name=name, left=_seconds(left[place]), right=_seconds(right[place]), place=names.get(place, ""))


def _names(left: Sequence[Entry], right: Sequence[Entry]) -> dict[str, str]:
    """Return the names of containers and pods by place, for those that are not the only one of their sort."""
    names: dict[str, str] = {}
    for entries in (right, left):
        places = Places()
        for entry in entries:
            places.add(entry)
        names |= places.names
    containers = [place for place in names if "container" in place]
    pods = [place for place in names if "container" not in place]
    several = (containers if len(containers) > 1 else []) + (pods if len(pods) > 1 else [])
    return {place: names[place] for place in several}


def _is_noticed(one: float, other: float) -> bool:
    return abs(one - other) >= max(NOTICED_SECONDS, NOTICED_SHARE * max(abs(one), abs(other)))


def _of_durations(left: Mapping[str, float], right: Mapping[str, float]) -> Iterator[Difference]:
    for interval in INTERVALS:
        one, other = left.get(interval.id), right.get(interval.id)
        if one is None or other is None:
            continue
        if _is_noticed(one, other):
            yield Difference(name=interval.name, left=_seconds(one), right=_seconds(other))


def _outcomes(entries: Sequence[Entry]) -> dict[Key, Phrase]:
    """Fold a run into what can be said of it."""
    places = Places()
    found: dict[Key, Phrase] = {}
    statuses: dict[str, list[str]] = {}
    starts: dict[str, int] = {}
    for entry in entries:
        places.add(entry)
        place = places.of(entry.pod_uid, entry.container)
        fact = entry.fact
        if isinstance(fact, ObjectWritten) and fact.kind == "Pod":
            shown = statuses.setdefault(place, [])
            status = pod_row(fact.object, now=entry.at).status
            shown += [status] if shown[-1:] != [status] else []
        if isinstance(fact, ContainerStarted):
            starts[place] = starts.get(place, 0) + 1
        for what, said in _said(entry):
            if found.get((place, what)) != _OVERRAN:  # how a hook ends that was given up does not matter any more
                found[place, what] = said
    found |= {(place, "status"): _plain(" → ".join(shown)) for place, shown in statuses.items()}
    found |= {(place, "starts"): _plain(str(count)) for place, count in starts.items()}
    return found


def _grace_left(entries: Sequence[Entry]) -> dict[str, float]:
    """Return what was left of the grace period when a container had ended, by its place."""
    places, rulers = Places(), Rulers()
    for entry in entries:
        places.add(entry)
        rulers.add(entry)
    ended = [(key, ruler) for key, ruler in rulers.current.items() if ruler.exited_at is not None]
    return {places.of(uid, name): ruler.left_seconds(ruler.exited_at or 0.0) for (uid, name, _), ruler in ended}


def _said(entry: Entry) -> Iterator[tuple[str, Phrase]]:
    match entry.fact:
        case ContainerExited(exit_code=code):
            yield "exit", _plain(str(code))
        case SignalSent(why="stop-signal", signal=signal):
            yield "signal", _plain(signal)
        case SignalSent():
            yield "kill", phrase("sent", "已发送")
        case SignalReceived(target_pid=1, signal=signal, result=result, number=number) if number != 9:
            yield "signal", phrase("{signal}: {result}", "{signal}：{result}", signal=signal, result=_RESULTS[result])
        case HookFinished(hook=hook, exit_code=code, http_status=status):
            detail = code if code is not None else status
            yield hook, phrase("succeeded", "成功") if detail is None else phrase("succeeded ({n})", "成功（{n}）", n=detail)
        case HookFailed(hook=hook, exit_code=code):
            yield hook, phrase("failed", "失败") if code is None else phrase("failed ({n})", "失败（{n}）", n=code)
        case HookTimedOut(hook=hook):
            yield hook, _OVERRAN
        case HookSkipped(hook=hook):
            yield hook, phrase("not run", "没有运行")


def _plain(text: str) -> Phrase:
    return phrase("{text}", "{text}", text=text)


def _seconds(value: float) -> Phrase:
    return phrase("{n} s", "{n} 秒", n=f"{value:.2f}")
