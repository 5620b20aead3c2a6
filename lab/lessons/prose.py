"""Markdown to HTML, with what lessons add to it: links between lessons, titled callouts, terms of the glossary. The only
importer of ``markdown``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

import markdown
from markdown.extensions import Extension
from markdown.extensions.toc import TocExtension, slugify_unicode
from markdown.treeprocessors import Treeprocessor

from lab.lessons.fields import Language, Words
from lab.lessons.glossary import Glossary

CALLOUT_TITLES: Mapping[str, Words] = {
    "run": {"en": "Run it", "zh": "动手运行"},
    "correction": {"en": "Correction", "zh": "更正"},
    "note": {"en": "Worth knowing", "zh": "补充说明"},
}
LESSON_PATH = "/lessons/"
LESSON_SCHEME = "lesson:"
GLOSSARY_PATH = "/glossary#"
OUTSIDE = re.compile(r"https?:|mailto:")
WITHOUT_TERMS = frozenset(("a", "code", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "summary"))
CLASSES_WITHOUT_TERMS = frozenset(("admonition-title", "admonition run"))  # what to press is the stage's own words


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading of a lesson's text; ``id`` is its anchor and the same in every language."""

    level: int
    id: str
    text: str


class Converter:
    """Converts the texts of one lesson in one language, and gathers what is in them: headings of the first, links to other
    lessons, other links, callouts of unknown kinds. A term is linked where it comes first."""

    def __init__(self, language: Language, glossary: Glossary) -> None:
        self.language = language
        self.lesson_links: list[str] = []
        self.other_links: list[str] = []
        self.unknown_callouts: list[str] = []
        self.headings: tuple[Heading, ...] | None = None
        self._glossary = glossary
        self._linked: set[str] = set()

    def html(self, text: str) -> str:
        """Convert a text."""
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
        return converter.convert(text).replace("<pre><code", '<pre tabindex="0"><code')  # it scrolls, by keyboard too

    def rework(self, root: ElementTree.Element) -> None:
        """Work on the tree of a text."""
        self._links(root)
        self._callouts(root)
        for cell in root.iter("th"):
            if not cell.text and not len(cell):
                cell.tag = "td"  # the corner of a table heads nothing
        if self.headings is None:
            self.headings = tuple(
                Heading(level=int(element.tag[1]), id=element.get("id", ""), text="".join(element.itertext()))
                for element in root.iter()
                if re.fullmatch("h[1-6]", element.tag)
            )
        self._terms(root)

    def _links(self, root: ElementTree.Element) -> None:
        for link in root.iter("a"):
            href = link.get("href", "")
            if href.startswith(LESSON_SCHEME):
                self.lesson_links.append(href)
                link.set("href", LESSON_PATH + href.removeprefix(LESSON_SCHEME))
            elif href.startswith("https:"):
                link.set("rel", "external noreferrer")
            elif not OUTSIDE.match(href):
                self.other_links.append(href)

    def _callouts(self, root: ElementTree.Element) -> None:
        for callout in root.iter("div"):
            _, _, kind = callout.get("class", "").partition("admonition ")
            if not kind:
                continue
            if kind not in CALLOUT_TITLES:
                self.unknown_callouts.append(kind)
            elif callout[0].text == kind.capitalize():  # what the extension writes when the author gave no title
                callout[0].text = CALLOUT_TITLES[kind][self.language]

    def _terms(self, parent: ElementTree.Element) -> None:
        if parent.tag in WITHOUT_TERMS or parent.get("class", "") in CLASSES_WITHOUT_TERMS:
            return
        children = list(parent)
        self._link_terms(parent, None)
        for child in children:
            self._terms(child)
            self._link_terms(parent, child)

    def _link_terms(self, parent: ElementTree.Element, after: ElementTree.Element | None) -> None:
        """Link the new terms in the text that follows ``after``, or in the parent's own text before its first child."""
        text = (parent.text if after is None else after.tail) or ""
        at = 0 if after is None else list(parent).index(after) + 1
        new = [one for one in self._glossary.find(text, self.language) if self._is_new(one.term.id)]
        if not new:
            return
        before = text[: new[0].start]
        if after is None:
            parent.text = before
        else:
            after.tail = before
        ends = (*(one.start for one in new[1:]), len(text))
        for place, (one, end) in enumerate(zip(new, ends, strict=True), start=at):
            link = ElementTree.Element("a", {"class": "term", "href": GLOSSARY_PATH + one.term.id})
            link.text, link.tail = text[one.start : one.end], text[one.end : end]
            parent.insert(place, link)

    def _is_new(self, term_id: str) -> bool:
        new = term_id not in self._linked
        self._linked.add(term_id)
        return new


class _Pass(Extension, Treeprocessor):
    """The step of the conversion that hands the finished tree to the converter."""

    def __init__(self, converter: Converter) -> None:
        Extension.__init__(self)
        self._converter = converter

    def extendMarkdown(self, md: markdown.Markdown) -> None:  # the extension API's name
        self.md = md
        md.treeprocessors.register(self, "lesson", 0)

    def run(self, root: ElementTree.Element) -> None:
        self._converter.rework(root)
