"""What is wrong with a manifest, before it is run: kubectl's answer and every note at its line.

The words are `lab.pods.review`'s and `lab.insight.lint`'s; this only sorts them for the editor's margin and the list below it:
what refuses the text, what would be found after that was mended, and what is accepted to one's surprise.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from lab.insight.lint import LintNote
from lab.insight.lint_rules import lint_review
from lab.insight.no_effect import words_of
from lab.insight.phrase import Phrase
from lab.pods.notes import FieldNote
from lab.pods.refusals import Refusal, refusals_text
from lab.pods.review import Review, ReviewedDocument, review
from lab.web.wording import Wording

FILENAME = "pod.yaml"
KEPT_DIAGNOSES = 64

_LOGGER = logging.getLogger(__name__)

_LINT_KINDS = {"warning": "lint", "note": "note"}
Kind = Literal["refusal", "also-found", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A note at its 1-based line of the text."""

    kind: Kind
    line: int
    path: str
    message: Phrase | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """``answer`` is what kubectl would print on stderr, "" when it refuses nothing; ``accepted`` counts what it would store;
    ``lint`` is what the accepted pods will do to one's surprise."""

    answer: str
    by_lab: bool
    accepted: int
    remarks: tuple[Remark, ...]
    lint: tuple[LintNote, ...]

    @property
    def refused(self) -> tuple[Remark, ...]:
        """What kubectl, the server or the lab refuses."""
        return self._of("refusal")

    @property
    def also_found(self) -> tuple[Remark, ...]:
        """What would be refused after that."""
        return self._of("also-found")

    @property
    def warnings(self) -> tuple[Remark, ...]:
        """What is accepted and may surprise."""
        return self._of("warning")

    def to_json(self, say: Wording) -> dict[str, Any]:
        """Return it for the editor; what the lint says keeps its backticks."""
        remarks = [{"kind": r.kind, "line": r.line, "path": r.path, "message": say.plain(r.message)} for r in self.remarks]
        remarks += [{"kind": _LINT_KINDS[n.tone], "line": n.line, "path": "", "message": say.text(n.phrase)} for n in self.lint]
        return {"answer": self.answer, "accepted": self.accepted, "remarks": remarks}

    def _of(self, kind: Kind) -> tuple[Remark, ...]:
        return tuple(remark for remark in self.remarks if remark.kind == kind)


@lru_cache(maxsize=KEPT_DIAGNOSES)
def diagnose(text: str) -> Diagnosis:
    """Review a manifest without running it. A class asks for the same texts again and again."""
    found = review(text, filename=FILENAME)
    refusals: list[tuple[Refusal, str]] = [(found.refusal, "")] if found.refusal else []
    remarks: list[Remark] = _refusal_remarks(found.refusal, 1) if found.refusal else []
    for document in found.documents:
        if document.refusal:
            refusals.append((document.refusal, document.name))
        remarks += _document_remarks(document)
    return Diagnosis(
        answer=refusals_text(tuple(refusals), filename=FILENAME) if refusals else "",
        by_lab=any(refusal.by == "lab" for refusal, _ in refusals),
        accepted=sum(document.object is not None for document in found.documents),
        remarks=tuple(remarks),
        lint=_lint(text, found),
    )


def _lint(text: str, found: Review) -> tuple[LintNote, ...]:
    """Return the lint's notes. They are advice: a rule at fault must not keep a learner from the page."""
    try:
        return lint_review(text, found)
    except Exception:
        _LOGGER.exception("the lint has failed; its notes are left out")
        return ()


def _document_remarks(document: ReviewedDocument) -> list[Remark]:
    remarks = _refusal_remarks(document.refusal, document.line) if document.refusal else []
    remarks += [_remark("also-found", note) for note in document.also_found]
    return remarks + [_remark("warning", note) for note in document.warnings]


def _refusal_remarks(refusal: Refusal, line: int) -> list[Remark]:
    if refusal.notes:
        return [_remark("refusal", note) for note in refusal.notes]
    return [Remark(kind="refusal", line=line, path="", message=refusal.message)]


def _remark(kind: Kind, note: FieldNote) -> Remark:
    return Remark(kind=kind, line=note.line, path=note.path, message=words_of(note))
