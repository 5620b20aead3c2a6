"""The lifelines of a run: what stands in each lane of its picture, folded from the entries.

A lane for what ``kubectl`` prints as STATUS, one for the events, one per container with its process, one for its hooks, one for
files. The fold is told every entry of the run in order and answers with the marks that each of them adds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.insight.marks import Arrow, BarClosed, BarOpened, Effect, Lane, Mark, Point, Tone, Words
from lab.insight.phrase import Phrase, phrase
from lab.timeline.facts import (
    JSON,
    ContainerCreated,
    ContainerExited,
    ContainerStarted,
    Entry,
    FileChanged,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    KubeletContinued,
    KubeletHeld,
    LogChunk,
    ObjectWritten,
    ObserverUnavailable,
    ProbeChanged,
    RunAborted,
    RunClosed,
    SignalReceived,
    SignalSent,
)
from lab.timeline.signal_names import SIGKILL
from lab.timeline.tables import pod_status_column

LOG_MARK_SECONDS = 0.25  # a chatty process gets one mark in so long a time
LANES_OF_A_POD = 100  # more than a pod can have
LABEL_CHARACTERS = 80  # of a command: more than a bar has room for
KERNEL = "kernel"  # as a signal's sender
_CREATING = frozenset({"Pending", "ContainerCreating", "PodInitializing"})


@dataclass(slots=True, kw_only=True)
class _Pod:
    """A pod as its lanes know it."""

    name: str
    number: int
    containers: tuple[str, ...]
    init: frozenset[str]
    status: str = ""
    bar: str = ""
    commands: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Lifelines:
    """The fold. ``add`` every entry of a run, in order."""

    def __init__(self) -> None:
        self._pods: dict[str, _Pod] = {}
        self._lanes: set[str] = set()
        self._open: dict[str, str] = {}  # the bars that have not ended, with their lanes
        self._logged: dict[str, float] = {}
        self._witnessed = True
        self._bars = 0

    def add(self, entry: Entry) -> tuple[Mark, ...]:
        """Return the marks that an entry adds to the picture."""
        return tuple(self._marks(entry))

    def _marks(self, entry: Entry) -> Iterator[Mark]:
        match entry.fact:
            case ObjectWritten(kind="Pod"):
                yield from self._write(entry.fact)
            case ObjectWritten(kind="Event"):
                yield from self._event(entry.fact)
            case ObserverUnavailable():
                self._witnessed = False
            case RunClosed() | RunAborted():
                yield from (BarClosed(id=bar) for bar in self._open)
                self._open.clear()
            case _:
                pod = self._pods.get(entry.pod_uid or "")
                if pod is not None and entry.container:
                    yield from self._container(entry, pod, entry.container)

    # --- the cluster's own view -----------------------------------------------------------------------------------

    def _write(self, fact: ObjectWritten) -> Iterator[Mark]:
        pod = self._pods.get(fact.uid)
        if pod is None:
            pod = self._pods[fact.uid] = _pod_of(fact, len(self._pods))
        lane = "status" if pod.number == 0 else f"status/{pod.name}"
        title = phrase("kubectl STATUS", "kubectl STATUS") if pod.number == 0 else f"STATUS · {pod.name}"
        yield from self._lane(Lane(key=lane, title=title, order=_order(pod, 0), family="cluster"))
        if fact.verb == "create":
            yield Point(lane=lane, kind="api", label=phrase("created", "已创建"))
        if fact.verb == "delete" and fact.writer == "user":
            yield Point(lane=lane, kind="api", label=phrase("delete", "删除"))
        if fact.verb == "remove":
            yield from self._close(pod.bar)
            yield Point(lane=lane, kind="api", label=phrase("removed", "已移除"))
            return
        status = pod_status_column(fact.object)
        if status != pod.status:
            yield from self._close(pod.bar)
            pod.status = status
            pod.bar = self._bar("s")
            yield self._opened(BarOpened(lane=lane, id=pod.bar, tone=status_tone(status), label=status))

    def _event(self, fact: ObjectWritten) -> Iterator[Mark]:
        yield from self._lane(Lane(key="kubelet", title=phrase("events", "事件"), order=10, family="cluster"))
        count = int(fact.object.get("count") or 1)
        label = fact.object["reason"] + (f" ×{count}" if count > 1 else "")
        yield Point(lane="kubelet", kind="event", label=label, tone="error" if fact.object["type"] == "Warning" else None)

    # --- a container ----------------------------------------------------------------------------------------------

    def _container(self, entry: Entry, pod: _Pod, name: str) -> Iterator[Mark]:
        process, hooks = f"c/{pod.name}/{name}", f"h/{pod.name}/{name}"
        place = pod.containers.index(name) if name in pod.containers else len(pod.containers)
        lane = Lane(key=process, title=f"{name} · PID 1", order=_order(pod, 20 + 2 * place), family="node")
        hook_title = phrase("{name} · hooks", "{name} · 钩子", name=name)
        hook_lane = Lane(key=hooks, title=hook_title, order=_order(pod, 21 + 2 * place), family="node")
        match entry.fact:
            case ContainerCreated(argv=argv):
                pod.commands[name] = argv
            case ContainerStarted(attempt=attempt):
                yield from self._lane(lane)
                tone: Tone = "init" if name in pod.init else "process"
                label = _short(" ".join(pod.commands.get(name, ()))) or name
                yield self._opened(BarOpened(lane=process, id=f"p/{pod.name}/{name}/{attempt}", tone=tone, label=label))
            case ContainerExited() as exited:
                yield from self._lane(lane)
                yield from self._exited(exited, process, pod, name)
            case HookStarted() | HookFinished() | HookFailed() | HookTimedOut() | HookSkipped():
                yield from self._lane(hook_lane)
                yield from self._hook(entry.fact, hooks, f"h/{pod.name}/{name}/{entry.fact.attempt}/{entry.fact.hook}")
            case SignalSent() | SignalReceived():
                yield from self._lane(lane)
                yield from self._signal(entry.fact, process)
            case ProbeChanged(probe=probe, result=result, failures=failures, failure_threshold=threshold):
                yield from self._lane(lane)
                failed = result == "failure"
                count = f"{failures}/{threshold}" if failures <= threshold else f"×{failures}"
                label = f"{probe} {count}" if failed else probe
                yield Point(lane=process, kind="probe", label=label, tone="error" if failed else "probe")
            case KubeletHeld():
                yield from self._lane(lane)
                words = phrase("kubelet held", "kubelet 已暂停")
                yield self._opened(BarOpened(lane=process, id=f"hold/{entry.seq}", tone="held", label=words))
            case KubeletContinued(held_seq=held):
                yield from self._close(f"hold/{held}")
            case FileChanged(path=path, change=change):
                yield from self._lane(Lane(key="files", title=phrase("files", "文件"), order=100_000, family="node"))
                yield Point(lane="files", kind="file", label=path, tone="error" if change == "deleted" else None)
            case LogChunk():
                if entry.elapsed_seconds - self._logged.get(process, -LOG_MARK_SECONDS) >= LOG_MARK_SECONDS:
                    self._logged[process] = entry.elapsed_seconds
                    yield from self._lane(lane)
                    yield Point(lane=process, kind="log", label=phrase("log", "日志"))

    def _exited(self, fact: ContainerExited, lane: str, pod: _Pod, name: str) -> Iterator[Mark]:
        good = fact.exit_code == 0
        yield from self._close(f"p/{pod.name}/{name}/{fact.attempt}", tone=None if good else "error")
        prefix = f"h/{pod.name}/{name}/{fact.attempt}/"
        for bar in [bar for bar in self._open if bar.startswith(prefix) and bar.endswith("/after")]:
            yield from self._close(bar, label=phrase("died with PID 1", "随 PID 1 一起结束"))
        code = phrase("exit {code}", "退出码 {code}", code=fact.exit_code)
        yield Point(lane=lane, kind="exit", label=code, tone="done" if good else "error")

    def _hook(
        self, fact: HookStarted | HookFinished | HookFailed | HookTimedOut | HookSkipped, lane: str, bar: str
    ) -> Iterator[Mark]:
        match fact:
            case HookStarted():
                yield self._opened(BarOpened(lane=lane, id=bar, tone="hook", label=fact.hook))
            case HookSkipped():
                label = phrase("{hook} not run", "{hook} 未运行", hook=fact.hook)
                yield Point(lane=lane, kind="event", label=label)
            case HookTimedOut():
                label = phrase(
                    "{hook} · {s} s used up", "{hook} · 用完 {s} 秒", hook=fact.hook, s=f"{fact.grace_period_seconds:g}"
                )
                yield from self._close(bar, tone="error", label=label)
                onward = phrase("still running, nobody waits", "仍在运行，无人等待")
                yield self._opened(BarOpened(lane=lane, id=f"{bar}/after", tone="hook", label=onward))
            case HookFinished() | HookFailed():
                tone: Tone | None = "error" if isinstance(fact, HookFailed) else None
                ended = f"{bar}/after" if f"{bar}/after" in self._open else bar
                yield from self._close(ended, tone=tone, label=_hook_label(fact))

    def _signal(self, fact: SignalSent | SignalReceived, lane: str) -> Iterator[Mark]:
        name = f"{fact.signal} {fact.number}"
        if isinstance(fact, SignalSent):
            if not self._witnessed:
                label = phrase("sent; nobody saw it arrive", "已发送，没有到达的见证")
                yield Arrow(lane=lane, name=name, effect="default", label=label, sender="")
            return
        effect, words = effect_of(fact)
        if fact.target_pid != 1:
            if fact.number == SIGKILL and fact.sender == KERNEL:
                return  # what is left of a container dies with its PID 1; the list of steps says so
            name = f"{name} → PID {fact.target_pid}" if fact.target_pid else f"{name} → {fact.target}"
        yield Arrow(lane=lane, name=name, effect=effect, label=words, sender=fact.sender)

    # --- lanes and bars -------------------------------------------------------------------------------------------

    def _lane(self, lane: Lane) -> Iterator[Lane]:
        if lane.key not in self._lanes:
            self._lanes.add(lane.key)
            yield lane

    def _bar(self, kind: str) -> str:
        self._bars += 1
        return f"{kind}/{self._bars}"

    def _opened(self, bar: BarOpened) -> BarOpened:
        self._open[bar.id] = bar.lane
        return bar

    def _close(self, bar: str, *, tone: Tone | None = None, label: Words | None = None) -> Iterator[BarClosed]:
        if self._open.pop(bar, None) is not None:
            yield BarClosed(id=bar, tone=tone, label=label)


def status_tone(status: str) -> Tone:
    """Return the colour role of what kubectl prints as STATUS."""
    if status == "Running":
        return "running"
    if status == "Terminating":
        return "terminating"
    if status == "Completed":
        return "done"
    init = status.startswith("Init:") and "Error" not in status and "BackOff" not in status
    return "creating" if status in _CREATING or init else "error"


def effect_of(fact: SignalReceived) -> tuple[Effect, Words]:
    """Return what became of a signal, by the kernel's word, and how that is said."""
    match fact.result:
        case "ignored":
            return "dropped", phrase("dropped", "被丢弃")
        case "delivered":
            return "caught", phrase("its handler took it", "由处理函数接收")
        case "pending":
            return "caught", phrase("queued", "已排队")
        case "default" if fact.number == SIGKILL:
            return "killed", phrase("killed", "被杀死")
        case "default":
            return "default", phrase("default action", "默认动作")


