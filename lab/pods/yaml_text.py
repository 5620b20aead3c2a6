"""An API object as the YAML that ``kubectl get -o yaml`` prints: keys in order, lists not indented, no flow style.

Source: sigs.k8s.io/yaml, Marshal, as kubectl v1.36 uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NEVER_FOLD = 1 << 20  # columns


class _Dumper(_Base):  # type: ignore[misc]  # libyaml's when it is there
    def ignore_aliases(self, data: Any) -> bool:
        """Write an object that stands twice twice."""
        return True


def _text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text and not any(line.endswith(" ") for line in text.split("\n")) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def yaml_text(value: Mapping[str, Any]) -> str:
    """Return the object as YAML text with a final newline."""
    return str(yaml.dump(dict(value), Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=_NEVER_FOLD))
