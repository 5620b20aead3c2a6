"""A lesson: its text in every language as blocks of HTML and example cards. The only importer of ``markdown``.

``lesson.<language>.md`` is front matter (``title``, ``summary``, ``minutes``) and Markdown with tables, fenced code and
attribute lists. On top of that:

- a line of its own ``{{ example: NAME }}`` places the card of an example;
- a paragraph followed by ``{: .question }`` is the question that the lesson answers, ``<p class="question">``;
- a link to ``lesson:SLUG`` or ``lesson:SLUG#heading`` leads to another lesson;
- callouts ``!!! KIND`` of three kinds, rendered as ``<div class="admonition KIND"><p class="admonition-title">…``:
  ``run`` (what to press and where to look), ``correction`` (the source text says …, Kubernetes 1.36 does …)
  and ``note`` (worth knowing).

Code is ``<pre><code class="language-yaml">``. HTML in the Markdown is passed through: only content folders come here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

import markdown
from markdown.extensions import Extension
from markdown.extensions.toc import TocExtension, slugify_unicode
from markdown.treeprocessors import Treeprocessor

from lab.lessons.example import Example
from lab.lessons.fields import Fields, Language, Words
from lab.lessons.problems import Problems

CALLOUT_TITLES: Mapping[str, Words] = {
    "run": {"en": "Run it", "zh": "动手运行"},
    "correction": {"en": "Correction", "zh": "更正"},
    "note": {"en": "Worth knowing", "zh": "补充说明"},
}
LESSON_PATH = "/lessons/"
LESSON_SCHEME = "lesson:"
FRONT_MATTER = re.compile(r"---\n(.*?\n)---\n", re.DOTALL)
EXAMPLE_LINE = re.compile(r"\{\{ *example: *([\w-]+) *\}\}")
EXAMPLE_MARK = re.compile(r"<!--example:([\w-]+)-->")
CHINESE = "[\u2014\u2018-\u201d\u2026\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
ENDS_CHINESE, BEGINS_CHINESE = re.compile(CHINESE + r"[*\])]*$"), re.compile(r" *[*\[(]*" + CHINESE)
LONGEST_LESSON_MINUTES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """A run of HTML without a card in it."""

    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleRef:
    """The place of an example's card."""

    example: Example


Block = Prose | ExampleRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading of a lesson's text; ``id`` is its anchor and the same in every language."""

    level: int
    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonText:
    """A lesson in one language, as written. ``parts`` alternates HTML and example names; ``links`` are (slug, anchor, line)."""

    path: str
    title: str
    summary: str
    minutes: int
    parts: tuple[str, ...]
    example_lines: tuple[tuple[str, int], ...]
    headings: tuple[Heading, ...]
    links: tuple[tuple[str, str, int], ...]

    def blocks(self, examples: Mapping[str, Example]) -> tuple[Block, ...]:
        """Return the text with its example names resolved; a name that is not among ``examples`` places nothing."""
        found: list[Block] = []
        for index, part in enumerate(self.parts):
            if index % 2:
                found += [ExampleRef(example=examples[part])] if part in examples else []
            elif part.strip():
                found.append(Prose(html=part.strip()))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A lesson in all languages; ``examples`` are in the order of the text. ``texts`` and ``pages`` are indexed by language."""

    slug: str
    number: int
    minutes: int
    titles: Words
    summaries: Words
    examples: tuple[Example, ...]
    pages: Mapping[Language, tuple[Block, ...]]
    contents: Mapping[Language, tuple[Heading, ...]]

    def blocks(self, language: Language) -> tuple[Block, ...]:
        """Return the lesson's text, in order, as prose and example cards."""
        return self.pages[language]

    def headings(self, language: Language) -> tuple[Heading, ...]:
        """Return the headings of the text, in order."""
        return self.contents[language]


