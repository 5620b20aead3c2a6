"""Where the lab's paths are in the static edition, and links between its files.

Each language has a folder; what both use is in ``assets``. All links are relative, so that the edition works in any folder of
any host, and from a disk. A link to a lesson or a language that was left out becomes plain text; one to anything else that the
edition does not have is an error, not a dead link.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Sequence
from html import escape, unescape
from urllib.parse import parse_qs, urlsplit

from lab.errors import ContentError
from lab.lessons import LANGUAGES, Language

SEARCH_INDEX = "/search-index.js"
ASSETS = "assets"

_FIXED = {
    "/": "index.html",
    "/challenges": "challenges.html",
    "/glossary": "glossary.html",
    "/reference": "reference.html",
    "/search": "search.html",
    SEARCH_INDEX: "search-index.js",
}
_SHAPES = (
    (re.compile(r"/lessons/([^/]+)"), r"lessons/\1.html"),
    (re.compile(r"/challenges/([^/]+)/([^/]+)"), r"challenges/\1--\2.html"),
    (re.compile(r"/recordings/([^/]+)/([^/]+)\.json"), r"recordings/\1--\2.js"),
)
_LESSON = re.compile(r"/(?:lessons|challenges|recordings)/([^/]+)")
_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_REFERENCE = re.compile(r'(\s(?:href|src|action|formaction|data-recording)=")([^"]*)(")')


class Addresses:
    """The files of an edition, and what of them was linked. ``left_out`` are the slugs of lessons that it has not."""

    def __init__(self, left_out: Collection[str] = (), languages: Sequence[Language] = LANGUAGES) -> None:
        self._left_out = frozenset(left_out)
        self.languages = tuple(languages)
        self.linked: set[tuple[Language, str]] = set()  # paths of the lab, by language

    def file(self, path: str, language: Language) -> str | None:
        """Return the file of one of the lab's paths, relative to the edition's folder; None when the edition has it not."""
        if path.startswith("/static/"):
            return f"{ASSETS}/{path.removeprefix('/static/')}"
        if path in _FIXED:
            return f"{language}/{_FIXED[path]}"
        for shape, file in _SHAPES:
            if shape.fullmatch(path):
                return f"{language}/{shape.sub(file, path)}"
        return None

    def relative(self, url: str, page: str, language: Language) -> str:
        """Return the lab's ``url`` as the page at ``page`` links to it, empty for what was left out. Raises ContentError for what
        the edition has not."""
        parts = urlsplit(url)
        wanted: Language = "zh" if "zh" in parse_qs(parts.query).get("lang", [language]) else "en"
        lesson = _LESSON.match(parts.path)
        if wanted not in self.languages or (lesson and lesson[1] in self._left_out):
            return ""
        file = self.file(parts.path, wanted)
        if file is None:
            raise ContentError(f"cannot export the page {page}: it links to {url}, which only a lab can serve")
        if not file.startswith(ASSETS):
            self.linked.add((wanted, parts.path))
        link = posixpath.relpath(file, posixpath.dirname(page))
        return f"{link}#{parts.fragment}" if parts.fragment else link

    def relinked(self, html: str, page: str, language: Language) -> str:
        """Return HTML for the page at ``page`` with the lab's links made relative; text is left alone."""

        def link(match: re.Match[str]) -> str:
            url = unescape(match[2])
            if not url.startswith("/") or url.startswith("//"):
                return match[0]
            relative = self.relative(url, page, language)
            return f"{match[1]}{escape(relative)}{match[3]}" if relative else ""

        return _TAG.sub(lambda tag: _REFERENCE.sub(link, tag[0]), html)


def reworked(message: dict[str, object], rework: Callable[[str], str], unused: frozenset[str]) -> dict[str, object]:
    """Return a message of frames with its HTML reworked and without the parts that the edition has no place for. Texts stay as
    they are."""
    frames = message["frames"]
    assert isinstance(frames, list)  # noqa: S101 - the stage's contract
    return message | {"frames": [_frame(frame, rework, unused) for frame in frames]}


def _frame(frame: dict[str, object], rework: Callable[[str], str], unused: frozenset[str]) -> dict[str, object]:
    made = dict(frame)
    match made:
        case {"step": dict(step)}:
            made["step"] = step | {"html": rework(step["html"])}
    match made:
        case {"parts": dict(parts)}:
            made["parts"] = {name: rework(html) for name, html in parts.items() if name not in unused}
    match made:
        case {"rows": list(rows)}:
            made["rows"] = [row | {"html": rework(row["html"])} for row in rows]
    return made
