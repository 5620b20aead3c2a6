"""The course that the lab comes with: nothing in it is stale. `tests/lessons/test_examples_run.py` plays all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.authoring.desk_check import check_desk
from lab.authoring.recordings import outdated
from lab.authoring.rehearsal import Rehearsal, open_rehearsal
from lab.clock import SystemClock
from lab.config import read_settings
from lab.lessons import Catalog

CONTENT = Path(__file__).parents[2] / "content"
SAMPLE = ("what-hooks-are/both-hooks", "post-start-failures/failing-post-start", "graceful-deletion/budget")


def test_nothing_in_the_course_differs_from_its_recordings_or_translations() -> None:
    catalog = Catalog.load(CONTENT)
    assert [str(finding) for finding in check_desk(catalog, catalog.lessons, recordings=True)] == []


@pytest.fixture(scope="module")
def rehearsal(lab_images: object, worker_id: str) -> Iterator[Rehearsal]:
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 15
    with open_rehearsal(read_settings({"LAB_POD_CIDR": f"10.246.{number * 16}.0/20"}), SystemClock()) as rehearsal:
        yield rehearsal


@pytest.mark.engine
@pytest.mark.parametrize("example_id", SAMPLE)
def test_an_example_still_goes_as_it_was_recorded(rehearsal: Rehearsal, example_id: str) -> None:
    example = Catalog.load(CONTENT).example(example_id)
    assert example is not None
    assert list(outdated(CONTENT, example, rehearsal.play(example))) == []