def read_text(text: str, language: Language, path: str, problems: Problems) -> LessonText:
    """Read one ``lesson.<language>.md``; mistakes go to ``problems`` under ``path``."""
    match = FRONT_MATTER.match(text)
    if match is None:
        problems.note(path, 1, "cannot find the front matter; begin the file with `---`, title, summary, minutes, `---`")
    fields = Fields.parse(match[1] if match else "", path, problems, first_line=2)
    body, first_line = (text[match.end() :], text[: match.end()].count("\n") + 1) if match else (text, 1)
    marked, example_lines = _prepare(body, first_line)
    converter = _Converter(language)
    html = converter.html(marked)
    for kind in converter.unknown_callouts:
        problems.note(
            path,
            _line_of(f"!!! {kind}", body, first_line),
            f"cannot show a callout of the kind {kind}; use one of " + ", ".join(CALLOUT_TITLES),
        )
    lesson_text = LessonText(
        path=path,
        title=fields.text("title"),
        summary=fields.text("summary"),
        minutes=fields.number("minutes", least=1, most=LONGEST_LESSON_MINUTES),
        parts=tuple(EXAMPLE_MARK.split(html)),
        example_lines=example_lines,
        headings=converter.headings,
        links=tuple((*_target(link), _line_of(f"({link})", body, first_line)) for link in converter.links),
    )
    if match:
        fields.finish()
    return lesson_text


def _prepare(body: str, first_line: int) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Replace each example line by a comment that survives the conversion, and join lines that were broken between two
    Chinese characters, where a browser would show a space; both outside fences. Return the examples' names and lines too."""
    lines: list[str] = []
    found: list[tuple[str, int]] = []
    fence = ""
    for number, line in enumerate(body.split("\n"), start=first_line):
        opening = re.match(r"(`{3,}|~{3,})", line)
        if opening and not fence:
            fence = opening[1]
        elif fence and line.rstrip() == fence:
            fence = ""
        if fence:
            lines.append(line)
        elif match := EXAMPLE_LINE.fullmatch(line.rstrip()):
            found.append((match[1], number))
            lines += ["", f"<!--example:{match[1]}-->", ""]
        elif lines and ENDS_CHINESE.search(lines[-1]) and BEGINS_CHINESE.match(line):
            lines[-1] += line.lstrip()
        else:
            lines.append(line)
    return "\n".join(lines), tuple(found)


def _line_of(part: str, body: str, first_line: int) -> int:
    place = body.find(part)
    return first_line if place < 0 else first_line + body.count("\n", 0, place)


def _target(link: str) -> tuple[str, str]:
    slug, _, anchor = link.removeprefix(LESSON_SCHEME).partition("#")
    return slug, anchor


class _Converter:
    """Markdown to HTML for one text, gathering its headings, links between lessons and callout kinds on the way."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.links: list[str] = []
        self.unknown_callouts: list[str] = []
        self.headings: tuple[Heading, ...] = ()

    def html(self, text: str) -> str:
        contents = TocExtension(slugify=slugify_unicode)
        extensions: list[str | Extension] = [
            "tables",
            "fenced_code",
            "admonition",
            "attr_list",
            "sane_lists",
            contents,
            _Pass(self),
        ]
        converter = markdown.Markdown(extensions=extensions, output_format="html")
        return converter.convert(text)

    def rework(self, root: ElementTree.Element) -> None:
        """Point links between lessons at their pages, mark links that leave the lab, title the callouts, note the headings."""
        for link in root.iter("a"):
            href = link.get("href", "")
            if href.startswith(LESSON_SCHEME):
                self.links.append(href)
                link.set("href", LESSON_PATH + href.removeprefix(LESSON_SCHEME))
            elif href.startswith("https:"):
                link.set("rel", "external noreferrer")
        self.headings = tuple(
            Heading(level=int(element.tag[1]), id=element.get("id", ""), text="".join(element.itertext()))
            for element in root.iter()
            if re.fullmatch("h[1-6]", element.tag)
        )
        for callout in root.iter("div"):
            _, _, kind = callout.get("class", "").partition("admonition ")
            if not kind:
                continue
            if kind not in CALLOUT_TITLES:
                self.unknown_callouts.append(kind)
            elif callout[0].text == kind.capitalize():  # what the extension writes when the author gave no title
                callout[0].text = CALLOUT_TITLES[kind][self.language]


class _Pass(Extension, Treeprocessor):
    """The step of the conversion that hands the finished tree to the converter."""

    def __init__(self, converter: _Converter) -> None:
        Extension.__init__(self)
        self._converter = converter

    def extendMarkdown(self, md: markdown.Markdown) -> None:  # the extension API's name
        self.md = md
        md.treeprocessors.register(self, "lesson", 0)

    def run(self, root: ElementTree.Element) -> None:
        self._converter.rework(root)
