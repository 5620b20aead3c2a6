"""Objects as YAML: read back they are the same, and they look as kubectl prints them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.pods.yaml_text import yaml_text

RUNS = sorted((Path(__file__).parents[1] / "insight/runs").glob("*.json"))


def test_keys_are_sorted_lists_are_not_indented_and_scripts_stand_as_they_are() -> None:
    value = {
        "kind": "Pod",
        "spec": {"containers": [{"name": "app", "command": ["sh", "-c", "echo a\nsleep 3\n"], "env": [], "resources": {}}]},
        "metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z", "annotations": {"n": "1"}},
        "status": {"ready": True, "count": 0, "nothing": None},
    }
    assert yaml_text(value) == (
        "kind: Pod\n"
        "metadata:\n"
        "  annotations:\n"
        "    n: '1'\n"
        "  creationTimestamp: '2026-01-01T00:00:00Z'\n"
        "  name: p\n"
        "spec:\n"
        "  containers:\n"
        "  - command:\n"
        "    - sh\n"
        "    - -c\n"
        "    - |\n"
        "      echo a\n"
        "      sleep 3\n"
        "    env: []\n"
        "    name: app\n"
        "    resources: {}\n"
        "status:\n"
        "  count: 0\n"
        "  nothing: null\n"
        "  ready: true\n"
    )


PLAIN = ["", " ", "yes", "null", "~", "1", "1.5", "0x1f", "2026-01-01", "文", "x" * 300, ("word " * 100).strip()]
MARKED = ["- a", "a: b", "#", "'", '"', "@x", "%", "{}", "[a]", "&x", "*x", "!x", "|", ">", "a #b", "\u0085", "\x1b[0m", "\ta"]
LINES = ["a\nb", "a\n", "\n", "a\n\n", " a\nb", "a \nb", "a\tb\nc", "a\r\nb", "文\n字", "a\n\nb\n", "\n a", "a\n#b"]


@pytest.mark.parametrize("text", [*PLAIN, *MARKED, *LINES])
def test_every_text_comes_back_as_it_was(text: str) -> None:
    value = {"a": text, text or "empty": [text, [text], {"b": text}]}
    assert yaml.safe_load(yaml_text(value)) == value


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_every_object_of_a_recorded_run_comes_back_as_it_was(path: Path) -> None:
    objects: list[Any] = [e["object"] for e in json.loads(path.read_text())["entries"] if e["fact"] == "ObjectWritten"]
    assert len(objects) > 10
    for value in objects:
        assert yaml.safe_load(yaml_text(value)) == value


def test_an_empty_object_is_braces() -> None:
    assert yaml_text({}) == "{}\n"
