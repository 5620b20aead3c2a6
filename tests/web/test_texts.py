"""Texts that travel as what changed: whoever puts the hunks together has the text, and little travels when little changed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.timeline.facts import Entry, ObjectWritten, RunOpened, Verb
from lab.web.story import Story
from lab.web.texts import TEXTS, Answers, patch, patched
from lab.web.wording import WORDINGS

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("", "abc"),
        ("abc", ""),
        ("abc", "abc"),
        ("abc", "axc"),
        ("abc", "abcd"),
        ("abc", "zabc"),
        ("aaa", "aa"),
        ("abab", "baba"),
    ],
)
def test_a_patched_text_is_the_later_one(before: str, after: str) -> None:
    assert patched(list(before), patch(list(before), list(after))) == tuple(after)


def test_any_text_can_follow_any_other() -> None:
    chance = random.Random(1)
    for _ in range(500):
        before, after = ([chance.choice("abcd") for _ in range(chance.randrange(12))] for _ in range(2))
        assert patched(before, patch(before, after)) == tuple(after)


def test_two_changes_far_apart_do_not_take_what_lies_between_along() -> None:
    before = [f"line {n}" for n in range(100)]
    after = ["first", *before[1:60], "new", *before[60:99], "last"]
    assert patch(before, after) == ((0, 1, ("first",)), (59, 0, ("new",)), (39, 1, ("last",)))


def test_an_unchanged_text_is_no_hunk() -> None:
    assert patch(["a", "b"], ["a", "b"]) == ()


def written(seq: int, pod: str, verb: Verb, phase: str, *, seconds: float) -> Entry:
    value: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod, "namespace": "default", "uid": pod, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"containers": [{"name": "app", "image": "busybox"}]},
        "status": {"phase": phase, "startTime": "2026-01-01T00:00:00Z"},
    }
    fact = ObjectWritten(
        verb=verb, kind="Pod", namespace="default", name=pod, uid=pod, object=value, writer="kubelet", run_id="run"
    )
    at = START + timedelta(seconds=seconds)
    return Entry(seq=seq, at=at, elapsed_seconds=seconds, pod_uid=pod, container=None, fact=fact)


def test_a_text_of_many_pods_is_what_it_would_be_if_all_were_made_anew() -> None:
    opened = RunOpened(run_id="run", example="an/example", manifest="")
    story, kept = Story(), Answers(WORDINGS["en"])
    story.add(Entry(seq=1, at=START, elapsed_seconds=0.0, pod_uid=None, container=None, fact=opened))
    writes = [
        written(2, "a", "create", "Pending", seconds=0.1),
        written(3, "b", "create", "Pending", seconds=0.2),
        written(4, "a", "status", "Running", seconds=0.3),
        written(5, "b", "status", "Running", seconds=1.7),
        written(6, "a", "status", "Failed", seconds=90.0),
        written(7, "a", "remove", "Failed", seconds=90.1),
        written(8, "b", "status", "Failed", seconds=95.0),
    ]
    for write in writes:
        story.add(write)
        for name in TEXTS:
            assert kept.lines(name, story, write) == Answers(WORDINGS["en"]).lines(name, story, write)
