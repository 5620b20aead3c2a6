"""The judgement of a rehearsal, from made-up figures; and a small class that is really played."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab.config import Settings
from lab.limits import Limits
from lab.rehearsal.figures import spread
from lab.rehearsal.host import Consumption, at_once, bounds
from lab.rehearsal.played import Seen, take
from lab.rehearsal.served import Usage

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: nginx}]}\n"
EMPTY = Usage(cpu_seconds=1.0, memory_bytes=80 << 20, threads=10, files=30)
USED = Consumption(
    learners=10,
    empty=EMPTY,
    full=replace(EMPTY, memory_bytes=100 << 20, threads=40, files=60),
    memory_free_before=10 << 30,
    memory_free_least=9 << 30,
    store_bytes_per_run=60_000,
)


def test_a_spread_says_what_most_stay_below() -> None:
    found = spread(number / 1000 for number in range(1, 101))
    assert found is not None
    assert (found.count, found.p50, found.p95, found.p99, found.most) == (100, 0.051, 0.096, 0.1, 0.1)
    assert spread(()) is None


def test_the_limit_that_bites_first_stands_first() -> None:
    settings = Settings(limits=Limits(all_pods=7, all_memory_bytes=1 << 40, all_cpus=1000.0, all_pids=1 << 20))
    first, second, *_ = bounds(settings, POD, USED)
    assert (first.name, first.learners, first.remedy) == ("the lab's pods", 7, "raise LAB_ALL_PODS")
    assert (second.name, second.learners) == ("memory", 100)
    assert at_once(settings, POD) == 7


def test_a_class_with_no_pod_that_may_run_is_known_beforehand() -> None:
    assert at_once(Settings(limits=Limits(all_memory_bytes=1 << 20)), POD) == 0


def test_each_fact_counts_when_its_whole_event_has_come() -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    seen = Seen()
    event = b'id: 4\nevent: frames\ndata: {"run": "ab12", "card": "c", "reset": true, "live": true, "frames": [{"seq":3,"t":0.1},'
    rest = take(seen, event, begun)
    assert (rest, seen.arrivals) == (event, {})
    later = begun + timedelta(seconds=1)
    assert take(seen, rest + b'{"seq":4,"t":0.2,"html":"\\"seq\\":9"}]}\n\n', later) == b""
    assert seen.arrivals == {("ab12", 3): later, ("ab12", 4): later}
    assert (seen.since, seen.running, seen.ended) == (later, {}, {})
    take(seen, b'data: {"run": "ab12", "card": "c", "reset": false, "live": false, "frames": []}\n\n', later)
    assert seen.ended == {"ab12": later}


@pytest.mark.parametrize("learners", ["0", "401", "many"])
def test_a_number_of_learners_that_cannot_come_is_misuse(learners: str) -> None:
    done = _rehearse("--learners", learners)
    assert done.returncode == 2
    assert "give a number from 1 to 400" in done.stderr


def test_an_example_that_is_not_there_is_misuse() -> None:
    done = _rehearse("--learners", "1", "--example", "no/such")
    assert done.returncode == 2
    assert "there is no such example" in done.stderr


@pytest.mark.engine
def test_a_small_class_is_played_and_leaves_nothing(tmp_path: Path) -> None:
    done = _rehearse("--learners", "2", "--json", TMPDIR=str(tmp_path))
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    assert found["go"] is (done.returncode == 0)
    assert found["page_running"]["count"] == 2
    assert found["own_facts"]["count"] > 40
    assert found["limits"] == sorted(found["limits"], key=lambda limit: limit["learners"])
    assert list(tmp_path.iterdir()) == []


def _rehearse(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lab.cli", "classroom", "rehearse", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=180, env=os.environ | environment)
