"""What the API server refuses before it validates, and last what the lab refuses: kinds, types, unknown fields, limits.

Each check returns a refusal, or None. Source: apiserver handlers/create.go, sigs.k8s.io/json (v1.36).
"""

from __future__ import annotations

from lab.pods.decoding import Decoded
from lab.pods.kinds import KEPT_KINDS
from lab.pods.manifest import Document
from lab.pods.notes import FieldNote
from lab.pods.refusals import Refusal, refused_as_bad_request, refused_by_lab

MAX_CONTAINERS = 16  # of one pod: the lab's bound; a node takes as many as it has room for

_SCHEME = "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"  # as the recorded server names it


def other_kind_refusal(document: Document, kind: str) -> Refusal:
    """Refuse a kind that Kubernetes has and the lab neither runs nor keeps."""
    found = "not supported by this lab, which runs Pods; write what it would run as a Pod"
    return refused_by_lab(f"cannot run a {kind}: {found}", FieldNote("kind", found, document.lines.line("kind"), "Unsupported"))


def wrong_kind_refusal(document: Document, wanted: str) -> Refusal | None:
    """kubectl finds ``pod`` and ``PodList`` too, and sends them; the server takes ``Pod`` alone."""
    kind, version = document.value["kind"], document.value["apiVersion"]
    if kind == wanted:
        return None
    found = f'no kind "{kind}" is registered for version "{version}" in scheme "{_SCHEME}"'
    message = f'{kind} in version "{version}" cannot be handled as a {wanted}: {found}'
    return refused_as_bad_request(message, FieldNote("kind", found, document.lines.line("kind"), "TypeError"))


def type_refusal(decoded: Decoded, document: Document) -> Refusal | None:
    """Refuse values of the wrong type; the server names the first."""
    if not decoded.type_errors:
        return None
    first = decoded.type_errors[0]
    return refused_as_bad_request(f"{_cannot_handle(document)}: {first.message}", first)


def unknown_refusal(decoded: Decoded, document: Document) -> Refusal | None:
    """Refuse fields that the kind does not have; the server names all."""
    if not decoded.unknown_fields:
        return None
    listed = ", ".join(note.message for note in decoded.unknown_fields)
    return refused_as_bad_request(f"{_cannot_handle(document)}: strict decoding error: {listed}", *decoded.unknown_fields)


def _cannot_handle(document: Document) -> str:
    kind = document.value["kind"].removesuffix("List")
    kind = next((known for known in KEPT_KINDS if known.lower() == kind.lower()), kind)
    return f'{kind} in version "{document.value["apiVersion"]}" cannot be handled as a {kind}'


def unsupported_refusal(decoded: Decoded, document: Document) -> Refusal | None:
    """Refuse what Kubernetes would take and the lab does not run."""
    notes = [*decoded.unsupported, *_too_many_containers(decoded, document)]
    if not notes:
        return None
    listed = "; ".join(f"{note.path}: {note.message}" for note in notes)
    return refused_by_lab(f"cannot run this pod: {listed}", *notes)


def _too_many_containers(decoded: Decoded, document: Document) -> tuple[FieldNote, ...]:
    spec = decoded.value.get("spec", {})
    count = len(spec.get("initContainers", ())) + len(spec.get("containers", ()))
    if count <= MAX_CONTAINERS:
        return ()
    message = f"not supported by this lab: {count} containers in a pod; it runs at most {MAX_CONTAINERS}, leave some out"
    return (FieldNote("spec.containers", message, document.lines.line("spec.containers"), "Unsupported"),)
