"""An API object as the YAML that ``kubectl get -o yaml`` prints: keys in order, lists not indented, scripts as they are.

Source: sigs.k8s.io/yaml, Marshal, as kubectl v1.36 uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import yaml

_NEVER_FOLD = 1 << 20  # columns
_KEPT_SCALARS = 4096  # an object's texts are the same in most of its versions


def yaml_text(value: Mapping[str, Any]) -> str:
    """Return the object as YAML text with a final newline."""
    return "".join(f"{line}\n" for line in _mapping(value, "")) if value else "{}\n"


def _mapping(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key in sorted(value):
        yield from _item(f"{indent}{_scalar(key)}:", value[key], indent)


def _item(head: str, value: Any, indent: str) -> Iterator[str]:
    """Yield ``head`` with its value: on the same line, or below it."""
    if isinstance(value, Mapping) and value:
        yield head
        yield from _mapping(value, indent + "  ")
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        yield head
        yield from _sequence(value, indent)
    elif isinstance(value, str) and _stands_as_it_is(value):
        yield f"{head} {'|' if value.endswith(chr(10)) else '|-'}"
        yield from (f"{indent}  {line}" if line else "" for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{head} {_scalar(value) if isinstance(value, str) else _plain(value)}"


def _sequence(value: Sequence[Any], indent: str) -> Iterator[str]:
    for item in value:
        if isinstance(item, Mapping) and item:
            first, *rest = _mapping(item, indent + "  ")
            yield f"{indent}- {first[len(indent) + 2 :]}"
            yield from rest
        elif isinstance(item, Sequence) and not isinstance(item, str) and item:
            first, *rest = _sequence(item, indent + "  ")
            yield f"{indent}- {first[len(indent) + 2 :]}"
            yield from rest
        else:
            yield from _item(f"{indent}-", item, indent)


def _plain(value: Any) -> str:
    match value:
        case None:
            return "null"
        case True | False:
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return "{}" if isinstance(value, Mapping) else "[]"


def _stands_as_it_is(text: str) -> bool:
    """Whether a text of several lines can be a block: it ends with one newline at most, and nothing in it needs an escape."""
    lines = text.removesuffix("\n").split("\n")
    if "\n" not in text or not lines[0] or not lines[-1] or lines[0].startswith(" "):
        return False
    return all(line.isprintable() and not line.endswith(" ") for line in (one.replace("\t", "") for one in lines))


@lru_cache(maxsize=_KEPT_SCALARS)
def _scalar(text: str) -> str:
    """Return a text on one line, quoted where YAML would read something else."""
    escaped = not text.isprintable()
    style = '"' if escaped else None
    dumped = str(yaml.safe_dump(text, default_style=style, allow_unicode=not escaped, width=_NEVER_FOLD))
    return dumped.removesuffix("\n").removesuffix("\n...")
