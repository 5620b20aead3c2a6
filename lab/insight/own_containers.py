"""A container of a learner's own pod with an image that the lab has: what is changed for it, and what its hooks will miss.

Its `lifecycle` is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from lab.insight.phrase import Phrase, phrase
from lab.insight.stand_ins import BUSYBOX, NGINX, StandIn, calls_of, missing

JSON = dict[str, Any]
Remarks = tuple[tuple[str, Phrase], ...]

WAITING = ["sh", "-c", "trap 'exit 0' TERM QUIT; while :; do sleep 1; done"]  # QUIT: the nginx image's stop signal
_KEPT = frozenset(
    ("name", "image", "command", "args", "env", "ports", "lifecycle", "volumeMounts", "restartPolicy", "tty", "stdin")
)
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_KEPT_WITH_OWN_IMAGE = _KEPT.union(
    ("workingDir", "securityContext", "resources", "terminationMessagePath", "terminationMessagePolicy"), _PROBES
)
_SERVES = ("nginx", "openresty")
_PROCESS = re.compile(r"\b(?:pidof|pkill|pgrep|killall)(?: +-\S+)* +([A-Za-z][\w.-]*)")
_OWN_PORT = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::| +)(\d{1,5})\b")
_HOOKS = ("postStart", "preStop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """The container as it runs here, with (path, what) of each change and of each thing that a hook will miss."""

    container: JSON
    is_swapped: bool
    changes: Remarks
    concerns: Remarks


def swap_container(container: JSON, path: str, gone: frozenset[str]) -> Swap:
    """Give a container an image of the lab; ``gone`` are the volumes that are left out."""
    written = str(container.get("image", ""))
    own = next((image for image in (BUSYBOX, NGINX) if _name(written) == image.image), None)
    stand_in = own or _choose(container, written)
    changes: list[tuple[str, Phrase]] = []
    kept = _KEPT if own is None else _KEPT_WITH_OWN_IMAGE
    new = {key: deepcopy(value) for key, value in container.items() if key in kept}
    new["image"] = stand_in.image
    if written != stand_in.image:
        changes.append((f"{path}.image", _said_of_image(written, stand_in, own is not None)))
    left_out = [key for key in container if key not in kept]
    changes += [(f"{path}.{key}", _said_of_left_out(key, own is not None)) for key in left_out]
    if own is None:
        changes += _new_command(new, path, stand_in, written)
    changes += _without_references(new, path, gone)
    return Swap(
        container=new,
        is_swapped=own is None,
        changes=tuple(changes),
        concerns=tuple(_concerns(container, new, path, stand_in)),
    )


def _choose(container: JSON, written: str) -> StandIn:
    """Choose the stand-in by the image's name, else the one that lacks least of what the hooks call."""
    if any(word in written.rpartition("/")[2] for word in _SERVES):
        return NGINX
    commands = [argv for _, argv in _exec_hooks(container)]
    return min((BUSYBOX, NGINX), key=lambda image: sum(len(missing(argv, image)) for argv in commands))


def _new_command(new: JSON, path: str, stand_in: StandIn, written: str) -> Iterator[tuple[str, Phrase]]:
    """Let the stand-in run what it can: its own server, the command as it is, or a shell that waits for SIGTERM."""
    written_command = _texts(new.get("command"))
    command = (*written_command, *_texts(new.get("args"))) if written_command else ()
    if command and calls_of(command).is_whole and not calls_of(command).scripts and not missing(command, stand_in):
        return
    serves = stand_in is NGINX and any(word in written for word in _SERVES) and not command
    had_args = new.pop("args", None) is not None
    new.pop("command", None)
    if serves:
        if had_args:
            yield f"{path}.args", phrase("Left out: they belong to your image.", "没有采用：它们属于你的镜像。")
        return
    new["command"] = list(WAITING)
    yield (
        f"{path}.command",
        phrase(
            "Your program is not here. A shell takes its place, waits, and exits 0 within a second of the stop signal; how long "
            "your program takes cannot be seen here.",
            "这里没有你的程序，由一个 shell 代替它：一直等待，收到停止信号后一秒内以 0 退出。你的程序需要多久，在这里看不到。",
        ),
    )


def _without_references(new: JSON, path: str, gone: frozenset[str]) -> Iterator[tuple[str, Phrase]]:
    """Take out what refers to objects that are not here."""
    written = new.get("env")
    environment: list[Any] = written if isinstance(written, list) else []
    for number, variable in enumerate(environment):
        source = variable.get("valueFrom") if isinstance(variable, dict) else None
        if isinstance(source, dict) and ("secretKeyRef" in source or "configMapKeyRef" in source):
            environment[number] = {"name": variable.get("name"), "value": "stand-in"}
            yield (
                f"{path}.env[{number}]",
                phrase(
                    "{name} becomes the text “stand-in”: its Secret or ConfigMap is not here.",
                    "{name} 的值换成文本“stand-in”：这里没有它的 Secret 或 ConfigMap。",
                    name=variable.get("name"),
                ),
            )
    mounts = new.get("volumeMounts")
    if isinstance(mounts, list):
        kept = [mount for mount in mounts if not (isinstance(mount, dict) and str(mount.get("name")) in gone)]
        new["volumeMounts"] = kept
        if not kept:
            del new["volumeMounts"]


