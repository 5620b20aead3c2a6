"""Who wrote a file: a hook, or the container's own process. Said only when one command of the pod names the file and no other
does, and that command had begun before; otherwise nobody knows, and nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from lab.insight.knowledge import Instance, Knowledge
from lab.timeline.facts import Entry, FileChanged

Writer = Literal["postStart", "preStop", "process"]

_PATH_GOES_ON = r"(?![\w./-])"
_PATH_BEGINS = r"(?<![\w./-])"


def writer_of(entry: Entry, known: Knowledge) -> Writer | None:
    """Return who wrote the file of a `FileChanged`; None when the facts do not say."""
    fact = entry.fact
    if not isinstance(fact, FileChanged) or fact.change == "deleted" or entry.pod_uid is None:
        return None
    own = known.instance(entry)
    if own is None:
        return None
    naming = [
        (instance, writer)
        for instance in known.of_pod(entry.pod_uid)
        for writer, command in _commands(instance)
        if names(command, fact.path)
    ]
    writers = {(instance.container, writer) for instance, writer in naming}
    if len(writers) != 1:
        return None
    container, writer = next(iter(writers))
    return writer if container == own.container else None


def names(command: tuple[str, ...], path: str) -> bool:
    """Whether a command's words name a path as a whole."""
    return bool(re.search(_PATH_BEGINS + re.escape(path) + _PATH_GOES_ON, " ".join(command)))


def _commands(instance: Instance) -> Iterator[tuple[Writer, tuple[str, ...]]]:
    if instance.created is not None:
        yield "process", instance.created.argv
    for hook, known in instance.hooks.items():
        yield hook, known.action
