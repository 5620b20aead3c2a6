"""What a command printed, and the words that several commands share.

Source: staging/src/k8s.io/kubectl/pkg/cmd/{get,logs,exec} (v1.36).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.pods.kinds import KeptKind, kept_kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command printed, and its exit status."""

    rc: int = 0
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What a command line means by ``pod a b`` or ``pod/a pod/b``: a kind and names, none for all of the kind."""

    kept: KeptKind
    names: tuple[str, ...] = ()


def targets_of(words: Sequence[str]) -> tuple[Targets, ...] | None:
    """Return what the words after a verb mean, one entry per kind in order; None when a kind is none that the lab keeps."""
    if not words:
        return None
    if any("/" in word for word in words):
        found: list[Targets] = []
        for word in words:
            kind, _, name = word.partition("/")
            kept = kept_kind(kind)
            if kept is None or not name:
                return None
            found.append(Targets(kept=kept, names=(name,)))
        return tuple(found)
    kinds = [kept_kind(word) for word in words[0].split(",")]
    if any(kept is None for kept in kinds):
        return None
    return tuple(Targets(kept=kept, names=tuple(words[1:])) for kept in kinds if kept is not None)


def not_found(name: str, resource: str = "pods") -> str:
    """Return the server's words for an object that is not there."""
    return f'Error from server (NotFound): {resource} "{name}" not found'
