"""Streams: a snapshot on connect, then every durable entry once, whatever happens to the connection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.timeline.facts import CommandAnswered, LogChunk
from lab.web.feed import KEPT_UPDATES

Pages = Any  # the fixture's type lives in conftest, which tests cannot import

STEP = re.compile(r'<li id="step-(\d+)"')


@dataclass(frozen=True)
class Event:
    name: str
    id: int | None
    data: str

    @property
    def steps(self) -> list[int]:
        return [int(seq) for seq in STEP.findall(self.data)]


def events(pages: Pages, path: str, **headers: str) -> Iterator[Event]:
    response = pages.client.get(path, headers=headers, buffered=False)
    assert response.mimetype == "text/event-stream"
    buffer = ""
    for chunk in response.response:
        buffer += chunk.decode() if isinstance(chunk, bytes) else chunk
        while "\n\n" in buffer:
            block, buffer = buffer.split("\n\n", 1)
            fields = [line.partition(": ")[::2] for line in block.split("\n")]
            given = dict(fields)
            if "event" in given:
                data = "\n".join(value for name, value in fields if name == "data")
                yield Event(given["event"], int(given["id"]) if "id" in given else None, data)


def steps_of_page(pages: Pages, run_id: str) -> list[int]:
    return [int(seq) for seq in STEP.findall(pages.client.get(f"/runs/{run_id}").text)]


def finished_run(pages: Pages) -> Any:
    run, script = pages.run()
    script.start()
    script.stop()
    script.end()
    pages.runs.close(run.id)
    return pages.runs.get(run.id)


def test_the_stream_of_an_ended_run_is_a_snapshot_and_an_end(pages: Pages) -> None:
    run = finished_run(pages)
    snapshot, end = events(pages, f"/runs/{run.id}/stream")
    assert (snapshot.name, end.name) == ("snapshot", "end")
    assert snapshot.id == run.last_seq
    assert snapshot.steps == steps_of_page(pages, run.id)


def test_a_live_run_sends_a_snapshot_and_then_each_entry_with_its_seq(pages: Pages) -> None:
    run, script = pages.run()
    script.start()
    stream = events(pages, f"/runs/{run.id}/stream")
    snapshot = next(stream)
    script.stop()
    script.end()
    pages.runs.close(run.id)
    *entries, end = stream
    assert end.name == "end"
    assert [e.id for e in entries] == list(range((snapshot.id or 0) + 1, pages.runs.get(run.id).last_seq + 1))
    assert snapshot.steps + [seq for e in entries for seq in e.steps] == steps_of_page(pages, run.id)


def test_a_client_that_gives_its_last_event_id_gets_exactly_what_followed(pages: Pages) -> None:
    run = finished_run(pages)
    everything = steps_of_page(pages, run.id)
    for seen in range(run.first_seq, run.last_seq + 1):
        *entries, _ = events(pages, f"/runs/{run.id}/stream", **{"Last-Event-ID": str(seen)})
        assert [seq for e in entries for seq in e.steps] == [seq for seq in everything if seq > seen]


def test_the_last_event_id_may_come_in_the_address(pages: Pages) -> None:
    run = finished_run(pages)
    *entries, _ = events(pages, f"/runs/{run.id}/stream?after={run.last_seq - 1}")
    assert [e.id for e in entries] == [run.last_seq]


def test_an_event_id_from_the_future_or_nonsense_gives_a_snapshot(pages: Pages) -> None:
    run = finished_run(pages)
    for given in ("999999", "-1", "x"):
        first, _ = events(pages, f"/runs/{run.id}/stream", **{"Last-Event-ID": given})
        assert first.name == "snapshot"


def test_parts_arrive_with_the_last_entry_of_a_batch_and_are_current(pages: Pages) -> None:
    run, script = pages.run()
    script.start()
    stream = events(pages, f"/runs/{run.id}/stream")
    next(stream)
    script.stop()
    script.end()
    pages.runs.close(run.id)
    carrying = [e for e in stream if 'id="files-' in e.data]
    assert len(carrying) == 1
    assert "Hello from the preStop Handler" in carrying[0].data


def test_the_lines_of_a_log_are_appended_once_its_first_line_is_there(pages: Pages) -> None:
    run, script = pages.run()
    script.start()
    stream = events(pages, f"/runs/{run.id}/stream")
    assert "ready &lt;b&gt;now" in next(stream).data
    script.node(LogChunk(attempt=0, offset=1, lines=(("2026-11-24T18:00:01.000000Z", "stdout", "second"),)))
    appended = next(stream)
    assert "second" in appended.data
    assert "ready" not in appended.data
    assert 'hx-swap-oob="append:#log-' in appended.data


def test_what_a_container_writes_ends_no_line_of_an_event(pages: Pages) -> None:
    """A browser ends a line at a carriage return too."""
    run, script = pages.run()
    script.start()
    script.node(LogChunk(attempt=0, offset=1, lines=(("2026-11-24T18:00:01.000000Z", "stdout", "10 %\rid: 999\r\r20 %"),)))
    script.stop()
    script.end()
    pages.runs.close(run.id)
    text = pages.client.get(f"/runs/{run.id}/stream").text
    assert "10 %&#13;id: 999&#13;&#13;20 %" in text
    assert "\r" not in text


def lesson_stream(pages: Pages, **headers: str) -> Iterator[Event]:
    return events(pages, f"/lessons/{pages.example.partition('/')[0]}/stream", **headers)


def test_the_stream_of_a_lesson_picks_up_a_run_that_begins_later(pages: Pages) -> None:
    pages.cluster()
    stream = lesson_stream(pages)
    assert next(stream).name == "ready"
    _, script = pages.run()
    script.start()
    first = next(stream)
    assert first.name == "snapshot"
    assert first.steps[0] == 1


def test_the_stream_of_a_lesson_replaces_a_run_by_the_next_one(pages: Pages) -> None:
    old, _ = pages.run()
    stream = lesson_stream(pages)
    assert next(stream).steps == [1]
    assert next(stream).name == "ready"
    pages.runs.close(old.id)
    pages.run()
    rest = [next(stream) for _ in range(1)]
    assert rest[-1].name == "snapshot"
    assert rest[-1].steps == [3]


def test_a_lesson_with_two_live_runs_resumes_without_losing_a_step_of_either(pages: Pages) -> None:
    lesson = next(x for x in pages.catalog.lessons if len(x.examples) > 1)
    cluster, timeline = pages.cluster(), None
    runs = [pages.runs.open(cluster, example.id, "x") for example in lesson.examples[:2]]
    timeline = pages.runs.timeline(cluster)
    for number in range(6):
        command = CommandAnswered(
            argv=("kubectl", str(number)), rc=0, stdout="", stderr="", took_seconds=0, run_id=runs[number % 2].id
        )
        timeline.append(command)
    every = set(range(1, 9))
    for seen in range(2, 8):
        stream = events(pages, f"/lessons/{lesson.slug}/stream", **{"Last-Event-ID": str(seen)})
        got: list[int] = []
        for event in stream:
            if event.name == "ready":
                break
            got += event.steps
        assert got == sorted(every - set(range(1, seen + 1)))


def test_a_follower_too_far_behind_gets_a_snapshot_instead_of_a_gap(pages: Pages) -> None:
    run, _ = pages.run()
    timeline = pages.runs.timeline(run.cluster)
    for number in range(KEPT_UPDATES + 5):
        timeline.append(CommandAnswered(argv=("kubectl", str(number)), rc=0, stdout="", stderr="", took_seconds=0, run_id=run.id))
    pages.runs.close(run.id)
    first, end = events(pages, f"/runs/{run.id}/stream", **{"Last-Event-ID": "1"})
    assert (first.name, end.name) == ("snapshot", "end")
    assert first.steps == steps_of_page(pages, run.id)
    last_dropped = run.first_seq + 6  # of the run's entries, all but the last KEPT_UPDATES
    *entries, _ = events(pages, f"/runs/{run.id}/stream", **{"Last-Event-ID": str(last_dropped)})
    assert [e.name for e in entries] == ["entry"] * KEPT_UPDATES
