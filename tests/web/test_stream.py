"""Streams: everything on connect, then every durable entry once, whatever happens to the connection."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from lab.timeline.facts import CommandAnswered, LogChunk

Pages = Any  # the fixture's type lives in conftest, which tests cannot import

STEP = re.compile(r'<li id="step-(\d+)"')


@dataclass(frozen=True)
class Event:
    name: str
    id: int | None
    data: str

    @property
    def message(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.data)
        return message

    @property
    def frames(self) -> list[dict[str, Any]]:
        return list(self.message["frames"]) if self.name == "frames" else []

    @property
    def steps(self) -> list[int]:
        return [frame["seq"] for frame in self.frames if "step" in frame]

    def rows(self, name: str) -> list[dict[str, str]]:
        return [row for frame in self.frames for row in frame.get("rows", ()) if row["list"] == name]


def events(pages: Pages, path: str, **headers: str) -> Iterator[Event]:
    response = pages.client.get(path, headers=headers, buffered=False)
    assert response.mimetype == "text/event-stream"
    buffer = ""
    with closing(response):
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


def test_the_stream_of_an_ended_run_is_one_message_and_an_end(pages: Pages) -> None:
    run = finished_run(pages)
    everything, end = events(pages, f"/runs/{run.id}/stream")
    assert (everything.name, end.name) == ("frames", "end")
    assert everything.id == run.last_seq
    assert everything.steps == steps_of_page(pages, run.id)
    head = {key: everything.message[key] for key in ("run", "card", "reset", "live")}
    assert head == {"run": run.id, "card": run.example.replace("/", "--"), "reset": True, "live": False}


def test_one_frame_says_that_it_deletes_and_it_is_that_from_which_the_steps_count(pages: Pages) -> None:
    run = finished_run(pages)
    everything, _ = events(pages, f"/runs/{run.id}/stream")
    (deletes,) = [frame for frame in everything.frames if frame.get("deletes")]
    assert "since-delete" in deletes["step"]["html"]
    assert all(
        "since-delete" not in frame["step"]["html"]
        for frame in everything.frames
        if "step" in frame and frame["seq"] < deletes["seq"]
    )


def test_a_live_run_sends_all_there_is_and_then_what_follows(pages: Pages) -> None:
    run, script = pages.run()
    script.start()
    stream = events(pages, f"/runs/{run.id}/stream")
    first = next(stream)
    assert (first.message["reset"], first.message["live"]) == (True, True)
    script.stop()
    script.end()
    pages.runs.close(run.id)
    *rest, end = stream
    assert end.name == "end"
    assert [(e.message["reset"], e.message["live"]) for e in rest] == [(False, False)]
    assert rest[-1].id == pages.runs.get(run.id).last_seq
    assert first.steps + [seq for e in rest for seq in e.steps] == steps_of_page(pages, run.id)


def test_a_message_of_a_live_run_says_how_long_it_has_lasted(pages: Pages) -> None:
    run, script = pages.run()
    script.start()
    first = next(events(pages, f"/runs/{run.id}/stream"))
    assert first.message["now"] >= first.frames[-1]["t"] >= 0


def test_a_client_that_gives_its_last_event_id_gets_exactly_what_followed(pages: Pages) -> None:
    run = finished_run(pages)
    everything = steps_of_page(pages, run.id)
    for seen in range(run.first_seq, run.last_seq + 1):
        *rest, end = events(pages, f"/runs/{run.id}/stream", **{"Last-Event-ID": str(seen)})
        assert end.name == "end"
        assert not any(e.message["reset"] for e in rest)
        assert [seq for e in rest for seq in e.steps] == [seq for seq in everything if seq > seen]


def test_the_last_event_id_may_come_in_the_address(pages: Pages) -> None:
    run = finished_run(pages)
    *rest, _ = events(pages, f"/runs/{run.id}/stream?after={run.last_seq - 1}")
    assert [frame["seq"] for e in rest for frame in e.frames] == [run.last_seq]


def test_an_event_id_from_the_future_or_nonsense_gives_everything(pages: Pages) -> None:
    run = finished_run(pages)
    for given in ("999999", "9" * 5_000, "-1", "x"):
        first, _ = events(pages, f"/runs/{run.id}/stream", **{"Last-Event-ID": given})
        assert first.message["reset"]


def test_a_row_with_a_known_key_is_its_newer_state(pages: Pages) -> None:
    run = finished_run(pages)
    first, _ = events(pages, f"/runs/{run.id}/stream")
    running, ended = first.rows("hook-output")
    assert running["key"] == ended["key"]
    assert "exit 0" not in running["html"]
    assert "exit 0" in ended["html"]


def test_the_lines_of_a_log_stand_in_a_list_inside_its_row(pages: Pages) -> None:
    run, script = pages.run()
    script.start()
    script.node(LogChunk(attempt=0, offset=1, lines=(("2026-11-24T18:00:01.000000Z", "stdout", "second"),)))
    pages.runs.close(run.id)
    first, _ = events(pages, f"/runs/{run.id}/stream")
    (log,) = first.rows("logs")
    assert f'data-list="{log["key"]}"' in log["html"]
    chunks = [row["html"] for row in first.rows(log["key"])]
    assert "ready &lt;b&gt;now" in chunks[0]
    assert "second" in chunks[1]
    page = pages.client.get(f"/runs/{run.id}").text
    assert page.index(f'data-list="{log["key"]}"') < page.index("ready &lt;b&gt;now") < page.index("</time> second")


def test_what_a_container_writes_ends_no_line_of_an_event(pages: Pages) -> None:
    """A browser ends a line at a carriage return too."""
    run, script = pages.run()
    script.start()
    script.node(LogChunk(attempt=0, offset=1, lines=(("2026-11-24T18:00:01.000000Z", "stdout", "10 %\rid: 999\r\r20 %"),)))
    script.node(LogChunk(attempt=0, offset=2, lines=(("2026-11-24T18:00:01.000000Z", "stdout", "half \ud83d"),)))
    script.stop()
    script.end()
    pages.runs.close(run.id)
    text = pages.client.get(f"/runs/{run.id}/stream").text
    assert r"10 %\rid: 999\r\r20 %" in text
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
    assert first.message["reset"]
    assert first.steps[0] == 1


def test_the_stream_of_a_lesson_replaces_a_run_by_the_next_one(pages: Pages) -> None:
    old, _ = pages.run()
    stream = lesson_stream(pages)
    assert next(stream).steps == [1]
    assert next(stream).name == "ready"
    pages.runs.close(old.id)
    pages.run()
    rest = [next(stream) for _ in range(1)]
    assert rest[-1].message["reset"]
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
        assert sorted(got) == sorted(every - set(range(1, seen + 1)))


def test_a_run_is_followed_as_long_as_a_page_that_shows_it_has_its_stream(pages: Pages) -> None:
    run, _ = pages.run()
    lesson = pages.catalog.examples[0].lesson
    for path in (f"/runs/{run.id}/stream", f"/lessons/{lesson}/stream"):
        response = pages.client.get(path, buffered=False)
        chunks = iter(response.response)
        while not pages.runs.followed:
            next(chunks)
        assert (run.cluster, run.example) in pages.runs.followed
        response.close()
        assert pages.runs.followed == []
