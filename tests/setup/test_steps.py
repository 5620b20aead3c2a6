from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.setup import environment
from lab.setup.front_end import OLDEST_NODE_MAJOR, machine_node
from lab.setup.steps import hash_of, is_stamped, run, stamp


def test_a_product_is_up_to_date_until_what_it_was_made_from_changes_or_it_is_removed(tmp_path: Path) -> None:
    source, product = tmp_path / "source", tmp_path / "product"
    source.write_text("one")
    product.mkdir()
    assert not is_stamped(product, hash_of([source]))
    stamp(product, hash_of([source]))
    assert is_stamped(product, hash_of([source]))
    source.write_text("two")
    assert not is_stamped(product, hash_of([source]))
    stamp(product, hash_of([source]))
    (product / ".setup-stamp").unlink()
    product.rmdir()
    assert not is_stamped(product, hash_of([source]))


def test_a_program_that_fails_is_told_with_its_last_words() -> None:
    script = "import sys; print('first'); print('disk full', file=sys.stderr); sys.exit(4)"
    with pytest.raises(LabError, match=r"cannot count the beans; .* ended with 4:\n    first\n    disk full$"):
        run([sys.executable, "-c", script], "count the beans")


def test_a_program_that_is_not_there_is_told_by_name() -> None:
    with pytest.raises(LabError, match=r"cannot count the beans: /no/such/program: No such file or directory"):
        run(["/no/such/program"], "count the beans")


def node_that_says(directory: Path, version: str, monkeypatch: pytest.MonkeyPatch, *, npm: bool = True) -> None:
    for name, said in (("node", version), ("npm", "10.0.0")):
        if name == "node" or npm:
            (directory / name).write_text(f"#!/bin/sh\necho {said}\n")
            (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(directory))


def test_the_machines_node_is_used_when_it_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node_that_says(tmp_path, f"v{OLDEST_NODE_MAJOR}.0.0", monkeypatch)
    node = machine_node()
    assert node is not None
    assert (node.program, node.npm) == (tmp_path / "node", (str(tmp_path / "npm"),))


@pytest.mark.parametrize(("version", "npm"), [("v16.20.2", True), ("v22.1.0", False), ("", True)])
def test_a_node_that_is_old_broken_or_without_npm_is_not_used(
    version: str, npm: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node_that_says(tmp_path, version, monkeypatch, npm=npm)
    assert machine_node() is None


def test_the_environment_is_known_by_where_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not environment.is_active(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert environment.is_active(tmp_path)
