"""What kubectl and the API server say to a text, document by document, before anything runs.

A document passes kubectl's own checks, the server's strict decoding, admission, validation and last the lab's own limits. The
first stage that refuses gives the answer; what the later ones would have said is kept as *also found*, so that a
learner may mend everything at once. Reviewing has no side effect and never raises, whatever the text.
Source: cli-runtime/pkg/resource/{visitor,mapper}.go, kubectl/pkg/cmd/apply/apply.go, apiserver handlers/create.go (v1.36).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lab.pods.admission import Surroundings, admission_refusal, fill_priority
from lab.pods.client_checks import (
    is_list,
    metadata_of,
    metadata_refusal,
    name_refusal,
    namespace_refusal,
    object_refusal,
    unknown_kind_refusal,
)
from lab.pods.decoding import Decoded, decode_object
from lab.pods.defaults import fill_object, fill_pod
from lab.pods.kinds import KEPT_KINDS, KeptKind, resolve_kind
from lab.pods.lines import LineMap
from lab.pods.manifest import MAX_TEXT_BYTES, Document, Unreadable, list_items, read_documents
from lab.pods.notes import FieldNote
from lab.pods.refusals import (
    Refusal,
    refusal_text,
    refusals_text,
    refused_as_invalid,
    refused_by_client,
    refused_by_lab,
    warnings_text,
)
from lab.pods.server_checks import (
    other_kind_refusal,
    type_refusal,
    unknown_refusal,
    unsupported_refusal,
    wrong_kind_refusal,
)
from lab.pods.surprises import warnings_of
from lab.pods.validation import object_errors, pod_errors

__all__ = ["FieldNote", "Refusal", "Review", "ReviewedDocument", "refusal_text", "refusals_text", "review", "warnings_text"]

JSON = dict[str, Any]
Verb = Literal["apply", "create"]
Validation = Literal["strict", "warn", "ignore"]


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

    def note(self, path: str, message: str) -> FieldNote:
        """Return a field error of the server at ``path``, with its line."""
        return FieldNote(path, message, self.lines.line(path), "FieldValueForbidden")


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
    around: Surroundings | None = None,
    validation: Validation = "strict",
) -> Review:
    """Review ``text`` as the content of ``filename``, submitted to ``namespace`` with ``kubectl VERB -f``, ``around`` what is
    there already. With ``validation`` other than strict unknown fields are dropped, with a warning or without."""
    if len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
        message = f"cannot read more than {MAX_TEXT_BYTES // 1024} KiB of YAML; shorten the text"
        return Review(documents=(), refusal=refused_by_lab(message, FieldNote("", message, 1, "Unsupported")))
    last_line = max(1, len(text.rstrip().split("\n")))
    submission = _Submission(
        filename=filename,
        namespace=namespace,
        feature_gates=feature_gates,
        verb=verb,
        around=around or Surroundings(),
        validation=validation,
    )
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


@dataclass(slots=True, kw_only=True)
class _Submission:
    """One ``kubectl apply`` or ``create`` of a file. ``around`` grows with every object that is taken."""

    filename: str
    namespace: str
    feature_gates: frozenset[str]
    verb: Verb
    around: Surroundings
    validation: Validation

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
        kept = KEPT_KINDS.get(kind or "")
        decoded = decode_object(document.value, document.lines, kept.kind if kept else "Pod")
        refusal = metadata_refusal(document, decoded.type_errors, self.filename)
        if refusal is None and kind is None:
            refusal = unknown_kind_refusal(document, self.filename)
        if refusal is None and (kept is None or kept.namespaced):
            refusal = namespace_refusal(document, self.namespace)
        if refusal is None and kept is None:
            refusal = other_kind_refusal(document, kind or "")
        if refusal is not None or kept is None:
            return _refused(document, index, refusal)
        reviewed = self._pod(document, decoded, index) if kind == "Pod" else self._beside(document, decoded, index, kept)
        if reviewed.object is not None:
            self.around = self.around.joined_by(reviewed.object)
        return reviewed

    def _beside(self, document: Document, decoded: Decoded, index: int, kept: KeptKind) -> ReviewedDocument:
        """Review an object of another kind than Pod."""
        value = decoded.value
        fill_object(value, namespace=self.namespace if kept.namespaced else None)
        name = value["metadata"].get("name", "")
        invalid = object_errors(value, document.lines)
        stages = (
            name_refusal(document, self.namespace, self.filename, kept) if self.verb == "apply" else None,
            wrong_kind_refusal(document, kept.kind),
            type_refusal(decoded, document),
            unknown_refusal(decoded, document) if self.validation == "strict" else None,
            refused_as_invalid(kept.kind, name, invalid) if invalid else None,
            unsupported_refusal(decoded, document),
        )
        refused = [refusal for refusal in stages if refusal is not None]
        remark = FieldNote("kind", f"has no effect in the lab: {kept.no_effect}", document.lines.line("kind"), "NoEffect")
        return ReviewedDocument(
            index=index,
            line=document.line,
            kind=kept.kind,
            name=name,
            namespace=value["metadata"].get("namespace", ""),
            object=None if refused else value,
            refusal=refused[0] if refused else None,
            value=document.value,
            also_found=_also_found(refused, decoded),
            warnings=(*self._dropped(decoded), *((remark,) if kept.no_effect else ())),
        )

    def _pod(self, document: Document, decoded: Decoded, index: int) -> ReviewedDocument:
        pod = decoded.value
        fill_pod(pod, namespace=self.namespace, feature_gates=self.feature_gates)
        fill_priority(pod, self.around)
        invalid = pod_errors(pod, document.lines)
        stages = (
            name_refusal(document, self.namespace, self.filename) if self.verb == "apply" else None,
            wrong_kind_refusal(document, "Pod"),
            type_refusal(decoded, document),
            unknown_refusal(decoded, document) if self.validation == "strict" else None,
            admission_refusal(document, pod, self.around),
            refused_as_invalid("Pod", pod["metadata"].get("name", ""), invalid) if invalid else None,
            unsupported_refusal(decoded, document),
        )
        refused = [refusal for refusal in stages if refusal is not None]
        answer = refused[0] if refused else None
        remarks = warnings_of(document, pod, self.feature_gates)
        warnings = (*self._dropped(decoded), *remarks, *decoded.without_effect)
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

    def _dropped(self, decoded: Decoded) -> tuple[FieldNote, ...]:
        """Return the server's warnings about unknown fields that it drops."""
        warns = self.validation == "warn"
        return tuple(FieldNote(note.path, note.message, note.line, "ServerWarning") for note in decoded.unknown_fields if warns)


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


def _refused(document: Document, index: int, refusal: Refusal | None) -> ReviewedDocument:
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
