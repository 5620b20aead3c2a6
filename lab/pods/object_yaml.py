"""An object as ``kubectl get -o yaml`` prints it: keys in order, blocks and double quotes where Go's printer has them.

Source: sigs.k8s.io/yaml (v1.36).
"""

from __future__ import annotations

from typing import Any

import yaml

JSON = dict[str, Any]


class _ObjectDumper(yaml.SafeDumper):
    """Writes strings as kubectl does: several lines as a block, what reads as something else in double quotes."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text:
        style = "|"
    elif _resolved_tag(dumper, text) != _TEXT_TAG:
        style = '"'
    return dumper.represent_scalar(_TEXT_TAG, text, style=style)


def _resolved_tag(dumper: Any, text: str) -> object:
    """Return what the text would be read as without quotes."""
    return dumper.resolve(yaml.ScalarNode, text, (True, False))


_TEXT_TAG = "tag:yaml.org,2002:str"
_ObjectDumper.add_representer(str, _text)


def object_yaml(value: JSON) -> str:
    """Return an object as ``kubectl get -o yaml`` prints it."""
    return yaml.dump(value, Dumper=_ObjectDumper, sort_keys=True, allow_unicode=True, width=2**20)
