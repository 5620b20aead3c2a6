"""What Kubernetes accepts to one's surprise: remarks on a pod, each at its line.

``ServerWarning`` notes are the server's own, which kubectl prints; ``Warning`` notes are the lab's, in plain sentences.
Nothing here refuses anything.
Source: pkg/api/pod/warnings.go (v1.36) for the server's; the others describe recorded behaviour.
"""

from __future__ import annotations

from typing import Any

from lab.pods.manifest import Document
from lab.pods.notes import FieldNote

JSON = dict[str, Any]


def warnings_of(document: Document, pod: JSON, feature_gates: frozenset[str]) -> tuple[FieldNote, ...]:
    """Return the remarks on a decoded pod with defaults filled, in the order of their lines."""
    return ()
