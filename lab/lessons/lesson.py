"""A lesson: its text in every language as blocks.

``lesson.<language>.md`` is front matter (``title``, ``summary``, ``minutes``, and ``prerequisites``, the slugs of lessons before
it) and Markdown with tables, fenced code and attribute lists. On top of that:

- a line of its own ``{{ example: NAME }}`` places the card of an example;
- a paragraph followed by ``{: .question }`` is the question that the lesson answers, ``<p class="question">``;
- a link to ``lesson:SLUG`` or ``lesson:SLUG#heading`` leads to another lesson;
- callouts ``!!! KIND`` of three kinds, rendered as ``<div class="admonition KIND"><p class="admonition-title">…``:
  ``run`` (what to press and where to look), ``correction`` (the source text says …, Kubernetes 1.36 does …)
  and ``note`` (worth knowing);
- ``!!! true "STATEMENT" {#name}`` or ``!!! false …`` with ``proof: EXAMPLE: MOMENT`` and the why below it, indented, is a
  statement that the reader judges first;
- ``!!! reference`` holds the lesson's reference card;
- a line of its own ``{{ output: EXAMPLE … }}`` shows what a recording shows (`lab.lessons.outputs`); a fence ``text`` quotes one
  by hand, a fence ``text unrecorded`` quotes something else;
- ``{{ set: EXAMPLE PATH = VALUE | words }}`` inside a sentence offers to change one field in the editor.

Code is ``<pre tabindex="0"><code class="language-yaml">``. HTML in the Markdown is passed through: only content folders come
here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from lab.lessons.blocks import Block, ExampleRef, FieldAction, Judgement, OutputRef, Prose, ReferenceCard
from lab.lessons.example import Example
from lab.lessons.fields import Fields, Language, Words
from lab.lessons.glossary import Glossary
from lab.lessons.marks import (
    BLOCK,
    INLINE,
    ExampleMark,
    JudgementMark,
    Mark,
    Marked,
    OutputMark,
    Quote,
    ReferenceMark,
    find_marks,
)
from lab.lessons.outputs import WORDS, Output
from lab.lessons.problems import Problems
from lab.lessons.prose import CALLOUT_TITLES, LESSON_SCHEME, Converter, Heading
from lab.pods.field_edit import typed

FRONT_MATTER = re.compile(r"---\n(.*?\n)---\n", re.DOTALL)
LONGEST_LESSON_MINUTES = 30
_PARAGRAPH = re.compile(r"<p>(.*)</p>", re.DOTALL)

Find = Callable[[str], Example | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonText:
    """A lesson in one language, as read: HTML ``parts`` with the numbers of ``marks`` between them. ``links`` are (slug, anchor,
    line) of links to lessons, ``anchors`` (anchor, line) of links within the page, ``body`` is the Markdown from ``first_line``
    on."""

    path: str
    slug: str
    title: str
    summary: str
    minutes: int
    prerequisites: tuple[str, ...]
    body: str
    first_line: int
    parts: tuple[str, ...]
    marks: tuple[Mark, ...]
    bodies: Mapping[int, str]
    headings: tuple[Heading, ...]
    links: tuple[tuple[str, str, int], ...]
    anchors: tuple[tuple[str, int], ...]
    actions: tuple[FieldAction, ...]
    quotes: tuple[Quote, ...]

    @property
    def example_lines(self) -> tuple[tuple[str, int], ...]:
        """The examples that are placed, with their lines."""
        return tuple((mark.name, mark.line) for mark in self.marks if isinstance(mark, ExampleMark))

    @property
    def judgements(self) -> tuple[tuple[int, JudgementMark], ...]:
        """The judgements, with their place among the marks."""
        return tuple((at, mark) for at, mark in enumerate(self.marks) if isinstance(mark, JudgementMark))

    @property
    def outputs(self) -> tuple[tuple[Output, int], ...]:
        """The outputs, with their lines."""
        return tuple((self.output(mark), mark.line) for mark in self.marks if isinstance(mark, OutputMark))

    def example_id(self, name: str) -> str:
        """Return the id of an example that the text names, with or without its lesson."""
        return name if "/" in name else f"{self.slug}/{name}"

    def output(self, mark: OutputMark) -> Output:
        """Return what a mark asks for."""
        return Output(example_id=self.example_id(mark.example), what=mark.what, words=tuple(mark.detail.split()))

    def blocks(self, find: Find) -> tuple[Block, ...]:
        """Return the text with its examples found; what names none that is there places nothing."""
        found: list[Block] = []
        for index, part in enumerate(self.parts):
            if index % 2:
                found += self._block(int(part), find)
            elif part.strip():
                found.append(Prose(html=part.strip()))
        return tuple(found)

    def _block(self, at: int, find: Find) -> tuple[Block, ...]:
        mark = self.marks[at]
        if isinstance(mark, ReferenceMark):
            return (ReferenceCard(html=self.bodies[at]),)
        name = mark.proof if isinstance(mark, JudgementMark) else mark.name if isinstance(mark, ExampleMark) else mark.example
        example = find(self.example_id(name))
        if example is None:
            return ()
        if isinstance(mark, ExampleMark):
            return (ExampleRef(example=example),)
        if isinstance(mark, OutputMark):
            return (OutputRef(example=example, output=self.output(mark)),)
        statement, why = self.bodies[at].split("\n\ue002\n")
        judged = Judgement(
            id=f"{self.slug}/{mark.name}",
            statement=statement,
            is_true=mark.is_true,
            proof=example,
            moment=mark.moment,
            why=why,
        )
        return (judged,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A lesson in all languages; ``examples`` are in the order of the text, ``prerequisites`` slugs. ``texts`` and ``pages`` are
    indexed by language."""

    slug: str
    number: int
    minutes: int
    prerequisites: tuple[str, ...]
    titles: Words
    summaries: Words
    examples: tuple[Example, ...]
    texts: Mapping[Language, LessonText]
    pages: Mapping[Language, tuple[Block, ...]]

    def blocks(self, language: Language) -> tuple[Block, ...]:
        """Return the lesson's text, in order, as prose and example cards."""
        return self.pages[language]

    def headings(self, language: Language) -> tuple[Heading, ...]:
        """Return the headings of the text, in order."""
        return self.texts[language].headings

    def judgements(self, language: Language) -> tuple[Judgement, ...]:
        """Return the statements that a reader judges."""
        return tuple(block for block in self.pages[language] if isinstance(block, Judgement))

    def reference(self, language: Language) -> ReferenceCard | None:
        """Return the lesson's reference card."""
        return next((block for block in self.pages[language] if isinstance(block, ReferenceCard)), None)