def _short(command: str) -> str:
    line = " ".join(command.split())
    return line if len(line) <= LABEL_CHARACTERS else line[: LABEL_CHARACTERS - 1] + "…"


def _hook_label(fact: HookFinished | HookFailed) -> Phrase:
    values = {"hook": fact.hook, "code": fact.exit_code, "took": f"{fact.took_seconds:.1f}"}
    status = fact.http_status if isinstance(fact, HookFinished) else None
    if fact.exit_code is not None:
        return phrase("{hook} · exit {code} · {took} s", "{hook} · 退出码 {code} · {took} 秒", **values)
    if status is not None:
        return phrase("{hook} · HTTP {status} · {took} s", "{hook} · HTTP {status} · {took} 秒", **values, status=status)
    return phrase("{hook} · {took} s", "{hook} · {took} 秒", **values)


def _pod_of(fact: ObjectWritten, number: int) -> _Pod:
    spec: JSON = fact.object.get("spec", {})
    init = tuple(container["name"] for container in spec.get("initContainers") or ())
    main = tuple(container["name"] for container in spec.get("containers") or ())
    return _Pod(name=fact.name, number=number, containers=(*init, *main), init=frozenset(init))


def _order(pod: _Pod, place: int) -> int:
    return pod.number * LANES_OF_A_POD + place
