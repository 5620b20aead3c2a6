"""Texts of a trace without what two nodes cannot have in common: namespaces, uids, generated suffixes, addresses, ids, clock
readings, and the container runtime's own words.

Nothing else is taken out: what is left must be equal to the character.
"""

from __future__ import annotations

import re

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_GENERATED_SUFFIX = re.compile(r"\b([a-z0-9-]+?)-[0-9a-z]{8,10}-[0-9a-z]{5}\b")  # of a ReplicaSet and of its pod
_CONTAINER_ID = re.compile(r"\b[0-9a-f]{64}\b")
_RUNTIME_WORDS = re.compile(r"(rpc error|OCI runtime|failed to create containerd task|failed to (?:pull|resolve)).*", re.DOTALL)
_ADDRESS = re.compile(r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b")
_CLOCK_READING = re.compile(
    r"(?<!\d)1\d{9}(\.\d+)?(?!\d)"  # date +%s
    r"|\b[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d UTC \d{4}\b"  # date
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z"
)

TIME = "TIME"  # in place of a clock reading


def normal_name(pod: str) -> str:
    """Return a pod's name without the suffix that a controller gave it."""
    return _GENERATED_SUFFIX.sub(r"\1-X", pod)


def normal_text(text: str | None, namespace: str) -> str:
    """Return a message as every node would word it."""
    text = _UID.sub("UID", text or "")
    if namespace:
        text = re.sub(rf"(?<![\w-]){re.escape(namespace)}(?=/|\()", "NS", text)
        text = re.sub(rf"_{re.escape(namespace)}\(", "_NS(", text)
    text = _RUNTIME_WORDS.sub("RUNTIME", _CONTAINER_ID.sub("ID", text))
    return _ADDRESS.sub("ADDR", normal_name(text))


def without_clock_readings(text: str) -> str:
    """Return a file's text with every date and time replaced by `TIME`."""
    return _CLOCK_READING.sub(TIME, text)


def are_clock_readings(first: str, second: str) -> bool:
    """Return whether both are nothing but clock readings, whose number differs by one at most."""
    return all(set(text.split()) == {TIME} for text in (first, second)) and abs(first.count(TIME) - second.count(TIME)) <= 1