def read_text(text: str, language: Language, path: str, slug: str, glossary: Glossary, problems: Problems) -> LessonText:
    """Read one ``lesson.<language>.md``; mistakes go to ``problems`` under ``path``."""
    match = FRONT_MATTER.match(text)
    if match is None:
        problems.note(path, 1, "cannot find the front matter; begin the file with `---`, title, summary, minutes, `---`")
    fields = Fields.parse(match[1] if match else "", path, problems, first_line=2)
    body, first_line = (text[match.end() :], text[: match.end()].count("\n") + 1) if match else (text, 1)
    marked = find_marks(body, first_line)
    converter = Converter(language, glossary)

    def converted(source: str) -> str:
        return INLINE.sub(lambda found: _action_html(marked, slug, int(found[1])), converter.html(source))

    lesson_text = LessonText(
        path=path,
        slug=slug,
        title=fields.text("title"),
        summary=fields.text("summary"),
        minutes=fields.number("minutes", least=1, most=LONGEST_LESSON_MINUTES),
        prerequisites=fields.strings("prerequisites"),
        body=body,
        first_line=first_line,
        parts=tuple(BLOCK.split(converted(marked.markdown))),
        marks=marked.blocks,
        bodies={at: html for at, mark in enumerate(marked.blocks) if (html := _body(mark, converted)) is not None},
        headings=converter.headings or (),
        links=tuple((*_target(link), _line_of(f"({link})", body, first_line)) for link in converter.lesson_links),
        anchors=tuple((link, _line_of(f"({link})", body, first_line)) for link in converter.other_links),
        actions=tuple(FieldAction(example=a.example, path=a.path, value=a.value, line=a.line) for a in marked.actions),
        quotes=marked.quotes,
    )
    if match:
        fields.finish()
    for kind in converter.unknown_callouts:
        line = _line_of(f"!!! {kind}", body, first_line)
        known = ", ".join((*CALLOUT_TITLES, 'true "…" {#name}', 'false "…" {#name}', "reference"))
        problems.note(path, line, f"cannot show a callout of the kind {kind}; use one of {known}")
    _check_marks(lesson_text, marked, problems)
    return lesson_text


def _body(mark: Mark, converted: Callable[[str], str]) -> str | None:
    if isinstance(mark, ReferenceMark):
        return converted(mark.markdown)
    if isinstance(mark, JudgementMark):
        statement = converted(mark.statement)
        whole = _PARAGRAPH.fullmatch(statement)
        return f"{whole[1] if whole else statement}\n\ue002\n{converted(mark.why)}"
    return None


def _check_marks(text: LessonText, marked: Marked, problems: Problems) -> None:
    """Note what is wrong in the marks themselves."""
    for line in marked.stray:
        problems.note(text.path, line, "cannot read what stands in these braces; write example, output or set as documented")
    for mark in marked.blocks:
        if isinstance(mark, OutputMark) and not text.output(mark).is_known:
            shown = f"{mark.what} {mark.detail}".strip()
            problems.note(text.path, mark.line, f"cannot show the output {shown}; use one of " + ", ".join(WORDS))
        if isinstance(mark, JudgementMark):
            for what, value in (("{#name}", mark.name), ("first line `proof: EXAMPLE`", mark.proof), ("why", mark.why)):
                if not value:
                    problems.note(text.path, mark.line, f"cannot do without the statement's {what}; add it")
    names = [mark.name for _, mark in text.judgements]
    for _, mark in text.judgements:
        if names.count(mark.name) > 1:
            problems.note(text.path, mark.line, f"cannot use the name {mark.name} twice; give each statement its own")
    for mark in [mark for mark in marked.blocks if isinstance(mark, ReferenceMark)][1:]:
        problems.note(text.path, mark.line, "cannot have two reference cards; keep one")


def _action_html(marked: Marked, slug: str, at: int) -> str:
    """Return a link to the example's card that a script makes a change of the field; without scripts one types it."""
    action = marked.actions[at]
    what, card = escape(typed(action.path, action.value)), f"{slug}--{action.example}"
    return (
        f'<a class="set-field" href="#{card}" data-set-card="{card}" data-set-path="{escape(action.path)}" '
        f'data-set-value="{escape(action.value)}" title="{what}">{escape(action.words)}</a>'
        f'<span class="typed"> (<code>{what}</code>)</span>'
    )


def _line_of(part: str, body: str, first_line: int) -> int:
    place = body.find(part)
    return first_line if place < 0 else first_line + body.count("\n", 0, place)


def _target(link: str) -> tuple[str, str]:
    slug, _, anchor = link.removeprefix(LESSON_SCHEME).partition("#")
    return slug, anchor
