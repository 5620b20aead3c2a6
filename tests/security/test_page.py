"""docs/security.md against the suites: no test is claimed that there is not, and none of this folder is left out."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")


def names_in(directory: Path) -> set[str]:
    return {
        name
        for path in directory.rglob("test_*.py")
        if path != Path(__file__)
        for name in re.findall(r"^ *def (test_\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }


def test_every_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 60
    assert named - names_in(TESTS) == set()


def test_every_attack_of_this_folder_stands_on_the_page() -> None:
    assert names_in(TESTS / "security") - set(re.findall(r"`(test_\w+)`", PAGE)) == set()
