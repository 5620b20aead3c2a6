"""One YAML document → plain values plus the line of every key and item.

Anchors, aliases and merge keys are expanded, within a bound: a page of YAML may not become a gigabyte. What is wrong is
told in the words of kubectl's YAML library, whose parser is a port of the libyaml used here. Duplicate keys are kept as
a finding and the last one wins, as with kubectl. Nothing here knows about pods.
Source: sigs.k8s.io/yaml v1.6 (``yaml.go``), goyaml.v2 (``decode.go``, ``yaml.go``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from lab.pods.lines import LineMap, child
from lab.pods.scalars import Scalar, ScalarError, resolve_plain, resolve_tagged

MAX_DEPTH = 100  # lists and maps inside each other; a pod needs about a dozen
MAX_NODES = 20_000  # values after aliases are expanded; 64 KiB of plain text holds fewer
MAX_CHARACTERS = 2 * 1024 * 1024  # of those values and of the paths to them; etcd stores no object above 1.5 MiB

_LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)  # libyaml words its errors as kubectl's port of it does; else PyYAML's words


class ComposeError(Exception):
    """The text is not YAML that kubectl reads. ``message`` is its own wording; ``line`` is 1-based in the composed text."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class BoundExceeded(Exception):
    """The document is deeper or, expanded, larger than the lab reads."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class DuplicateKey:
    """A key that stands twice in one mapping; the value at ``line`` is the one that counts."""

    path: str
    first_line: int
    line: int


@dataclass(slots=True)
class Composed:
    """A document's value (None when it is empty) and where everything stands."""

    value: Any
    lines: LineMap
    duplicates: list[DuplicateKey]


@dataclass(slots=True)
class _Node:
    """A scalar (``scalar``), a sequence (``items``) or a mapping (``pairs``)."""

    line: int
    scalar: Scalar = None
    is_merge: bool = False
    items: list[_Node] | None = None
    pairs: list[tuple[_Node, _Node]] | None = None
    finished: bool = False


def compose(text: str, *, first_line: int = 1) -> Composed:
    """Read the first document of ``text``, whose first line is line ``first_line`` of the learner's text.

    Raises ComposeError or BoundExceeded with lines in the learner's text.
    """
    lines = LineMap(first_line)
    tree = _read_tree(text, first_line)
    expansion = _Expansion(lines)
    value = None if tree is None else expansion.value(tree, "")
    return Composed(value, lines, expansion.duplicates)


def _read_tree(text: str, first_line: int) -> _Node | None:
    try:
        return _TreeReader(text, first_line).document()
    except yaml.reader.ReaderError as error:
        raise ComposeError("yaml: control characters are not allowed", first_line) from error
    except UnicodeEncodeError as error:
        raise ComposeError("yaml: invalid Unicode character", first_line + text[: error.start].count("\n")) from error
    except yaml.MarkedYAMLError as error:
        raise _worded(error, first_line) from error


def _too_deep(line: int) -> BoundExceeded:
    return BoundExceeded(f"cannot read lists and maps nested more than {MAX_DEPTH} deep; flatten them", line)


def _worded(error: yaml.MarkedYAMLError, first_line: int) -> ComposeError | BoundExceeded:
    """Number the line as goyaml's ``fail`` does: scanner errors from one, parser errors from zero, line zero not at all."""
    mark = error.problem_mark or error.context_mark
    line = mark.line if mark else 0
    if (error.problem or "").startswith("exceeded maximum nesting depth"):
        return _too_deep(first_line + line)
    numbered = line + 1 if line and isinstance(error, yaml.scanner.ScannerError) else line
    where = f"line {numbered}: " if numbered else ""
    return ComposeError(f"yaml: {where}{error.problem or 'unknown problem parsing YAML content'}", first_line + line)


