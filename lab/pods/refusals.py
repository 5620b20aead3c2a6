"""Why an object was refused, by whom, and what kubectl prints about it.

A refusal is by ``client`` (kubectl itself, before any request), by ``server`` (the API server's answer) or by ``lab`` (Kubernetes
would take it, this lab does not run it). Nothing here decides; it only words.
Source: staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go, apimachinery/pkg/api/errors/errors.go (v1.36).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.pods.notes import FieldNote

By = Literal["client", "server", "lab"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A final "no".

    ``code`` is the HTTP status (0 for the client), ``reason`` the Status reason, ``message`` the Status message or kubectl's own.
    ``notes`` say where: the server's causes, or the one place that the client or the lab means.
    """

    by: By
    code: int
    reason: str
    message: str
    notes: tuple[FieldNote, ...] = ()
    kind: str = "Pod"  # of the object


def refused_by_client(message: str, *notes: FieldNote) -> Refusal:
    """kubectl gives up before it asks the server; ``message`` is what it prints after ``error: ``."""
    return Refusal(by="client", code=0, reason="", message=message, notes=notes)


def refused_as_bad_request(message: str, *notes: FieldNote) -> Refusal:
    """The server cannot decode the object."""
    return Refusal(by="server", code=400, reason="BadRequest", message=message, notes=notes)


def refused_as_forbidden(message: str, *notes: FieldNote) -> Refusal:
    """Admission turns the object away."""
    return Refusal(by="server", code=403, reason="Forbidden", message=message, notes=notes)


def refused_as_invalid(kind: str, name: str, notes: tuple[FieldNote, ...]) -> Refusal:
    """Validation found ``notes``."""
    causes = [f"{note.path}: {note.message}" for note in notes]
    listed = causes[0] if len(causes) == 1 else f"[{', '.join(causes)}]"
    message = f'{kind} "{name}" is invalid: {listed}'
    return Refusal(by="server", code=422, reason="Invalid", message=message, notes=notes, kind=kind)


def refused_by_lab(message: str, *notes: FieldNote) -> Refusal:
    """Kubernetes would take the object; the lab does not run it."""
    return Refusal(by="lab", code=501, reason="NotSupportedByLab", message=message, notes=notes)


def refusal_text(refusal: Refusal, *, filename: str, name: str, kind: str = "Pod", doing: str = "creating") -> str:
    """Return what kubectl prints on stderr when this is the file's only error, with a final newline."""
    if refusal.by == "client":
        return f"error: {refusal.message}\n"
    if refusal.by == "lab":
        return f'Error from lab ({refusal.reason}): error when {doing} "{filename}": {refusal.message}\n'
    if refusal.reason == "Invalid":
        return f'The {kind} "{name}" is invalid: {_causes_text(refusal.notes)}\n'
    return f"{_server_error(refusal, filename, doing)}\n"


def refusals_text(refusals: tuple[tuple[Refusal, str], ...], *, filename: str, doing: str = "creating") -> str:
    """Return what kubectl prints for all (refusal, name) of a file: several are listed plainly, one per line, clients' first."""
    if len(refusals) == 1:
        refusal, name = refusals[0]
        return refusal_text(refusal, filename=filename, name=name, kind=refusal.kind, doing=doing)
    ordered = sorted(refusals, key=lambda pair: pair[0].by != "client")
    return "".join(_listed(refusal, filename=filename, name=name, doing=doing) for refusal, name in ordered)


def warnings_text(notes: tuple[FieldNote, ...]) -> str:
    """Return what kubectl prints on stderr of the server's warnings; the lab's own remarks are not kubectl's."""
    return "".join(f"Warning: {note.message}\n" for note in notes if note.kind == "ServerWarning")


def _listed(refusal: Refusal, *, filename: str, name: str, doing: str) -> str:
    if refusal.by == "client":
        return f"{refusal.message}\n"
    if refusal.by == "lab":
        return refusal_text(refusal, filename=filename, name=name, doing=doing)
    return f"{_server_error(refusal, filename, doing)}\n"


def _server_error(refusal: Refusal, filename: str, doing: str) -> str:
    return f'Error from server ({refusal.reason}): error when {doing} "{filename}": {refusal.message}'


def _causes_text(notes: tuple[FieldNote, ...]) -> str:
    causes = [f"{note.path}: {note.message}" for note in notes]
    if len(causes) == 1:
        return causes[0]
    return "".join(f"\n* {cause}" for cause in causes)
