"""The headline: what is going on now, what is left of the grace period, what comes next, and at the end how it all went.

Everything is read off `Knowledge`; each line is one sentence. What goes on is told of one container, the one that something
happened to last; how a stop went, of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from lab.insight.ends import ended_by_the_lab
from lab.insight.knowledge import Instance, Knowledge, PodKnown
from lab.insight.phrase import Phrase, phrase
from lab.insight.prospects import left_of, next_of
from lab.insight.summary import end_of, files_of, order_of
from lab.timeline.facts import ContainerCreated, Entry, RunAborted, RunQueued, SignalReceived

MOST_CONTAINERS = 4  # told of side by side; in a pod of more, the one in focus alone

LineName = Literal["now", "order", "left", "exit", "files", "next"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadlineLine:
    """A line and its name. ``container`` says whose it is in a pod of several, "" when it is the pod's; ``counts``, that the
    grace period runs while it stands there."""

    name: LineName
    text: Phrase
    container: str = ""
    counts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The lines, in the order in which they are read; those of one name stand together."""

    lines: tuple[HeadlineLine, ...]


def headline_of(known: Knowledge, last: Entry) -> Headline:
    """Return the headline after the entry ``last``."""
    pod = _pod_in_focus(known, last)
    if pod is None:
        return Headline(lines=tuple(_without_pod(known)))
    return Headline(lines=tuple(_lines(known, pod, _instance_in_focus(known, pod, last))))


def _pod_in_focus(known: Knowledge, last: Entry) -> PodKnown | None:
    return known.pod(last) or known.last_pod


def _instance_in_focus(known: Knowledge, pod: PodKnown, last: Entry) -> Instance | None:
    """Return the instance that the last entry is about, or that is most worth telling of, among those with a container."""
    made = [instance for instance in known.of_pod(pod.uid) if instance.is_made]
    own = [instance for instance in made if instance.container == last.container and last.pod_uid == pod.uid]
    running = [instance for instance in made if instance.is_running]
    stopping = [instance for instance in running if instance.kill is not None]
    return next(iter([*reversed(own), *reversed(stopping), *reversed(running), *reversed(made)]), None)


def _without_pod(known: Knowledge) -> Iterator[HeadlineLine]:
    if known.ended is not None:
        if isinstance(known.ended.fact, RunAborted):
            yield HeadlineLine(name="now", text=ended_by_the_lab(known.ended.fact))
        else:
            yield HeadlineLine(name="now", text=phrase("The run is over. Nothing was created.", "运行已结束，没有创建任何对象。"))
    elif known.queued is not None and isinstance(known.queued.fact, RunQueued):
        yield HeadlineLine(name="now", text=_queued(known.queued.fact.ahead))
        yield HeadlineLine(
            name="next",
            text=phrase(
                "The manifest is submitted by itself as soon as there is room. Delete takes the run out of the queue.",
                "一有空位，清单就会自动提交。按“删除”可退出排队。",
            ),
        )
    elif known.opened is not None:
        yield HeadlineLine(name="now", text=phrase("The manifest goes to the API server.", "清单正在提交给 API server。"))


def _queued(ahead: int) -> Phrase:
    if not ahead:
        return phrase(
            "The run waits for its turn, and is the next one. The machine is busy with other pods now.",
            "运行正在排队，下一个就轮到它。机器现在正忙于其他 Pod。",
        )
    return phrase(
        "The run waits for its turn: {n} before it. The machine is busy with other pods now.",
        "运行正在排队：前面还有 {n} 个。机器现在正忙于其他 Pod。",
        n=ahead,
    )