class _TreeReader:
    """Builds the node tree of the first document from the parser's events."""

    def __init__(self, text: str, first_line: int) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._first_line = first_line
        self._anchors: dict[str, _Node] = {}

    def document(self) -> _Node | None:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                root = self._node(next(self._events), 0)
                next(self._events)  # the document's end: what stands between must parse as well
                return root
        return None

    def _node(self, event: Any, depth: int) -> _Node:
        line = self._first_line + event.start_mark.line
        if depth > MAX_DEPTH:
            raise _too_deep(line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, line)
        node = _Node(line)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(node, event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node.items = []
            while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
                node.items.append(self._node(event, depth + 1))
        else:
            node.pairs = []
            while not isinstance(event := next(self._events), yaml.MappingEndEvent):
                key = self._node(event, depth + 1)
                node.pairs.append((key, self._node(next(self._events), depth + 1)))
        node.finished = True
        return node

    def _alias(self, anchor: str | None, line: int) -> _Node:
        target = self._anchors.get(anchor or "")
        if target is None:
            raise ComposeError(f"yaml: unknown anchor '{anchor}' referenced", line)
        if not target.finished:
            raise ComposeError(f"yaml: anchor '{anchor}' value contains itself", line)
        return target

    def _scalar(self, node: _Node, event: Any) -> None:
        if event.tag is None or event.tag == "!":
            plain = event.implicit[0] and event.tag is None
            node.scalar = resolve_plain(event.value) if plain else event.value
            node.is_merge = bool(plain) and event.value == "<<"
            return
        try:
            node.scalar = resolve_tagged(event.tag, event.value)
        except ScalarError as error:
            raise ComposeError(f"yaml: {error}", node.line) from error


@dataclass(slots=True)
class _Expansion:
    """Turns nodes into values; every alias is expanded anew, so the count of values is bounded."""

    lines: LineMap
    duplicates: list[DuplicateKey] = field(default_factory=list)
    nodes: int = 0
    characters: int = 0

    def value(self, node: _Node, path: str) -> Any:
        self._count(node, path)
        if node.items is not None:
            return [self._item(item, f"{path}[{index}]") for index, item in enumerate(node.items)]
        if node.pairs is not None:
            return self._mapping(node, path)
        if isinstance(node.scalar, float):
            return _json_number(node.scalar, node.line)
        return node.scalar

    def _count(self, node: _Node, path: str) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise BoundExceeded(f"cannot expand the document to more than {MAX_NODES} values; use fewer aliases", node.line)
        self.characters += len(path) + (len(node.scalar) if isinstance(node.scalar, str) else 0)
        if self.characters > MAX_CHARACTERS:
            size = f"{MAX_CHARACTERS // 1024 // 1024} MiB"
            raise BoundExceeded(f"cannot expand the document to more than {size}; repeat long values less often", node.line)

    def _item(self, node: _Node, path: str) -> Any:
        self.lines.put(path, node.line)
        return self.value(node, path)

    def _mapping(self, node: _Node, path: str) -> dict[str, Any]:
        pairs = [(key if key.is_merge else _json_key(key), key.line, value) for key, value in node.pairs or ()]
        last = {key: index for index, (key, _, _) in enumerate(pairs) if isinstance(key, str)}
        result: dict[str, Any] = {}
        for index, (key, line, value) in enumerate(pairs):
            if not isinstance(key, str):
                self._merge(value, path, result)
            elif last[key] != index:
                self.duplicates.append(DuplicateKey(child(path, key), line, pairs[last[key]][1]))
            else:
                self.lines.put(child(path, key), line)
                result[key] = self.value(value, child(path, key))
        return result

    def _merge(self, node: _Node, path: str, result: dict[str, Any]) -> None:
        """Merge in place, as goyaml.v2 does: a merge key overrides what stands before it; of a list, earlier maps win."""
        sources = [node] if node.pairs is not None else list(reversed(node.items or ()))
        if node.pairs is None and (node.items is None or any(source.pairs is None for source in sources)):
            raise ComposeError("yaml: map merge requires map or sequence of maps as the value", node.line)
        for source in sources:
            self._count(source, path)  # one that is empty, or holds only merges, has no values that count
            result.update(self._mapping(source, path))


def _json_key(node: _Node) -> str:
    if node.items is not None or node.pairs is not None:
        raise ComposeError("yaml: invalid map key: a key must be a plain value", node.line)
    key = node.scalar
    if key is None:
        raise ComposeError("unsupported map key of type: %!s(<nil>), key: <nil>", node.line)
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, float):
        return f"{_json_number(key, node.line)}"
    return str(key)


def _json_number(value: float, line: int) -> float | int:
    """Return the number as it reads back from JSON: Go writes whole floats below 1e21 without a point."""
    if math.isnan(value) or math.isinf(value):
        name = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        raise ComposeError(f"json: unsupported value: {name}", line)
    return int(value) if value.is_integer() and abs(value) < 1e21 else value
