"""A lesson's text cut into rows: what leads to a card, the card, and what is said about it.

Outputs are taken from recordings here, when the page is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from lab.lessons import Block, Example, ExampleRef, Judgement, Language, OutputRef, Prose, ReferenceCard
from lab.lessons.outputs import Output
from lab.timeline.facts import Entry

_BEFORE_HEADING = re.compile(r"(?=<h2[\s>])")

Kind = Literal["prose", "output", "judgement", "reference"]
Entries = Callable[[Example], tuple[Entry, ...] | None]  # of an example's recording
Text = Prose | OutputRef | Judgement | ReferenceCard


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleLink:
    """An example in a sentence."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputView:
    """What a recording shows; ``text`` is None where there is no recording of the example's present manifest."""

    output: Output
    example: ExampleLink
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementView:
    """A statement to judge; ``id`` is what progress remembers, ``key`` the element's id."""

    id: str
    key: str
    statement: Markup
    is_true: bool
    why: Markup
    proof: ExampleLink
    moment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """A part of a row's text; exactly one of the others goes with ``kind``."""

    kind: Kind
    html: Markup | None = None
    output: OutputView | None = None
    judgement: JudgementView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of a lesson: the text before a card, the card's example, and the text about it; or text alone."""

    before: tuple[Text, ...]
    example: Example | None
    after: tuple[Text, ...]


def stretches(blocks: Iterable[Block]) -> Iterator[Stretch]:
    """Cut a lesson at its headings so that each card stands beside what is said about it: the text that leads to it and, up to
    the next heading or card, the text that follows it."""
    before: list[Text] = []
    after: list[Text] = []
    example: Example | None = None
    for block in _sections(blocks):
        begins = isinstance(block, ExampleRef) or (isinstance(block, Prose) and block.html.startswith("<h2"))
        if example is not None and begins:
            yield Stretch(before=tuple(before), example=example, after=tuple(after))
            before, after, example = [], [], None
        if isinstance(block, ExampleRef):
            example = block.example
        else:
            (before if example is None else after).append(block)
    if before or example is not None:
        yield Stretch(before=tuple(before), example=example, after=tuple(after))


def _sections(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Prose):
            yield from (Prose(html=section) for section in _BEFORE_HEADING.split(block.html) if section.strip())
        else:
            yield block


def part_view(block: Text, language: Language, entries: Entries, address: Callable[[Example], str]) -> PartView:
    """Return what a template is given of a block; ``address`` is where an example stands."""

    def link(example: Example) -> ExampleLink:
        return ExampleLink(label=example.labels[language], url=address(example))

    match block:
        case Prose(html=html):
            return PartView(kind="prose", html=_trusted(html))
        case ReferenceCard(html=html):
            return PartView(kind="reference", html=_trusted(html))
        case OutputRef(example=example, output=output):
            known = entries(example)
            text = None if known is None else "\n".join(output.lines(known))
            return PartView(kind="output", output=OutputView(output=output, example=link(example), text=text))
        case Judgement():
            view = JudgementView(
                id=block.id,
                key="statement-" + block.id.rpartition("/")[2],
                statement=_trusted(block.statement),
                is_true=block.is_true,
                why=_trusted(block.why),
                proof=link(block.proof),
                moment=block.moment,
            )
            return PartView(kind="judgement", judgement=view)


def _trusted(html: str) -> Markup:
    """Mark a lesson's HTML as such: it comes from the content folder, never from a learner."""
    return Markup(html)  # noqa: S704
