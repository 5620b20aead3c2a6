"""The glossary: terms that are explained once, and linked wherever a lesson or a reason first uses them.

``content/glossary.yaml`` is a mapping from an id to the term in every language:

    grace-period:
      en: {term: grace period, also: [grace periods], text: The time that …}
      zh: {term: 宽限期, text: ……}

An id is the term's anchor on the glossary's page. Texts may mark code with backticks. A content folder need not have one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.lessons.fields import LANGUAGES, Fields, Language
from lab.lessons.problems import Problems

FILE_NAME = "glossary.yaml"
_TAG = re.compile(r"(<[^>]*>)")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A term in one language; ``also`` are other forms that mean it."""

    id: str
    term: str
    also: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A term found in a text, from ``start`` to ``end``."""

    term: Term
    start: int
    end: int


class Glossary:
    """All terms in all languages, in the order of the file. Readable from any thread."""

    def __init__(self, terms: Mapping[Language, tuple[Term, ...]]) -> None:
        self._terms = terms
        self._by_form = {
            language: {form.lower(): term for term in terms[language] for form in (term.term, *term.also)} for language in terms
        }
        self._patterns = {language: _pattern(forms, language) for language, forms in self._by_form.items()}

    def terms(self, language: Language) -> tuple[Term, ...]:
        """Return the terms, as one reads them in a list."""
        return tuple(sorted(self._terms.get(language, ()), key=lambda term: term.term.lower()))

    def find(self, text: str, language: Language) -> Iterator[Found]:
        """Yield where terms stand in a text, longest first where several begin."""
        pattern = self._patterns.get(language)
        if pattern is not None:
            for match in pattern.finditer(text):
                yield Found(term=self._by_form[language][match[0].lower()], start=match.start(), end=match.end())

    def used_in(self, html: str, language: Language) -> tuple[Term, ...]:
        """Return the terms that HTML uses, in the order of their first use; tags are no text."""
        found = self.find(_TAG.sub("\n", html), language)
        return tuple({one.term.id: one.term for one in found}.values())


def read_glossary(root: Path, problems: Problems) -> Glossary:
    """Read the glossary of a content folder; mistakes are noted with their line."""
    file = root / FILE_NAME
    if not file.exists():
        return EMPTY
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problems.note(FILE_NAME, 1, f"cannot read this file ({error}); save it as UTF-8 text")
        return EMPTY
    fields = Fields.parse(text, FILE_NAME, problems)
    terms: dict[Language, list[Term]] = {language: [] for language in LANGUAGES}
    forms: set[tuple[Language, str]] = set()
    for name in fields.names:
        if not _ID.fullmatch(name):
            fields.wrong(name, "an id in lower case with hyphens, such as grace-period")
        entry = fields.nested(name)
        for language in LANGUAGES:
            inner = entry.nested(language)
            term = Term(id=name, term=inner.text("term"), also=inner.strings("also"), text=inner.text("text"))
            inner.finish()
            for form in (term.term, *term.also):
                if (language, form.lower()) in forms:
                    fields.wrong(name, f"a term that no other entry has; {form} is there twice")
                forms.add((language, form.lower()))
            terms[language].append(term)
        entry.finish()
    return Glossary({language: tuple(found) for language, found in terms.items()})


def _pattern(forms: Mapping[str, Term], language: Language) -> re.Pattern[str] | None:
    if not forms:
        return None
    one_of = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    return re.compile(one_of if language == "zh" else rf"(?<![\w-])(?:{one_of})(?![\w-])", re.IGNORECASE)


EMPTY = Glossary(dict.fromkeys(LANGUAGES, ()))
