"""What kubectl and the API server say to a text, document by document, before anything runs.

A document passes kubectl's own checks, the server's strict decoding, admission, validation and last the lab's own limits. The
first stage that refuses gives the answer; what the later ones would have said is kept as *also found*, so that a
learner may mend everything at once. Reviewing has no side effect and never raises, whatever the text.
Source: cli-runtime/pkg/resource/{visitor,mapper}.go, kubectl/pkg/cmd/apply/apply.go, apiserver handlers/create.go (v1.36).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lab.pods.client_checks import (
    is_list,
    metadata_of,
    metadata_refusal,
    name_refusal,
    namespace_refusal,
    object_refusal,
    unknown_kind_refusal,
)
from lab.pods.decoding import Decoded, decode_pod
from lab.pods.defaults import fill_pod
from lab.pods.kinds import resolve_kind
from lab.pods.lines import LineMap
from lab.pods.manifest import MAX_TEXT_BYTES, Document, Unreadable, list_items, read_documents
from lab.pods.notes import FieldNote
from lab.pods.refusals import (
    Refusal,
    refusal_text,
    refusals_text,
    refused_as_bad_request,
    refused_as_forbidden,
    refused_as_invalid,
    refused_by_client,
    refused_by_lab,
    warnings_text,
)
from lab.pods.surprises import warnings_of
from lab.pods.validation import pod_errors

__all__ = ["FieldNote", "Refusal", "Review", "ReviewedDocument", "refusal_text", "refusals_text", "review", "warnings_text"]

JSON = dict[str, Any]
Verb = Literal["apply", "create"]

MAX_CONTAINERS = 16  # of one pod: the lab's bound; a node takes as many as it has room for

_SCHEME = "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"  # as the recorded server names it
_CANNOT_HANDLE = 'Pod in version "v1" cannot be handled as a Pod'


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedDocument:
    """One object of the text.

    ``value`` is what was written (kubectl's patches and last-applied-configuration start from it), ``object`` the API object to
    store, defaults filled, or None when it was refused.
    """

    index: int
    line: int
    kind: str
    name: str
    namespace: str
    object: JSON | None
    refusal: Refusal | None
    value: JSON = field(default_factory=dict)
    also_found: tuple[FieldNote, ...] = ()
    warnings: tuple[FieldNote, ...] = ()
    lines: LineMap = field(default_factory=lambda: LineMap(1), compare=False, repr=False)  # where its fields stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """All documents that kubectl gets to see, in order; ``refusal`` when it refuses the file as a whole."""

    documents: tuple[ReviewedDocument, ...]
    refusal: Refusal | None = None


def review(
    text: str,
    *,
    filename: str = "pod.yaml",
    namespace: str = "default",
    feature_gates: frozenset[str] = frozenset(),
    verb: Verb = "apply",
) -> Review:
    """Review ``text`` as the content of ``filename``, submitted to ``namespace`` with ``kubectl VERB -f``."""
    if len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
        message = f"cannot read more than {MAX_TEXT_BYTES // 1024} KiB of YAML; shorten the text"
        return Review(documents=(), refusal=refused_by_lab(message, FieldNote("", message, 1, "Unsupported")))
    last_line = max(1, len(text.rstrip().split("\n")))
    submission = _Submission(filename=filename, namespace=namespace, feature_gates=feature_gates, verb=verb)
    documents = tuple(_within(document, last_line) for document in submission.documents(text))
    if not documents:
        return Review(documents=(), refusal=refused_by_client(f"no objects passed to {verb}"))
    return Review(documents=documents)


def _within(document: ReviewedDocument, last_line: int) -> ReviewedDocument:
    """Keep every line inside the text: a parser may point behind its end."""

    def kept(notes: tuple[FieldNote, ...]) -> tuple[FieldNote, ...]:
        return tuple(replace(note, line=min(note.line, last_line)) for note in notes)

    refusal = document.refusal
    return replace(
        document,
        line=min(document.line, last_line),
        refusal=None if refusal is None else replace(refusal, notes=kept(refusal.notes)),
        also_found=kept(document.also_found),
        warnings=kept(document.warnings),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Submission:
    """One ``kubectl apply`` or ``create`` of a file."""

    filename: str
    namespace: str
    feature_gates: frozenset[str]
    verb: Verb

    def documents(self, text: str) -> list[ReviewedDocument]:
        """Review what kubectl reads: it stops at what it cannot parse and at what is no object."""
        found: list[ReviewedDocument] = []
        stream = read_documents(text)
        for document in stream:
            if isinstance(document, Unreadable):
                return [*found, self._unreadable(document, len(found))]
            refusal = object_refusal(document, self.filename)
            if refusal is not None:
                following = next(stream, None)
                stopped = _refused(document, len(found), refusal)
                return [*found, replace(stopped, also_found=_unread(following.line if following else None))]
            items = list_items(document) if is_list(document.value) else (document,)
            found += [self._object(item, index) for index, item in enumerate(items, start=len(found))]
        return found

    def _unreadable(self, document: Unreadable, index: int) -> ReviewedDocument:
        if document.by_lab:
            refusal = refused_by_lab(document.message, FieldNote("", document.message, document.line, "Unsupported"))
        else:
            note = FieldNote("", document.message, document.line, "Syntax")
            refusal = refused_by_client(f"error parsing {self.filename}: {document.message}", note)
        return ReviewedDocument(
            index=index,
            line=document.line,
            kind="",
            name="",
            namespace="",
            object=None,
            refusal=refusal,
            also_found=_unread(document.unread_line),
        )

    def _object(self, document: Document, index: int) -> ReviewedDocument:
        kind = resolve_kind(document.value["apiVersion"], document.value["kind"])
        decoded = decode_pod(document.value, document.lines)
        refusal = metadata_refusal(document, decoded.type_errors, self.filename)
        if refusal is None and kind is None:
            refusal = unknown_kind_refusal(document, self.filename)
        if refusal is None:
            refusal = namespace_refusal(document, self.namespace)
        if refusal is None and kind != "Pod":
            refusal = _other_kind_refusal(document, kind or "")
        return _refused(document, index, refusal) if refusal is not None else self._pod(document, decoded, index)

    def _pod(self, document: Document, decoded: Decoded, index: int) -> ReviewedDocument:
        pod = decoded.value
        fill_pod(pod, namespace=self.namespace, feature_gates=self.feature_gates)
        invalid = pod_errors(pod, document.lines)
        stages = (
            name_refusal(document, self.namespace, self.filename) if self.verb == "apply" else None,
            _wrong_kind_refusal(document),
            _type_refusal(decoded),
            _unknown_refusal(decoded),
            _account_refusal(document, pod),
            refused_as_invalid("Pod", pod["metadata"].get("name", ""), invalid) if invalid else None,
            _unsupported_refusal(decoded, document),
        )
        refused = [refusal for refusal in stages if refusal is not None]
        answer = refused[0] if refused else None
        warnings = warnings_of(document, pod, self.feature_gates)
        return ReviewedDocument(
            index=index,
            line=document.line,
            kind="Pod",
            name=pod["metadata"].get("name", ""),
            namespace=pod["metadata"]["namespace"],
            object=pod if answer is None else None,
            refusal=answer,
            value=document.value,
            also_found=_also_found(refused, decoded),
            # The server warns only about what it takes.
            warnings=tuple(note for note in warnings if answer is None or note.kind != "ServerWarning"),
            lines=document.lines,
        )


def _unread(line: int | None) -> tuple[FieldNote, ...]:
    """Say, when there is more text at ``line``, that nobody has looked at it."""
    message = "kubectl reads no further: what follows is looked at only when the document above is mended"
    return () if line is None else (FieldNote("", message, line, "Client"),)


def _also_found(refused: list[Refusal], decoded: Decoded) -> tuple[FieldNote, ...]:
    """Return what else is wrong, without what only follows: a value that did not fit is missing to the later stages."""
    if not refused:
        return ()
    answered = refused[0].notes
    later = [*decoded.type_errors, *(note for refusal in refused[1:] for note in refusal.notes)]
    unread = [note.path for note in (*answered, *decoded.type_errors) if note.kind in ("TypeError", "Client")]
    follows = {path for written in unread for path in (written, written.rpartition(".")[0])}
    return tuple(
        note
        for note in dict.fromkeys(later)
        if note not in answered and not (note.path in follows and note.kind in ("FieldValueRequired", "FieldValueInvalid"))
    )


def _refused(document: Document, index: int, refusal: Refusal) -> ReviewedDocument:
    metadata = metadata_of(document.value)
    return ReviewedDocument(
        index=index,
        line=document.line,
        kind=str(document.value.get("kind") or "") if isinstance(document.value, dict) else "",
        name=str(metadata.get("name") or ""),
        namespace=str(metadata.get("namespace") or ""),
        object=None,
        refusal=refusal,
    )


def _other_kind_refusal(document: Document, kind: str) -> Refusal:
    found = "not supported by this lab, which runs Pods; write what it would run as a Pod"
    return refused_by_lab(f"cannot run a {kind}: {found}", FieldNote("kind", found, document.lines.line("kind"), "Unsupported"))


def _wrong_kind_refusal(document: Document) -> Refusal | None:
    """kubectl finds ``pod`` and ``PodList`` too, and sends them; the server takes ``Pod`` alone."""
    kind = document.value["kind"]
    if kind == "Pod":
        return None
    found = f'no kind "{kind}" is registered for version "v1" in scheme "{_SCHEME}"'
    message = f'{kind} in version "v1" cannot be handled as a Pod: {found}'
    return refused_as_bad_request(message, FieldNote("kind", found, document.lines.line("kind"), "TypeError"))


def _type_refusal(decoded: Decoded) -> Refusal | None:
    if not decoded.type_errors:
        return None
    first = decoded.type_errors[0]
    return refused_as_bad_request(f"{_CANNOT_HANDLE}: {first.message}", first)


def _unknown_refusal(decoded: Decoded) -> Refusal | None:
    if not decoded.unknown_fields:
        return None
    listed = ", ".join(note.message for note in decoded.unknown_fields)
    return refused_as_bad_request(f"{_CANNOT_HANDLE}: strict decoding error: {listed}", *decoded.unknown_fields)


def _account_refusal(document: Document, pod: JSON) -> Refusal | None:
    """Admission looks the service account up; a namespace of the lab has the one that every namespace has."""
    account = pod["spec"]["serviceAccountName"]
    if account == "default":
        return None
    metadata = pod["metadata"]
    found = f'error looking up service account {metadata["namespace"]}/{account}: serviceaccount "{account}" not found'
    path = "spec.serviceAccountName" if "serviceAccountName" in document.value["spec"] else "spec.serviceAccount"
    note = FieldNote(path, found, document.lines.line(path), "Forbidden")
    return refused_as_forbidden(f'pods "{metadata.get("name", "")}" is forbidden: {found}', note)


def _unsupported_refusal(decoded: Decoded, document: Document) -> Refusal | None:
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
