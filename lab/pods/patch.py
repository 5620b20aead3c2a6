"""The three kinds of patches, applied to an object: merge, strategic merge, JSON.

Pure: the object given is never changed. Of strategic merge's directives ``$patch: delete`` and ``$patch: replace`` are known, and
``$setElementOrder`` and ``$retainKeys`` are left out.
Source: RFC 7386, RFC 6902, staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go (v1.36).
"""

from __future__ import annotations

import copy
from typing import Any

from lab.pods.update import MERGE_KEYS

JSON = dict[str, Any]

_CONDITIONS = {"conditions": "type"}
_REJECTED = "the server rejected our request due to an error in our request"


class PatchRefused(Exception):
    """The patch does not fit; the message is the server's."""

    def __init__(self, message: str, *, code: int = 422, reason: str = "Invalid") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


def merge_patched(value: Any, patch: Any) -> Any:
    """Return ``value`` with a JSON merge patch applied: null removes, lists are replaced."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(value) if isinstance(value, dict) else {}
    for key, new in patch.items():
        if new is None:
            result.pop(key, None)
        else:
            result[key] = merge_patched(result.get(key), new)
    return result


def strategic_patched(value: Any, patch: Any) -> Any:
    """Return ``value`` with a strategic merge patch applied: lists of named things are merged by their names."""
    if not isinstance(patch, dict) or not isinstance(value, dict):
        return _without_directives(patch)
    if patch.get("$patch") == "replace":
        return _without_directives(patch)
    result = dict(value)
    for key, new in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            result[name] = [item for item in result.get(name, []) if item not in new]
        elif key.startswith("$"):
            continue
        elif new is None:
            result.pop(key, None)
        else:
            result[key] = _strategic_value(key, result.get(key), new)
    return result


def json_patched(value: Any, operations: Any) -> Any:
    """Return ``value`` with a JSON patch applied. Raises PatchRefused."""
    if not isinstance(operations, list):
        raise PatchRefused("error decoding patch: a JSON patch is a list of operations", code=400, reason="BadRequest")
    holder = {"root": copy.deepcopy(value)}
    for operation in operations:
        if not isinstance(operation, dict):
            raise PatchRefused(_REJECTED)
        _operate(holder, operation)
    return holder["root"]


def _strategic_value(key: str, old: Any, new: Any) -> Any:
    name = {**MERGE_KEYS, **_CONDITIONS}.get(key)
    if isinstance(new, list) and isinstance(old, list):
        if key == "finalizers":
            return [*old, *(item for item in new if item not in old)]
        if name is not None and all(isinstance(item, dict) for item in new):
            return _merged_list(name, old, new)
    return strategic_patched(old, new)


def _merged_list(name: str, old: list[JSON], new: list[JSON]) -> list[JSON]:
    result = [dict(item) for item in old]
    for item in new:
        at = next((index for index, known in enumerate(result) if known.get(name) == item.get(name)), None)
        if item.get("$patch") == "delete":
            if at is not None:
                del result[at]
        elif item.get("$patch") == "replace":
            return [entry for entry in _without_directives(new) if entry]
        elif at is None:
            result.append(_without_directives(item))
        else:
            result[at] = strategic_patched(result[at], item)
    return result


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_directives(v) for k, v in value.items() if not k.startswith("$") and v is not None}
    return [_without_directives(item) for item in value] if isinstance(value, list) else value


# --- JSON patch ---------------------------------------------------------------------------------------------------


def _operate(holder: JSON, operation: JSON) -> None:
    kind, path = operation.get("op"), _tokens(operation.get("path"))
    match kind:
        case "add" | "replace" | "test":
            if "value" not in operation:
                raise PatchRefused(_REJECTED)
            if kind == "test":
                if _got(holder, path) != operation["value"]:
                    raise PatchRefused(_REJECTED)
                return
            if kind == "replace":
                _got(holder, path)
                _put(holder, path, operation["value"], insert=False)
            else:
                _put(holder, path, operation["value"], insert=True)
        case "remove":
            _removed(holder, path)
        case "move" | "copy":
            source = _tokens(operation.get("from"))
            found = copy.deepcopy(_got(holder, source))
            if kind == "move":
                _removed(holder, source)
            _put(holder, path, found, insert=True)
        case _:
            raise PatchRefused(_REJECTED)


def _tokens(pointer: Any) -> list[str]:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise PatchRefused(_REJECTED)
    parts = pointer.split("/")[1:]
    return ["root", *(part.replace("~1", "/").replace("~0", "~") for part in parts)]


def _got(holder: Any, path: list[str]) -> Any:
    at = holder
    for token in path:
        if isinstance(at, dict) and token in at:
            at = at[token]
        elif isinstance(at, list) and token.isdigit() and int(token) < len(at):
            at = at[int(token)]
        else:
            raise PatchRefused(_REJECTED)
    return at


def _put(holder: Any, path: list[str], value: Any, *, insert: bool) -> None:
    parent, last = _got(holder, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and insert and last == "-":
        parent.append(value)
    elif isinstance(parent, list) and last.isdigit() and int(last) <= len(parent):
        if insert:
            parent.insert(int(last), value)
        else:
            parent[int(last)] = value
    else:
        raise PatchRefused(_REJECTED)


def _removed(holder: Any, path: list[str]) -> None:
    _got(holder, path)
    parent, last = _got(holder, path[:-1]), path[-1]
    del parent[int(last) if isinstance(parent, list) else last]
