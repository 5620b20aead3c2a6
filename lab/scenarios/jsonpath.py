"""kubectl's JSONPath templates: text with ``{…}``, ranges, filters.

Pure. Known: ``.a.b``, ``['a']``, ``[0]``, ``[-1]``, ``[0:2]``, ``[*]``, ``..a``, ``[?(@.a=="b")]``, ``{range}{end}`` and
text. Not known: unions, script expressions; a template that uses them raises UnknownTemplate.
Source: staging/src/k8s.io/client-go/util/jsonpath/{parser,jsonpath}.go (v1.36).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

_PIECE = re.compile(r"\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_STEP = re.compile(
    r"""
    (?P<deep>\.\.)(?P<deep_name>[\w-]+|\*)
    |\.(?P<name>(?:\\.|[^.\[\]\\\s])+)
    |\[\?\(\s*@(?P<path>[^=!<>\s)]*)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>"[^"]*"|'[^']*'|[^)\s]+)\s*)?\)\]
    |\[(?:'(?P<quoted>[^']*)'|"(?P<double>[^"]*)")\]
    |\[(?P<index>-?\d+|\*)\]
    |\[(?P<start>-?\d*):(?P<stop>-?\d*)\]
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'"}


class UnknownTemplate(Exception):
    """The template is not one that the lab knows how to read."""


def rendered(template: str, value: Any) -> str:
    """Return what ``kubectl get -o jsonpath=TEMPLATE`` prints of ``value``; what is not there prints as nothing."""
    return _rendered(_pieces(template), value)


def found(path: str, value: Any) -> list[Any]:
    """Return what one path, with or without its ``{}`` and its leading dot, leads to."""
    bare = path.strip().removeprefix("{").removesuffix("}").strip().removeprefix("$")
    return list(_walk([value], bare if bare.startswith((".", "[")) else f".{bare}"))


def shown(value: Any) -> str:
    """Return a value as kubectl prints it: text bare, lists and objects as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _pieces(template: str) -> list[tuple[str, str]]:
    """Return (kind, content): text, or the inside of braces."""
    pieces, at = [], 0
    if not template.lstrip().startswith("{") and "{" not in template:
        template = f"{{{template}}}"  # kubectl takes a bare path
    for match in _PIECE.finditer(template):
        if match.start() > at:
            pieces.append(("text", template[at : match.start()]))
        pieces.append(("brace", match[1].strip()))
        at = match.end()
    if at < len(template):
        pieces.append(("text", template[at:]))
    return pieces


def _rendered(pieces: Sequence[tuple[str, str]], value: Any) -> str:
    out, at = [], 0
    while at < len(pieces):
        kind, content = pieces[at]
        at += 1
        if kind == "text":
            out.append(content)
        elif content.startswith("range"):
            end = _end_of_range(pieces, at)
            items = found(content.removeprefix("range"), value)
            out += [_rendered(pieces[at:end], item) for item in items]
            at = end + 1
        elif content == "end":
            raise UnknownTemplate(content)
        elif content[:1] in ("'", '"'):
            out.append(_unquoted(content))
        else:
            out.append(" ".join(shown(item) for item in found(content, value)))
    return "".join(out)


def _end_of_range(pieces: Sequence[tuple[str, str]], at: int) -> int:
    depth = 1
    for index in range(at, len(pieces)):
        kind, content = pieces[index]
        if kind == "brace":
            depth += content.startswith("range") - (content == "end")
            if depth == 0:
                return index
    raise UnknownTemplate("range")


def _unquoted(literal: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), literal[1:-1])


def _walk(values: Sequence[Any], path: str) -> Iterator[Any]:
    at, current = 0, list(values)
    while at < len(path):
        if path[at:] in (".", "@"):
            break
        match = _STEP.match(path, at)
        if match is None:
            raise UnknownTemplate(path)
        current = [item for value in current for item in _stepped(value, match)]
        at = match.end()
    return iter(current)


def _stepped(value: Any, step: re.Match[str]) -> list[Any]:
    if step["deep"]:
        return list(_below(value, step["deep_name"]))
    if step["index"] is not None or step["start"] is not None:
        return _indexed(value, step)
    if step["path"] is not None:
        items = value if isinstance(value, list) else []
        return [item for item in items if _holds(item, step)]
    quoted = step["quoted"] if step["quoted"] is not None else step["double"]
    name = quoted if quoted is not None else re.sub(r"\\(.)", r"\1", step["name"])
    if name == "*" and quoted is None:
        return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    return [value[name]] if isinstance(value, dict) and name in value else []


def _indexed(value: Any, step: re.Match[str]) -> list[Any]:
    if step["index"] == "*" and isinstance(value, dict):
        return list(value.values())
    if not isinstance(value, list):
        return []
    if step["index"] == "*":
        return list(value)
    if step["index"] is not None:
        index = int(step["index"])
        return [value[index]] if -len(value) <= index < len(value) else []
    return value[int(step["start"] or 0) : int(step["stop"]) if step["stop"] else None]


def _below(value: Any, name: str) -> Iterator[Any]:
    children = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(value, dict) and name in value:
        yield value[name]
    if name == "*":
        yield from children
    for child in children:
        yield from _below(child, name)


def _holds(item: Any, step: re.Match[str]) -> bool:
    have = found(step["path"] or ".", item) if step["path"] else [item]
    if not step["operator"]:
        return bool(have)
    text = step["value"]
    wanted: Any = text[1:-1] if text[:1] in ("'", '"') else _scalar(text)
    return any(_compared(value, step["operator"], wanted) for value in have)


def _compared(value: Any, operator: str, wanted: Any) -> bool:
    if operator in ("==", "!="):
        return bool((value == wanted) == (operator == "=="))
    if type(value) is not type(wanted) or not isinstance(value, int | float | str):
        return False
    less, equal = bool(value < wanted), bool(value == wanted)
    return {"<": less, "<=": less or equal, ">": not less and not equal, ">=": not less}[operator]


def _scalar(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