def _concerns(old: JSON, new: JSON, path: str, stand_in: StandIn) -> Iterator[tuple[str, Phrase]]:
    for hook, argv in _exec_hooks(old):
        where = f"{path}.lifecycle.{hook}.exec.command"
        calls = calls_of(argv)
        for program in missing(argv, stand_in):
            yield where, _said_of_missing(hook, program, stand_in, is_first=program == argv[0])
        for script in calls.scripts:
            yield (
                where,
                phrase(
                    "{hook} reads the script {script}, which is in your image and not in {image}: the hook will fail.",
                    "{hook} 要读取脚本 {script}，它在你的镜像里，{image} 里没有：钩子会失败。",
                    hook=hook,
                    script=script,
                    image=stand_in.image,
                ),
            )
        for name in dict.fromkeys(_PROCESS.findall(" ".join(argv))):
            yield (
                where,
                phrase(
                    "{hook} looks for the process {name}, which is your program and does not run here.",
                    "{hook} 要找进程 {name}，那是你的程序，这里没有运行它。",
                    hook=hook,
                    name=name,
                ),
            )
        for port in dict.fromkeys(_OWN_PORT.findall(" ".join(argv))):
            if not _is_served({"port": port}, new):
                yield (
                    where,
                    phrase(
                        "{hook} asks port {port} of its own pod, on which nothing listens in the stand-in. If it waits for an "
                        "answer, it does not end.",
                        "{hook} 要访问本 Pod 的端口 {port}，而替身里没有程序监听它。如果它要等到有响应为止，就不会结束。",
                        hook=hook,
                        port=port,
                    ),
                )
        if not calls.is_whole:
            yield (
                where,
                phrase(
                    "The script of {hook} cannot be read through here; it may call more programs that {image} does not have.",
                    "这里无法完整读懂 {hook} 的脚本，它可能还会调用 {image} 里没有的程序。",
                    hook=hook,
                    image=stand_in.image,
                ),
            )
    for hook in _HOOKS:
        handler = _handler(old, hook)
        request = next((kind for kind in ("httpGet", "tcpSocket") if kind in handler), None)
        if request is not None and not (request == "httpGet" and _is_served(handler["httpGet"], new)):
            yield (
                f"{path}.lifecycle.{hook}.{request}",
                phrase(
                    "{hook} asks port {port}, on which nothing listens in the stand-in: the hook will fail.",
                    "{hook} 要访问端口 {port}，而替身里没有程序监听它：钩子会失败。",
                    hook=hook,
                    port=(handler[request] or {}).get("port", "?") if isinstance(handler[request], dict) else "?",
                ),
            )


def _is_served(request: Any, new: JSON) -> bool:
    return (
        new["image"] == NGINX.image and "command" not in new and isinstance(request, dict) and request.get("port") in (80, "80")
    )


def _exec_hooks(container: JSON) -> Iterator[tuple[str, tuple[str, ...]]]:
    for hook in _HOOKS:
        action = _handler(container, hook).get("exec")
        command = action.get("command") if isinstance(action, dict) else None
        if isinstance(command, list) and command:
            yield hook, tuple(map(str, command))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _handler(container: JSON, hook: str) -> JSON:
    lifecycle = container.get("lifecycle")
    handler = lifecycle.get(hook) if isinstance(lifecycle, dict) else None
    return handler if isinstance(handler, dict) else {}


def _said_of_missing(hook: str, program: str, stand_in: StandIn, *, is_first: bool) -> Phrase:
    if is_first:
        return phrase(
            "{hook} calls {program}, which {image} does not have: the hook cannot be started and fails.",
            "{hook} 调用 {program}，{image} 里没有它：钩子无法启动，会失败。",
            hook=hook,
            program=program,
            image=stand_in.image,
        )
    return phrase(
        "The script of {hook} calls {program}, which {image} does not have: “not found”, exit code 127 at that place.",
        "{hook} 的脚本调用 {program}，{image} 里没有它：执行到那里会报“not found”，退出码 127。",
        hook=hook,
        program=program,
        image=stand_in.image,
    )


def _said_of_image(written: str, stand_in: StandIn, is_own: bool) -> Phrase:
    if is_own:
        return phrase(
            "{written} becomes the lab’s {image}, perhaps of another version.",
            "{written} 换成实验室自带的 {image}，版本可能不同。",
            written=written,
            image=stand_in.image,
        )
    if stand_in is NGINX:
        return phrase(
            "{written} is not here and nothing is downloaded: {image} stands in for it. Its stop signal is SIGQUIT, whatever "
            "that of your image is.",
            "这里没有 {written}，也不会下载：由 {image} 代替。无论你的镜像用什么停止信号，{image} 的是 SIGQUIT。",
            written=written or "?",
            image=stand_in.image,
        )
    return phrase(
        "{written} is not here and nothing is downloaded: {image} stands in for it.",
        "这里没有 {written}，也不会下载：由 {image} 代替。",
        written=written or "?",
        image=stand_in.image,
    )


def _said_of_left_out(key: str, is_own: bool) -> Phrase:
    if key in _PROBES:
        return phrase("Left out: the stand-in would not answer the probe.", "没有采用：替身不会响应探针。")
    if key == "envFrom":
        return phrase("Left out: its ConfigMaps and Secrets are not here.", "没有采用：这里没有它引用的 ConfigMap 和 Secret。")
    if is_own:
        return phrase("Left out: it changes nothing about hooks here.", "没有采用：它不影响这里的钩子。")
    return phrase("Left out: it is meant for your image.", "没有采用：它是为你的镜像准备的。")


def _name(image: str) -> str:
    """Return an image's name when it is Docker Hub's own (``docker.io/library/nginx:1.27``), else all of it."""
    plain = image.partition("@")[0].removeprefix("docker.io/").removeprefix("library/")
    return plain.partition(":")[0] if "/" not in plain else plain