def _lines(known: Knowledge, pod: PodKnown, focus: Instance | None) -> Iterator[HeadlineLine]:
    told = _stopped(known, pod, focus)
    names = {id(instance): _name(known, instance) for instance in (*told, *([focus] if focus else []))}
    about_focus = focus is not None and focus.started is not None and known.ended is None and not known.held
    yield HeadlineLine(name="now", text=_now(known, pod, focus), container=names[id(focus)] if about_focus else "")
    for instance in told:
        ruler = known.ruler_of(instance)
        if ruler is not None and (order := order_of(instance, ruler)) is not None:
            yield HeadlineLine(name="order", text=order, container=names[id(instance)])
    for instance in told:
        ruler = known.ruler_of(instance)
        if ruler is not None:
            counts = instance.exited is None and instance is focus
            left = left_of(instance, ruler)
            yield HeadlineLine(name="left", text=left, container=names[id(instance)], counts=counts)
    for instance in told:
        if (end := end_of(instance, known.pods[instance.pod_uid])) is not None:
            yield HeadlineLine(name="exit", text=end, container=names[id(instance)])
    files = files_of(known, pod)
    if files is not None:
        yield HeadlineLine(name="files", text=files)
    coming = next_of(known, pod, focus)
    if coming is not None:
        yield HeadlineLine(name="next", text=coming)


def _name(known: Knowledge, instance: Instance) -> str:
    """Return what tells an instance's container from the others of the run, "" when there are none."""
    pod = known.pods[instance.pod_uid]
    if len(known.pods) > 1:
        return f"{pod.name}/{instance.container}"
    several = len(pod.spec.get("containers") or ()) + len(pod.spec.get("initContainers") or ()) > 1
    return instance.container if several else ""


def _stopped(known: Knowledge, pod: PodKnown, focus: Instance | None) -> list[Instance]:
    """Return the newest instance of each container that is being stopped or has ended; at the end of the run those of all its
    pods. Of too many, those of the pod; of still too many, the one in focus."""
    every = list(_ending(known, known.pods)) if known.ended is not None else []
    own = list(_ending(known, (pod.uid,)))
    for found in (every, own):
        if 0 < len(found) <= MOST_CONTAINERS:
            return found
    return [instance for instance in own if instance is focus]


def _ending(known: Knowledge, pods: Iterable[str]) -> Iterator[Instance]:
    for uid in pods:
        newest = {instance.container: instance for instance in known.of_pod(uid) if instance.is_made}
        yield from (instance for instance in newest.values() if instance.kill is not None or instance.exited is not None)


# --- now --------------------------------------------------------------------------------------------------------------


def _now(known: Knowledge, pod: PodKnown, instance: Instance | None) -> Phrase:
    if known.ended is not None:
        if isinstance(known.ended.fact, RunAborted):
            return ended_by_the_lab(known.ended.fact)
        return phrase(
            "The run is over: the pod is gone, and nothing of it is left on the node’s engine.",
            "运行已结束：Pod 已消失，节点的引擎上没有留下任何东西。",
        )
    if known.held:
        return phrase(
            "The lab holds the kubelet here until you press Continue. What runs in the containers goes on.",
            "实验室让 kubelet 停在这里，直到你按下“继续”。容器里的进程仍在运行。",
        )
    if instance is None or instance.started is None:
        return _setting_up(pod, instance)
    if instance.exited is not None:
        return _after_the_end(pod, instance)
    return _stopping(pod, instance) if instance.kill is not None else _alive(pod, instance)


def _setting_up(pod: PodKnown, instance: Instance | None) -> Phrase:
    if pod.removed is not None:
        return phrase("The pod is gone from the API; nothing of it ever ran.", "Pod 已从 API 中移除，它从未运行过。")
    if instance is not None and instance.created is not None:
        return phrase("The container is created; its process does not run yet.", "容器已创建，进程尚未运行。")
    return phrase(
        "The pod is stored in the API as {status}. Nothing of it runs yet.",
        "Pod 已存入 API，状态为 {status}，尚未运行任何进程。",
        status=pod.status,
    )


