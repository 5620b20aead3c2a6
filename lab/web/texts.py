"""The plain texts of a run, as of a moment: ``kubectl describe pod`` and ``kubectl get pod -o yaml``, and how they travel.

A page keeps every version of a text; a version travels as what changed against the one before, because of two answers of a
minute apart most lines are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from lab.insight.phrase import phrase
from lab.pods.yaml_text import yaml_text
from lab.timeline.describe import describe_pod
from lab.timeline.facts import Entry, ObjectWritten
from lab.web.line_match import opcodes
from lab.web.story import PodStory, Story
from lab.web.wording import Wording

TextName = Literal["describe", "yaml"]
TEXTS: tuple[TextName, ...] = ("describe", "yaml")
_LAST_ANSWER = phrase("The last answer before the pod was removed:", "Pod 移除前的最后一次结果：")
Hunk = tuple[int, int, tuple[str, ...]]
Patch = tuple[Hunk, ...]


class Answers:
    """The texts of a run's pods, each made anew only when it has changed: with a write that concerns its pod, and, since it tells
    ages in seconds, with the second. Of many pods most stay as they were. Not thread-safe."""

    def __init__(self, say: Wording) -> None:
        self._say = say
        self._written: dict[str, int] = {}  # the last write that concerns a pod, by its uid
        self._made: dict[tuple[TextName, str], tuple[tuple[int, int], str]] = {}

    def lines(self, name: TextName, story: Story, now: Entry) -> tuple[str, ...]:
        """Return a text's lines at the time of a write; of a removed pod the refusal, and then the last answer before it."""
        if now.pod_uid is not None:
            self._written[now.pod_uid] = now.seq
        separator = "---\n" if name == "yaml" else "\n\n"
        return tuple(separator.join(self._of_pod(name, story, pod, now) for pod in story.pods.values()).splitlines())

    def _of_pod(self, name: TextName, story: Story, pod: PodStory, now: Entry) -> str:
        second = int(now.at.timestamp()) if name == "describe" and pod.removed is None else 0
        state = (self._written.get(pod.uid, 0), second)
        made = self._made.get((name, pod.uid))
        if made is None or made[0] != state:
            made = self._made[name, pod.uid] = (state, _of_pod(name, story, pod, now, self._say))
        return made[1]


def patch(before: Sequence[str], after: Sequence[str]) -> Patch:
    """Return how ``after`` is made from ``before``: hunks of how many lines to keep, how many to drop, and what to put there.
    What follows the last hunk is kept."""
    hunks: list[Hunk] = []
    keep = 0
    for tag, old_from, old_to, new_from, new_to in opcodes(before, after):
        if tag == "equal":
            keep += old_to - old_from
        else:
            hunks.append((keep, old_to - old_from, tuple(after[new_from:new_to])))
            keep = 0
    return tuple(hunks)


def patched(before: Sequence[str], change: Patch) -> tuple[str, ...]:
    """Return the lines after a change."""
    after: list[str] = []
    at = 0
    for keep, drop, lines in change:
        after += [*before[at : at + keep], *lines]
        at += keep + drop
    return (*after, *before[at:])


def _of_pod(name: TextName, story: Story, pod: PodStory, now: Entry, say: Wording) -> str:
    if pod.removed is None:
        return _answer(name, story, pod, now)
    return "".join(_after_removal(name, story, pod, pod.removed, say))


def _after_removal(name: TextName, story: Story, pod: PodStory, removed: Entry, say: Wording) -> Iterator[str]:
    mark = "# " if name == "yaml" else ""
    yield f'{mark}Error from server (NotFound): pods "{pod.name}" not found\n'
    yield f"{mark}{say.plain(_LAST_ANSWER)}\n"
    yield _answer(name, story, pod, removed)


def _answer(name: TextName, story: Story, pod: PodStory, now: Entry) -> str:
    if name == "yaml":
        return yaml_text(pod.object)
    writes = [entry.fact for entry in story.events.values() if entry.pod_uid == pod.uid]
    return describe_pod(pod.object, [write.object for write in writes if isinstance(write, ObjectWritten)], now=now.at)
