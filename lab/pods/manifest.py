"""A file as kubectl reads it: a stream of YAML (or JSON) documents, each on its own, Lists taken apart.

kubectl splits at lines that begin with ``---`` before it parses, so its line numbers count from there, and it stops at
the first document that it cannot parse. This module keeps both, and adds lines in the whole text for the editor.
It may not know what a Pod looks like.
Source: staging/src/k8s.io/apimachinery/pkg/util/yaml/decoder.go, cli-runtime/pkg/resource/visitor.go (v1.36).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.pods.composer import BoundExceeded, ComposeError, DuplicateKey, compose
from lab.pods.lines import LineMap

MAX_TEXT_BYTES = 64 * 1024  # a lesson's manifests are below 2 KiB; the bound is the lab's, kubectl has none
_SNIFFED_CHARACTERS = 4096  # kubectl: visitor.go, NewYAMLOrJSONDecoder(reader, 4096)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One object of the file. ``line`` is where it begins."""

    value: Any
    lines: LineMap
    line: int
    duplicates: tuple[DuplicateKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A document that cannot be parsed; nothing after it was read, and ``unread_line`` is where that begins, if there is more.

    ``by_lab``: kubectl would have read it.
    """

    message: str
    line: int
    by_lab: bool = False
    unread_line: int | None = None


def read_documents(text: str) -> Iterator[Document | Unreadable]:
    """Yield what kubectl sees, in order; empty documents are left out, and an Unreadable is the last.

    Lists (any object with ``items``) are yielded whole: whether their items may be taken apart is `list_items`'s matter.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if text[:_SNIFFED_CHARACTERS].lstrip().startswith("{"):
        yield from _read_json(text)
    else:
        yield from _read_yaml(text)


def list_items(document: Document) -> tuple[Document, ...]:
    """Return the items of a List as documents of their own."""
    items = document.value["items"]
    found = []
    for index, item in enumerate(items):
        path = f"items[{index}]"
        line = document.lines.line(path)
        inside = tuple(
            DuplicateKey(d.path.removeprefix(f"{path}."), d.first_line, d.line)
            for d in document.duplicates
            if d.path.startswith(f"{path}.")
        )
        found.append(Document(value=item, lines=document.lines.below(path), line=line, duplicates=inside))
    return tuple(found)


def _read_yaml(text: str) -> Iterator[Document | Unreadable]:
    chunks = _chunks(text)
    for first_line, chunk, bad_separator in chunks:
        if bad_separator:
            yield Unreadable(message=f"invalid Yaml document separator: {bad_separator}", line=first_line)
            return
        try:
            composed = compose(chunk, first_line=first_line)
        except ComposeError as error:
            message = f"error converting YAML to JSON: {error.message}"
            yield Unreadable(message=message, line=error.line, unread_line=_next_line(chunks))
            return
        except BoundExceeded as error:
            yield Unreadable(message=error.message, line=error.line, by_lab=True, unread_line=_next_line(chunks))
            return
        if composed.value is not None:
            line = _first_content_line(chunk, first_line)
            composed.lines.first_line = line
            yield Document(value=composed.value, lines=composed.lines, line=line, duplicates=tuple(composed.duplicates))


def _chunks(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield (first line, text, "") per document, or (line, "", what stands after ``---``) and no more.

    A separator before any other line stays part of its document, as with kubectl, so that it counts in line numbers.
    """
    start, held = 1, list[str]()
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        if line.startswith("---"):
            trailing = line[3:].strip()
            if trailing and not trailing.startswith("#"):
                yield number, "", trailing
                return
            if held:
                yield start, "".join(held), ""
                start, held = number + 1, []
                continue
        held.append(f"{line}\n")
    if held:
        yield start, "".join(held), ""


def _next_line(chunks: Iterator[tuple[int, str, str]]) -> int | None:
    following = next(chunks, None)
    return None if following is None else following[0]


def _first_content_line(chunk: str, first_line: int) -> int:
    for offset, line in enumerate(chunk.split("\n")):
        if line.strip() and not line.startswith(("#", "---")):
            return first_line + offset
    return first_line


def _read_json(text: str) -> Iterator[Document | Unreadable]:
    decoder = json.JSONDecoder()
    position = _skip_space(text, 0)
    while position < len(text):
        line = text.count("\n", 0, position) + 1
        try:
            value, end = decoder.raw_decode(text, position)
            # JSON is YAML but for tabs between tokens; strings cannot hold a raw tab.
            composed = compose(text[position:end].replace("\t", " "), first_line=line)
        except json.JSONDecodeError as error:
            yield Unreadable(message=_go_json_error(error, text), line=min(error.lineno, text.rstrip().count("\n") + 1))
            return
        except (RecursionError, ValueError, ComposeError, BoundExceeded) as error:
            message = error.message if isinstance(error, BoundExceeded) else "cannot read this JSON; write it as YAML"
            yield Unreadable(message=message, line=line, by_lab=True)
            return
        if value is not None:
            yield Document(value=value, lines=composed.lines, line=line, duplicates=tuple(composed.duplicates))
        position = _skip_space(text, end)


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _go_json_error(error: json.JSONDecodeError, text: str) -> str:
    """Word a syntax error as Go's decoder does, for the cases that a hand-written manifest meets."""
    if not text[error.pos :].strip() or error.msg.startswith("Unterminated string"):
        return "unexpected EOF"
    expected = {
        "Expecting value": "looking for beginning of value",
        "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
        "Expecting ':' delimiter": "after object key",
        "Expecting ',' delimiter": "after object key:value pair",
    }
    found = text[error.pos :].lstrip()[:1]
    where = expected.get(error.msg, "in JSON text")
    return f"json: offset {error.pos + 1}: invalid character '{found}' {where}"
