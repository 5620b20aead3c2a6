"""Search over the course: lessons by their headings, examples, challenges, statements, reference cards, the glossary.

A query is cut into words of Latin letters and digits, and into pairs of neighbouring Chinese characters, since Chinese puts no
spaces between words. A passage is found when it holds more than half of them; the more it holds, and the more of them in its
heading, the earlier it comes. `static/search.js` does the same over the same passages where there is no server. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

from lab.lessons.blocks import Judgement, Prose, ReferenceCard
from lab.lessons.catalog import Catalog
from lab.lessons.example import Example
from lab.lessons.fields import Language
from lab.lessons.lesson import Lesson
from lab.lessons.prose import GLOSSARY_PATH, LESSON_PATH

CHALLENGE_PATH = "/challenges/"
MOST_HITS = 30
EXCERPT_CHARACTERS = 160
LEAD_CHARACTERS = 40  # of the excerpt before what was found
HEADING_WORTH = 6  # a term in the heading is worth so many in the text
COUNTED = 3  # more of the same in one text says nothing

_RUN = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]+")
_HEADING = re.compile(r'(?=<h[23] id="[^"]*")')
_HEADING_ID = re.compile(r'<h[23] id="([^"]*)"[^>]*>(.*?)</h[23]>', re.DOTALL)
_INLINE = frozenset(("a", "abbr", "b", "code", "em", "i", "kbd", "span", "strong", "sub", "sup"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A place that can be found. ``url`` is its path in the lab, ``title`` its page's; all text is plain."""

    url: str
    title: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage that was found; ``excerpt`` are pieces of its text, with whether they are what was asked for."""

    passage: Passage
    excerpt: tuple[tuple[str, bool], ...]


def passages(catalog: Catalog, language: Language) -> tuple[Passage, ...]:
    """Return everything that can be found in one language, in the order of the course."""
    glossary = tuple(
        Passage(url=GLOSSARY_PATH + term.id, title="", heading=term.term, text=term.text.replace("`", ""))
        for term in catalog.glossary.terms(language)
    )
    return (*(passage for lesson in catalog.lessons for passage in _of_lesson(lesson, language)), *glossary)


def terms(query: str) -> tuple[str, ...]:
    """Return what a query asks for: words, and pairs of Chinese characters."""
    found: list[str] = []
    for run in _RUN.findall(unicodedata.normalize("NFKC", query).lower()):
        found += [run] if run.isascii() or len(run) == 1 else [run[at : at + 2] for at in range(len(run) - 1)]
    return tuple(dict.fromkeys(found))


def find(every: Sequence[Passage], query: str) -> tuple[Hit, ...]:
    """Return the best hits of a query, the best first."""
    wanted = terms(query)
    scored = [(*_score(passage, wanted), at) for at, passage in enumerate(every)]
    best = sorted((-held, -worth, at) for held, worth, at in scored if held * 2 > len(wanted))
    return tuple(Hit(passage=every[at], excerpt=_excerpt(every[at].text, wanted)) for _, _, at in best[:MOST_HITS])


def _score(passage: Passage, wanted: Sequence[str]) -> tuple[int, int]:
    """Return how many terms a passage holds, and what they are worth."""
    heading, text = passage.heading.lower(), passage.text.lower()
    worths = [HEADING_WORTH * (term in heading) + min(COUNTED, text.count(term)) for term in wanted]
    return sum(worth > 0 for worth in worths), sum(worths)


def _excerpt(text: str, wanted: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    lower = text.lower()
    spans = _joined(sorted((at, at + len(term)) for term in wanted for at in _places(lower, term)))
    start = max(0, spans[0][0] - LEAD_CHARACTERS) if spans else 0
    end = start + EXCERPT_CHARACTERS
    pieces: list[tuple[str, bool]] = [("…", False)] if start else []
    at = start
    for low, to in spans:
        high = min(to, end)
        if low >= high:
            break
        pieces += [(text[at:low], False), (text[low:high], True)]
        at = high
    pieces += [(text[at:end], False), ("…" if end < len(text) else "", False)]
    return tuple(piece for piece in pieces if piece[0])


def _joined(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Join spans that overlap or touch."""
    found: list[tuple[int, int]] = []
    for low, high in spans:
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def _places(text: str, term: str) -> Iterator[int]:
    at = text.find(term)
    while at >= 0:
        yield at
        at = text.find(term, at + 1)


def _of_lesson(lesson: Lesson, language: Language) -> Iterator[Passage]:
    page, title = LESSON_PATH + lesson.slug, lesson.titles[language]
    yield Passage(url=page, title=title, heading=title, text=lesson.summaries[language])
    html = "".join(block.html for block in lesson.blocks(language) if isinstance(block, Prose))
    for section in _HEADING.split(html):
        heading = _HEADING_ID.match(section)
        text = plain(section[heading.end() :] if heading else section)
        if heading or text:
            url = f"{page}#{heading[1]}" if heading else page
            yield Passage(url=url, title=title, heading=plain(heading[2]) if heading else "", text=text)
    for example in lesson.examples:
        yield _of_example(example, page, title, language)
    for block in lesson.blocks(language):
        if isinstance(block, Judgement):
            anchor = "statement-" + block.id.rpartition("/")[2]
            yield Passage(url=f"{page}#{anchor}", title=title, heading=plain(block.statement), text="")
        elif isinstance(block, ReferenceCard):
            yield Passage(url=f"{page}#reference", title=title, heading="", text=plain(block.html))


def _of_example(example: Example, page: str, title: str, language: Language) -> Passage:
    heading = example.labels[language]
    if example.challenge is not None:
        symptom = example.challenge.symptom[language]
        return Passage(url=CHALLENGE_PATH + example.id, title=title, heading=heading, text=symptom.replace("`", ""))
    anchor = example.id.replace("/", "--")
    return Passage(url=f"{page}#{anchor}", title=title, heading=heading, text=example.look_for[language].replace("`", ""))


def plain(html: str) -> str:
    """Return the text of HTML; what stands in different blocks is apart."""
    reader = _Text()
    reader.feed(html)
    reader.close()
    return " ".join("".join(reader.pieces).split())


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _INLINE:
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.handle_starttag(tag, None)
