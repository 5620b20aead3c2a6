"""kill -9: whatever was shown as durable is in the store afterwards."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.clock import VirtualClock
from lab.store.store import Store
from lab.timeline.facts import WorkerFailed
from lab.timeline.folds import fold
from lab.timeline.timeline import Timeline

APPEND_FOR_EVER = """
import sys
from lab.clock import SystemClock
from lab.store.store import Store
from lab.timeline.facts import WorkerFailed
from lab.timeline.timeline import Timeline

clock = SystemClock()
store = Store.open(sys.argv[1], clock)
timeline = Timeline("c", clock, store.journal, history=store.history("c"))

def show():
    seen = timeline.durable
    while True:
        for entry in timeline.wait(seen):
            seen = entry.seq
            print(seen, flush=True)

clock.spawn("reader", show)
while True:
    with timeline.changed:  # never far ahead of what is durable: the kill finds commits of every size
        timeline.changed.wait_for(lambda: timeline.appended - timeline.durable < 300)
        timeline.append(WorkerFailed(message=str(timeline.appended + 1)))
"""


@pytest.mark.parametrize("attempt", range(5))
def test_every_entry_that_was_shown_survives_a_kill_at_any_moment(attempt: int, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/lab.sqlite"
    shown = 0
    for _ in range(2):  # the second child goes on where the first one was killed
        child = subprocess.Popen([sys.executable, "-c", APPEND_FOR_EVER, url], stdout=subprocess.PIPE, text=True)
        with child:
            assert child.stdout is not None
            target = shown + random.randrange(1, 1_500)
            for line in child.stdout:
                assert int(line) > shown, "an entry was shown twice, or lost and numbered again"
                shown = int(line)
                if shown >= target:
                    child.kill()
            # the loop ends with the pipe: everything that was shown has been read
        assert child.returncode == -signal.SIGKILL
        with VirtualClock() as clock, Store.open(url, clock) as store:
            entries = store.entries("c", 1)
            assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
            assert [entry.fact for entry in entries] == [WorkerFailed(message=str(entry.seq)) for entry in entries]
            assert len(entries) >= shown
            reopened = Timeline("c", clock, store.journal, history=store.history("c"))
            assert reopened.view() == fold(entries)
            shown = len(entries)
