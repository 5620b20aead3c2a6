"""Reads predicates from the nodes of a YAML file, so that every mistake has its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from lab.insight.predicates import All, AnyOf, Count, FileHolds, Is, ManifestHolds, Not, Order, Predicate, Seen, Span
from lab.lessons.problems import Problems

NOTHING = All(of=())  # stands where a predicate could not be read: the problem is noted
WORDS = ("seen", "never", "order", "within", "apart", "count", "file", "manifest", "all", "any", "not")


class Reader:
    """Takes nodes apart; what is wrong is noted in ``problems`` under ``path``, and something harmless is returned."""

    def __init__(self, path: str, problems: Problems) -> None:
        self._path = path
        self._problems = problems

    def predicate(self, node: yaml.Node | None) -> Predicate:
        """Return the predicate that a node writes down."""
        if node is None:
            return NOTHING
        if not isinstance(node, yaml.MappingNode) or len(node.value) != 1:
            return self._wrong(node, "one of " + ", ".join(WORDS))
        (key, value) = node.value[0]
        match key.value:
            case "seen":
                return Seen(moment=self.text(value))
            case "never":
                return Not(of=Seen(moment=self.text(value)))
            case "order":
                return Order(moments=tuple(self.text(item) for item in self.items(value)))
            case "within" | "apart" as word:
                return self._span(value, word)
            case "count":
                parts = self.fields(value, "of, least and most", ("of",), ("least", "most"))
                least, most = self.number(parts.get("least"), 0), self.number(parts.get("most"), float("inf"))
                return Count(moment=self.text(parts.get("of")), least=int(least), most=most)
            case "file":
                parts = self.fields(value, "path, and equals or contains", ("path",), ("equals", "contains"))
                return FileHolds(path=self.text(parts.get("path")), text=self._is(parts))
            case "manifest":
                parts = self.fields(value, "path, and what is there", ("path",), ("equals", "contains", "least", "most"))
                return ManifestHolds(path=self.text(parts.get("path")), value=self._is(parts))
            case "all":
                return All(of=tuple(self.predicate(item) for item in self.items(value)))
            case "any":
                return AnyOf(of=tuple(self.predicate(item) for item in self.items(value)))
            case "not":
                return Not(of=self.predicate(value))
        return self._wrong(key, "one of " + ", ".join(WORDS))

    def _span(self, node: yaml.Node, word: str) -> Predicate:
        parts = self.fields(node, "from, to and seconds", ("from", "to", "seconds"), ())
        start, end, seconds = self.text(parts.get("from")), self.text(parts.get("to")), self.number(parts.get("seconds"), 0.0)
        if word == "within":
            return Span(start=start, end=end, most_seconds=seconds)
        return Span(start=start, end=end, least_seconds=seconds)

    def _is(self, parts: Mapping[str, yaml.Node]) -> Is:
        equals, contains = parts.get("equals"), parts.get("contains")
        return Is(
            equals=_value(equals) if equals is not None else None,
            contains=str(_value(contains)) if contains is not None else None,
            least=self.number(parts["least"], 0.0) if "least" in parts else None,
            most=self.number(parts["most"], 0.0) if "most" in parts else None,
        )

    def fields(
        self, node: yaml.Node | None, wanted: str, required: Sequence[str], optional: Sequence[str]
    ) -> Mapping[str, yaml.Node]:
        """Return a mapping's values by name; names that are missing or unknown are noted."""
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            self._wrong(node, wanted)
            return {}
        parts = {str(key.value): value for key, value in node.value}
        for key, _ in node.value:
            if key.value not in (*required, *optional):
                known = ", ".join((*required, *optional))
                self._problems.note(self._path, _line(key), f"cannot use the unknown field {key.value}; known are {known}")
        for name in required:
            if name not in parts:
                self._problems.note(self._path, _line(node), f"cannot do without the field {name}; add it")
        return parts

    def items(self, node: yaml.Node | None) -> Sequence[yaml.Node]:
        """Return a list's items; what is no list is noted."""
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        if node is not None:
            self._wrong(node, "a list")
        return []

    def text(self, node: yaml.Node | None) -> str:
        """Return a text that is not empty."""
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self._wrong(node, "a text")
            return ""
        return str(node.value).strip()

    def number(self, node: yaml.Node | None, default: float) -> float:
        """Return a number, ``default`` where none is given."""
        value = _value(node) if node is not None else default
        if isinstance(value, bool) or not isinstance(value, int | float):
            if node is not None:
                self._wrong(node, "a number")
            return default
        return value

    def _wrong(self, node: yaml.Node, wanted: str) -> Predicate:
        self._problems.note(self._path, _line(node), f"cannot use what stands here; write {wanted}")
        return NOTHING


def _value(node: yaml.Node) -> Any:
    return yaml.SafeLoader("").construct_object(node, deep=True)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
