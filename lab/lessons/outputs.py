"""Output in a lesson's text, taken from the recording of an example when the page is made, so that it cannot go stale.

    {{ output: EXAMPLE logs CONTAINER }}             what the container wrote, all attempts
    {{ output: EXAMPLE events [REASON] }}            type, reason and message of events
    {{ output: EXAMPLE statuses }}                   what kubectl's STATUS column showed, one after the other
    {{ output: EXAMPLE file PATH }}                  the last text of a file
    {{ output: EXAMPLE hook CONTAINER HOOK }}        what the hook's command printed
    {{ output: EXAMPLE kubectl [TEXT] }}             kubectl's answers, those that hold TEXT
    {{ output: EXAMPLE waiting CONTAINER REASON }}   the message of the container's waiting state
    {{ output: EXAMPLE describe TEXT }}              the line of the last describe that holds TEXT, and what is indented below it

EXAMPLE is an example of the same lesson, or LESSON/EXAMPLE. Pure: reads entries only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.timeline.describe import describe_pod
from lab.timeline.facts import (
    CommandAnswered,
    Entry,
    FileChanged,
    HookFailed,
    HookFinished,
    LogChunk,
    ObjectWritten,
)
from lab.timeline.tables import pod_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What is shown of which example's recording; ``words`` are those after the kind."""

    example_id: str
    what: str
    words: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether the kind is one of ours, with the words that it needs."""
        least, most = WORDS.get(self.what, (1, 0))
        return least <= len(self.words) <= most

    def lines(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        """Return the output from the entries of a run; empty when there is none."""
        lines = list(_READERS[self.what](entries, self.words))
        while lines and not lines[-1].strip():  # kubectl ends some answers with an empty line
            lines.pop()
        return tuple(lines)


ANY = 1_000  # words
WORDS: Mapping[str, tuple[int, int]] = {
    "logs": (1, 1),
    "events": (0, 1),
    "statuses": (0, 0),
    "file": (1, 1),
    "hook": (2, 2),
    "kubectl": (0, ANY),
    "waiting": (2, 2),
    "describe": (1, ANY),
}


def _logs(entries: Sequence[Entry], words: tuple[str, ...]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry.fact, LogChunk) and entry.container == words[0]:
            yield from (text for _, _, text in entry.fact.lines)


def _events(entries: Sequence[Entry], words: tuple[str, ...]) -> Iterator[str]:
    events = {write.uid: write.object for _, write in _written(entries, "Event")}
    for event in events.values():
        if not words or event["reason"] == words[0]:
            yield f"{event['type']}  {event['reason']}  {event['message']}"


def _statuses(entries: Sequence[Entry], words: tuple[str, ...]) -> Iterator[str]:
    last = None
    for entry, write in _written(entries, "Pod"):
        status = pod_row(write.object, now=entry.at).status
        if status != last:
            yield status
        last = status


def _file(entries: Sequence[Entry], words: tuple[str, ...]) -> Iterator[str]:
    texts = [e.fact.text for e in entries if isinstance(e.fact, FileChanged) and words[0] in (e.fact.path, e.fact.node_path)]
    told = [text for text in texts if text is not None]
    yield from told[-1].splitlines() if told else ()


def _hook(entries: Sequence[Entry], words: tuple[str, ...]) -> Iterator[str]:
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, HookFinished | HookFailed) and (entry.container, fact.hook) == words:
            yield from (fact.stdout + fact.stderr).splitlines()


def _kubectl(entries: Sequence[Entry], words: tuple[str, ...]) -> Iterator[str]:
    wanted = " ".join(words)
    for entry in entries:
        if isinstance(entry.fact, CommandAnswered):
            answer = entry.fact.stdout + entry.fact.stderr
            yield from answer.splitlines() if wanted in answer else ()


def _waiting(entries: Sequence[Entry], words: tuple[str, ...]) -> Iterator[str]:
    container, reason = words
    for _, write in _written(entries, "Pod"):
        for status in write.object.get("status", {}).get("containerStatuses", ()):
            waiting = status.get("state", {}).get("waiting", {})
            if status["name"] == container and waiting.get("reason") == reason and waiting.get("message"):
                yield from str(waiting["message"]).splitlines()
                return


def _describe(entries: Sequence[Entry], words: tuple[str, ...]) -> Iterator[str]:
    pods = tuple(_written(entries, "Pod"))
    if not pods:
        return
    events = {write.uid: write.object for _, write in _written(entries, "Event")}
    last, write = pods[-1]
    wanted, inside = " ".join(words), None
    for line in describe_pod(write.object, tuple(events.values()), now=last.at).splitlines():
        indent = len(line) - len(line.lstrip())
        if inside is not None and indent <= inside:
            return
        if inside is None and wanted in line:
            inside = indent
        if inside is not None:
            yield line[inside:]


def _written(entries: Iterable[Entry], kind: str) -> Iterator[tuple[Entry, ObjectWritten]]:
    for entry in entries:
        if isinstance(entry.fact, ObjectWritten) and entry.fact.kind == kind:
            yield entry, entry.fact


_READERS: Mapping[str, Callable[[Sequence[Entry], tuple[str, ...]], Iterator[str]]] = {
    "logs": _logs,
    "events": _events,
    "statuses": _statuses,
    "file": _file,
    "hook": _hook,
    "kubectl": _kubectl,
    "waiting": _waiting,
    "describe": _describe,
}
