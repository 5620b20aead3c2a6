"""Event objects: which are new, which are counted up, which are combined."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.timeline.events import COMBINED_PREFIX, Occurrence, Recorder, record

START = datetime(2026, 1, 1, tzinfo=UTC)
POD = {"metadata": {"name": "p", "namespace": "n", "uid": "uid-p"}}


def recorded(occurrences: Iterable[tuple[float, Occurrence]]) -> list[dict[str, Any]]:
    """Return the object written for each occurrence, given with its seconds."""
    recorder, written = Recorder(), []
    for seconds, occurrence in occurrences:
        now = START + timedelta(seconds=seconds)
        recorder, event = record(recorder, POD, occurrence, now=now, elapsed_seconds=seconds)
        written.append(event)
    return written


def pulling(message: str = "Pulling image", **more: Any) -> Occurrence:
    return Occurrence(type="Normal", reason="Pulling", message=message, **more)


def test_a_first_event_tells_who_what_and_when() -> None:
    (event,) = recorded([(5, pulling(field_path="spec.containers{app}"))])
    assert event["involvedObject"] == {
        "kind": "Pod",
        "apiVersion": "v1",
        "namespace": "n",
        "name": "p",
        "uid": "uid-p",
        "fieldPath": "spec.containers{app}",
    }
    assert (event["count"], event["firstTimestamp"], event["lastTimestamp"]) == (
        1,
        "2026-01-01T00:00:05Z",
        "2026-01-01T00:00:05Z",
    )
    assert event["source"] == {"component": "kubelet", "host": "lab-node"}
    assert event["metadata"]["name"].startswith("p.")


def test_the_scheduler_has_no_host_and_a_pod_s_event_no_field_path() -> None:
    (event,) = recorded([(0, pulling(component="default-scheduler"))])
    assert event["source"] == {"component": "default-scheduler"}
    assert "fieldPath" not in event["involvedObject"]


def test_the_same_event_again_is_counted_and_keeps_its_name_and_beginning() -> None:
    first, second, third = recorded([(0, pulling()), (10, pulling()), (70, pulling())])
    assert [e["count"] for e in (first, second, third)] == [1, 2, 3]
    assert {e["metadata"]["name"] for e in (first, second, third)} == {first["metadata"]["name"]}
    assert (third["firstTimestamp"], third["lastTimestamp"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:01:10Z")


def test_whatever_differs_makes_another_event() -> None:
    different = [
        pulling(),
        pulling("Pulling another"),
        pulling(field_path="spec.containers{app}"),
        Occurrence(type="Warning", reason="Pulling", message="Pulling image"),
        Occurrence(type="Normal", reason="Pulled", message="Pulling image"),
        pulling(component="default-scheduler"),
    ]
    events = recorded((0, o) for o in different)
    assert [e["count"] for e in events] == [1] * 6
    assert len({e["metadata"]["name"] for e in events}) == len({e["metadata"]["uid"] for e in events}) == 6


def test_from_the_tenth_different_message_on_similar_events_share_one() -> None:
    events = recorded((n, pulling(f"message {n}")) for n in range(12))
    assert [e["message"] for e in events[:9]] == [f"message {n}" for n in range(9)]
    assert [e["message"] for e in events[9:]] == [f"{COMBINED_PREFIX}message {n}" for n in range(9, 12)]
    assert [e["count"] for e in events[9:]] == [1, 2, 3]


def test_similar_events_are_combined_only_within_ten_minutes() -> None:
    events = recorded((n * 70.0, pulling(f"message {n}")) for n in range(12))
    assert not [e for e in events if e["message"].startswith(COMBINED_PREFIX)]


def test_events_of_another_container_are_not_similar() -> None:
    events = recorded((n, pulling(f"message {n}", field_path=f"spec.containers{{c{n % 2}}}")) for n in range(18))
    assert not [e for e in events if e["message"].startswith(COMBINED_PREFIX)]


def test_repeating_one_message_never_combines() -> None:
    events = recorded((n, pulling()) for n in range(30))
    assert events[-1]["count"] == 30
    assert events[-1]["message"] == "Pulling image"


def test_a_recorder_is_a_value() -> None:
    empty = Recorder()
    record(empty, POD, pulling(), now=START, elapsed_seconds=0)
    assert empty == Recorder()