def _alive(pod: PodKnown, instance: Instance) -> Phrase:
    if instance.hook("postStart").is_running:
        return phrase(
            "The process runs, and the postStart hook beside it. kubectl says {status}.",
            "进程正在运行，postStart 钩子与它并行。kubectl 显示 {status}。",
            status=pod.status,
        )
    if pod.deleted is not None:
        return phrase("The pod is to go, and the process does not know of it yet.", "Pod 将被删除，而进程对此还一无所知。")
    return phrase(
        "The process runs: `{command}`. kubectl says {status}.",
        "进程正在运行：`{command}`。kubectl 显示 {status}。",
        command=_command(instance.created),
        status=pod.status,
    )


def _stopping(pod: PodKnown, instance: Instance) -> Phrase:
    hook = instance.hook("preStop")
    if instance.kill_signal is not None:
        return phrase("SIGKILL is sent: PID 1 cannot refuse it.", "已发送 SIGKILL：PID 1 无法拒绝。")
    if instance.stop_signal is not None:
        return _after_the_signal(instance)
    if hook.is_awaited:
        gone = phrase(" kubectl does not find the pod any more.", " kubectl 已经查不到这个 Pod。") if pod.removed else ""
        return phrase(
            "The preStop hook runs, and so does the process: it knows nothing of its end yet.{gone}",
            "preStop 钩子正在运行，进程也在运行：它还不知道自己即将结束。{gone}",
            gone=gone,
        )
    if hook.is_running:
        return phrase(
            "The preStop hook has used up the grace period. Nobody waits for it any more.",
            "preStop 钩子用完了宽限期，已无人等待它。",
        )
    if hook.ended is not None:
        return phrase("The preStop hook has ended. The process still runs.", "preStop 钩子已结束，进程仍在运行。")
    return phrase("The kubelet begins to stop the container.", "kubelet 开始停止容器。")


def _after_the_signal(instance: Instance) -> Phrase:
    stop = instance.stop_signal
    name = stop.signal if stop else ""
    fate = instance.reached_first_process(stop.number) if stop else None
    if fate is None:
        return phrase("{signal} is sent to PID 1.", "已向 PID 1 发送 {signal}。", signal=name)
    return _fate(fate)


def _fate(fate: SignalReceived) -> Phrase:
    values = {"signal": fate.signal, "sender": fate.sender or "?", "target": fate.target}
    match fate.result:
        case "ignored":
            return phrase(
                "{signal} has reached PID 1 `{target}`, and the kernel dropped it. The process goes on.",
                "{signal} 已到达 PID 1 `{target}`，但被内核丢弃。进程继续运行。",
                **values,
            )
        case "delivered":
            return phrase(
                "{signal} has reached PID 1 `{target}`, and its handler took it. What it does now is its own affair.",
                "{signal} 已到达 PID 1 `{target}`，由它的处理函数接收。之后怎么做由它自己决定。",
                **values,
            )
        case "pending":
            return phrase(
                "{signal} waits for PID 1 `{target}`, which has not taken it yet.",
                "{signal} 已排队，PID 1 `{target}` 尚未处理。",
                **values,
            )
        case "default":
            return phrase(
                "{signal} has reached PID 1 `{target}`, which has no handler for it.",
                "{signal} 已到达 PID 1 `{target}`，它没有处理函数。",
                **values,
            )


def _after_the_end(pod: PodKnown, instance: Instance) -> Phrase:
    code = instance.exit.exit_code if instance.exit else 0
    if pod.removed is not None:
        return phrase(
            "PID 1 has ended with exit code {code}, and the pod is gone from the API.",
            "PID 1 已以退出码 {code} 结束，Pod 已从 API 中移除。",
            code=code,
        )
    return phrase(
        "PID 1 has ended with exit code {code}. kubectl says {status}.",
        "PID 1 已以退出码 {code} 结束。kubectl 显示 {status}。",
        code=code,
        status=pod.status,
    )


def _command(created: ContainerCreated | None) -> str:
    line = " ".join(" ".join(created.argv).split()) if created else ""
    return line if len(line) <= COMMAND_CHARACTERS else line[: COMMAND_CHARACTERS - 1] + "…"


COMMAND_CHARACTERS = 80  # of a command in a sentence
