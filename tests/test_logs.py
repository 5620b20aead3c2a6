"""The log: what ends a thread is one record like any other."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator

import pytest

from lab.clock import SystemClock
from lab.logs import set_up_logs


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root, hook = logging.getLogger(), threading.excepthook
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], threading.excepthook = handlers, hook
    root.setLevel(level)


def test_a_thread_that_fails_is_logged_in_the_lines_format(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    set_up_logs("json")
    with pytest.raises(OSError, match="No space left"):
        SystemClock().spawn("files of demo", fail).join()
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert (record["level"], record["message"]) == ("error", "files of demo has failed")
    assert record["traceback"].endswith("OSError: [Errno 28] No space left on device")
