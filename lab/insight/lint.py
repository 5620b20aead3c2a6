"""What a manifest that Kubernetes accepts will do to its author's surprise: hooks, stop signals and shells, each at its line.

A rule is a small function over one container (`Subject`) or over the whole file; it yields what it is sure of and nothing
else: a false alarm is worse than silence. Mistakes that the API server itself reports are not repeated here, nor what
`lab.pods.surprises` says of single fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lab.insight.phrase import Phrase, phrase
from lab.pods.decode import pod_from_object
from lab.pods.model import Container, HookName, Pod
from lab.pods.review import ReviewedDocument

Tone = Literal["warning", "note"]

_BLOCK_SCALARS = ("|", "|-", "|+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found. ``path`` is the API's; ``script_line`` counts lines inside a script from 0."""

    rule: str
    path: str
    phrase: Phrase
    tone: Tone = "warning"
    script_line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LintNote:
    """A finding at its 1-based line of the learner's text."""

    rule: str
    path: str
    line: int
    phrase: Phrase
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A container with what a rule may ask about it. ``path`` is the API's (``spec.containers[0]``), ``earlier`` and ``later``
    are the containers that are started before and after it."""

    pod: Pod
    container: Container
    path: str
    earlier: tuple[Container, ...]
    later: tuple[Container, ...]

    @property
    def grace_seconds(self) -> int:
        """The grace period of a plain delete; 0 in the manifest still gives the node one second."""
        return max(1, self.pod.spec.termination_grace_period_seconds)

    @property
    def is_init(self) -> bool:
        """Whether it runs to its end before the others start."""
        return self.pod.is_init(self.container) and self.container.restart_policy != "Always"

    @property
    def is_meant_to_stay(self) -> bool:
        """Whether it is restarted whenever it ends, so that ending is not its purpose."""
        return not self.is_init and (self.pod.spec.restart_policy == "Always" or self.container.restart_policy == "Always")

    @property
    def argv(self) -> tuple[str, ...]:
        """The argument vector of PID 1; empty when the image's entrypoint, which nobody knows here, is part of it."""
        return self.container.command + self.container.args if self.container.command else ()

    def argv_path(self, item: int) -> str:
        """Return the path of an item of `argv`."""
        command = len(self.container.command)
        return f"{self.path}.command[{item}]" if item < command else f"{self.path}.args[{item - command}]"

    def hook_path(self, hook: HookName) -> str:
        """Return the path of a hook."""
        return f"{self.path}.lifecycle.{hook}"

    @property
    def stop_signal(self) -> str:
        """The signal that stops it, without SIG: its own, or that of the images of which it is known, else TERM."""
        own = self.container.lifecycle.stop_signal if self.container.lifecycle else None
        if own:
            return own.removeprefix("SIG")
        return STOP_SIGNALS.get(
            self.container.image.partition("@")[0].partition(":")[0].removeprefix("docker.io/library/"), "TERM"
        )


# The STOPSIGNAL of images that manifests of lessons use; nginx has had it since 1.19.
STOP_SIGNALS = {"nginx": "QUIT", "httpd": "WINCH"}

Rule = Callable[[Subject], Iterator[Finding]]


def lint(text: str, documents: Sequence[ReviewedDocument], rules: Sequence[Rule]) -> tuple[LintNote, ...]:
    """Return what is to be said about the documents of ``text`` that the API accepts, by line."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    notes: list[LintNote] = []
    for document in documents:
        if document.object is None or document.kind != "Pod":
            continue
        for finding in (*_same_pod_twice(document, documents), *_of_containers(pod_from_object(document.object), rules)):
            notes.append(_placed(finding, document, lines))
    return tuple(sorted(notes, key=lambda note: note.line))


def _of_containers(pod: Pod, rules: Sequence[Rule]) -> Iterator[Finding]:
    everyone = pod.all_containers
    for number, container in enumerate(everyone):
        is_init = number < len(pod.spec.init_containers)
        group = "initContainers" if is_init else "containers"
        subject = Subject(
            pod=pod,
            container=container,
            path=f"spec.{group}[{number if is_init else number - len(pod.spec.init_containers)}]",
            earlier=everyone[:number],
            later=everyone[number + 1 :],
        )
        for rule in rules:
            yield from rule(subject)


def _same_pod_twice(document: ReviewedDocument, documents: Sequence[ReviewedDocument]) -> Iterator[Finding]:
    """kubectl takes each document on its own, in order: a second one of the same name changes the first one's pod."""
    earlier = next(
        (
            d
            for d in documents
            if d.index < document.index
            and d.object is not None
            and d.name
            and (d.kind, d.namespace, d.name) == (document.kind, document.namespace, document.name)
        ),
        None,
    )
    if earlier is not None:
        yield Finding(
            rule="same-pod-twice",
            path="metadata.name",
            phrase=phrase(
                "The document on line {line} names the same pod. kubectl takes the documents one after the other: this one "
                "is a "
                "change to that pod, and of a pod hardly anything but labels and images may be changed.",
                "第 {line} 行的文档是同名的 Pod。kubectl 按顺序逐个处理文档：这一份会被当作对那个 Pod 的修改，而 Pod 几乎只允"
                "许改标签和镜像。",
                line=earlier.line,
            ),
        )


def _placed(finding: Finding, document: ReviewedDocument, lines: Sequence[str]) -> LintNote:
    """Find the line: in a literal block the script begins on the line after its mark."""
    line = min(document.lines.line(finding.path), len(lines))
    if lines[line - 1].rstrip().rpartition(" ")[2] in _BLOCK_SCALARS:
        line += 1 + finding.script_line
    return LintNote(rule=finding.rule, path=finding.path, line=min(line, len(lines)), phrase=finding.phrase, tone=finding.tone)
