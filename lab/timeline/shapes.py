"""Whether JSON from somebody else has the form of a fact: each field is there and of its type, and API objects have the fields
that a reader of the lab relies on.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from lab.timeline.facts import ObjectWritten

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    name: str
    fits: Callable[[Any], bool]


def _is_number(value: Any, kinds: tuple[type[int] | type[float], ...]) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool) and -LARGEST_NUMBER < value < LARGEST_NUMBER


LARGEST_NUMBER = 2**53  # every reader of JSON keeps it
_KINDS: dict[Any, _Kind] = {
    str: _Kind(name="text", fits=lambda value: isinstance(value, str)),
    int: _Kind(name="a whole number", fits=lambda value: _is_number(value, (int,))),
    float: _Kind(name="a number", fits=lambda value: _is_number(value, (int, float))),
    bool: _Kind(name="true or false", fits=lambda value: isinstance(value, bool)),
    dict: _Kind(name="an object", fits=lambda value: isinstance(value, dict)),
    type(None): _Kind(name="null", fits=lambda value: value is None),
}


def misfit(value: Object, fact_type: type) -> str | None:
    """Say what keeps JSON from being a fact of this type; None when nothing does."""
    hints = typing.get_type_hints(fact_type)
    for field in fields(fact_type):
        if field.name not in value:
            return f"{field.name} is missing"
        problem = _unfit(value[field.name], hints[field.name], field.name)
        if problem:
            return problem
    if fact_type is ObjectWritten:
        return _unfit_object(value["kind"], value["object"])
    return None


def _unfit(value: Any, hint: Any, place: str) -> str | None:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        problems = [_unfit(value, argument, place) for argument in arguments]
        return None if None in problems else problems[0]
    if origin is typing.Literal:
        fits = any(value == choice and type(value) is type(choice) for choice in arguments)
        return None if fits else f"{place} is not one of its values"
    if origin is tuple:
        return _unfit_tuple(value, arguments, place)
    kind = _KINDS[dict if origin is dict else hint]
    return None if kind.fits(value) else f"{place} is not {kind.name}"


def _unfit_tuple(value: Any, arguments: tuple[Any, ...], place: str) -> str | None:
    if not isinstance(value, list):
        return f"{place} is not a list"
    every = arguments[-1] is Ellipsis
    if not every and len(value) != len(arguments):
        return f"{place} has not {len(arguments)} items"
    for number, item in enumerate(value):
        problem = _unfit(item, arguments[0] if every else arguments[number], f"{place}[{number}]")
        if problem:
            return problem
    return None


def _unfit_object(kind: str, value: Object) -> str | None:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return "object.metadata.name is missing"
    if kind == "Event":
        involved, count = value.get("involvedObject"), value.get("count")
        texts = all(isinstance(value.get(name), str) for name in ("reason", "message", "type"))
        if not isinstance(involved, dict) or not texts or not isinstance(count, int) or not isinstance(value.get("source"), dict):
            return "object is not an Event"
    if kind == "Pod":
        spec, status = value.get("spec"), value.get("status", {})
        containers = spec.get("containers") if isinstance(spec, dict) else None
        if not isinstance(containers, list) or not isinstance(status, dict):
            return "object is not a Pod"
        if not all(isinstance(container, dict) and isinstance(container.get("name"), str) for container in containers):
            return "object.spec.containers is not a list of containers"
    return None
