"""One field of a manifest changed in its text, and nothing else: comments, order and the learner's other changes stay.

A path has names with dots between, and a list's item by its name or number in brackets:
``spec.containers[app].lifecycle.preStop``. Of several documents the first that has the path's parent is changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]+)\]")
_INDENT = 2  # columns


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEdit:
    """The text after the change, and the 1-based line where the field now begins."""

    text: str
    line: int


class FieldEditError(ValueError):
    """The field cannot be changed; the message says why."""


def set_field(text: str, path: str, value: str) -> FieldEdit:
    """Give the field at ``path`` a ``value``, written as YAML on one line. A field that is not there is added at the end of its
    mapping, with the mappings between. Raises FieldEditError when the text cannot be read or has no place for the field."""
    try:
        parsed = yaml.compose(value, Loader=yaml.SafeLoader)
        documents = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        raise FieldEditError(f"cannot read the manifest as YAML (line {mark.line + 1 if mark else 1})") from error
    if parsed is None or "\n" in value:
        raise FieldEditError("cannot set a field to nothing or to several lines")
    steps = [name or item for name, item in _STEP.findall(path)]
    reached = [_walk(document, steps) for document in documents]
    if not reached:
        raise FieldEditError("cannot find a document in the text")
    node, rest = min(reached, key=lambda found: len(found[1]))
    if not rest:
        return _replaced(text, node, value)
    if not isinstance(node, yaml.MappingNode) or len(rest) == len(steps):
        raise FieldEditError(f"cannot find a place for {path}")
    return _added(text, node, rest, value)


def typed(path: str, value: str) -> str:
    """Return what one would type for it: the last name of the path and the value."""
    return f"{path.rpartition('.')[2]}: {value}"


def _walk(node: yaml.Node, steps: list[str]) -> tuple[yaml.Node, list[str]]:
    """Follow the steps as far as they lead; return the node there and the steps that are left."""
    for number, step in enumerate(steps):
        below = _below(node, step)
        if below is None:
            return node, steps[number:]
        node = below
    return node, []


def _below(node: yaml.Node, step: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if not isinstance(node, yaml.SequenceNode):
        return None
    if step.isdigit():
        return node.value[int(step)] if int(step) < len(node.value) else None
    return next((item for item in node.value if _name(item) == step), None)


def _name(node: yaml.Node) -> Any:
    found = _below(node, "name") if isinstance(node, yaml.MappingNode) else None
    return found.value if found is not None else None


def _replaced(text: str, node: yaml.Node, value: str) -> FieldEdit:
    start, end = node.start_mark.index, _end(text, node)
    before = text[:start]
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:  # begins on a line of its own: pull it up to its key
        before = before.rstrip()
        before = f"{before} " if before.endswith(":") else text[:start]
    elif before.endswith(":"):  # nothing stood there
        before = f"{before} "
    return FieldEdit(text=before + value + text[end:], line=before.count("\n") + 1)


def _added(text: str, node: yaml.MappingNode, names: list[str], value: str) -> FieldEdit:
    if not node.value or node.flow_style:
        raise FieldEditError(f"cannot add {names[0]} to a mapping in braces; write it by hand")
    if any(name.isdigit() for name in names[1:]):
        raise FieldEditError(f"cannot find {names[0]}")
    indent = node.value[0][0].start_mark.column
    end = _end(text, node)
    newline = text.find("\n", end)  # a comment at the line's end stays there
    head, tail = (text, "") if newline < 0 else (text[:newline], text[newline + 1 :])
    lines = [f"{' ' * (indent + _INDENT * depth)}{name}:" for depth, name in enumerate(names)]
    lines[-1] += f" {value}"
    added = "\n".join(lines)
    return FieldEdit(text=f"{head}\n{added}\n{tail}", line=head.count("\n") + len(lines) + 1)


def _end(text: str, node: yaml.Node) -> int:
    """Return where a node's own text ends: marks of blocks lie where the next thing begins, after comments."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    start, end = int(node.start_mark.index), int(node.end_mark.index)
    return start + len(text[start:end].rstrip())
