"""A class as whoever operates the lab sees it: its log, its metrics, a backup of it made while it goes on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.faults.pods import EXAMPLE, pod, running
from tests.faults.room import CODE, PASSWORD, Room
from tests.served_lab import PATIENCE_SECONDS, ServedLab, Visitor, facts_of, left_on_the_engine

pytestmark = pytest.mark.engine

TOKEN = "a-token-for-scrapes-alone"
MARK = "manifest-that-nobody-else-reads"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, lab_images: object) -> Iterator[Room]:
    """A class whose learner's pod runs."""
    data = tmp_path_factory.mktemp("operated") / "data"
    room = Room(data, learners=1, LAB_LOG_FORMAT="json", LAB_METRICS_TOKEN=TOKEN)
    room.seats[0].run(pod() + f"# {MARK}\n")
    room.seats[0].shown = room.seats[0].visitor.watch(room.seats[0].run_id, running)
    yield room
    room.lab.close()


def lab(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the lab on a data directory."""
    command = [str(Path(sys.executable).with_name("lab")), *arguments]
    environment = {**os.environ, "LAB_DATA": str(data)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def metrics(lab: ServedLab) -> dict[str, float]:
    text = Visitor(lab).get("/metrics")
    return {s.name: s.value for family in text_string_to_metric_families(text) for s in family.samples if not s.labels}


def test_the_metrics_show_what_the_class_does(room: Room) -> None:
    shown = metrics(room.lab)
    assert shown["lab_live_runs"] == 1
    assert shown["lab_held_pods"] == 1
    assert shown["lab_queued_runs"] == 0
    assert shown["lab_engine_up"] == shown["lab_store_up"] == 1
    assert shown["lab_fact_durable_seconds_count"] >= max(room.seats[0].shown.rows)
    assert shown["lab_store_bytes"] > 0
    assert shown["lab_disk_free_bytes"] > 0
    with room.seats[0].visitor.following(f"/runs/{room.seats[0].run_id}/stream") as events:
        next(events)
        assert metrics(room.lab)["lab_streams_open"] >= 1  # one that was left is noticed at its next heartbeat
    assert json.loads(Visitor(room.lab).get("/readyz"))["status"] == "ready"


def test_a_class_goes_on_elsewhere_from_a_backup_made_while_a_pod_ran(room: Room, tmp_path: Path, docker_client: Any) -> None:
    seat, file, elsewhere = room.seats[0], tmp_path / "class.tar", tmp_path / "elsewhere"
    made = lab(room.lab.data, "backup", str(file))
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith(f"{file}: ")
    restored = lab(elsewhere, "restore", str(file))
    assert (restored.returncode, restored.stderr) == (0, "")
    refused = lab(room.lab.data, "restore", str(file))
    assert refused.returncode == 2
    assert "uses it; stop that one" in refused.stderr

    other = ServedLab(elsewhere, LAB_CLASSROOM="yes", LAB_POD_CIDR="10.243.0.0/16")
    try:
        assert other.instance != room.lab.instance
        assert left_on_the_engine(docker_client, room.lab.instance) != []  # the pod of the class still runs
        learner, teacher = seat.visitor.at(other), room.instructor.at(other)
        rows = learner.rows(seat.run_id)
        assert facts_of(rows)[-1] == "RunAborted"
        assert {seq: rows.get(seq) for seq in seat.shown.rows} == seat.shown.rows
        assert teacher.rows(seat.run_id).keys() == rows.keys()
        assert seat.name in learner.get(f"/lessons/{EXAMPLE.partition('/')[0]}")
    finally:
        assert other.stop() == 0


def test_the_log_tells_what_happened_and_nothing_that_lets_somebody_in(room: Room) -> None:
    """The last one: it stops the lab, so that everything has its line."""
    seat = room.seats[0]
    intruder = Visitor(room.lab)
    intruder.get("/sign-in")
    for path, form in (
        ("/sign-in", {"name": "teacher", "password": "a-wrong-password"}),
        ("/join", {"code": "WRONGCODE", "nickname": "nobody-yet"}),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            intruder.send(path, **form)
        refused.value.close()
    seat.visitor.get(f"/join?code={CODE}&next=/open")
    seat.visitor.delete(seat.run_id, mode="force")
    seat.visitor.watch(seat.run_id, lambda stream: "RunClosed" in stream.facts())
    token = seat.visitor.token
    assert room.lab.stop() == 0

    text = "".join(room.lab.said)
    lines = [json.loads(line) for line in text.splitlines()]
    events = [line for line in lines if "event" in line]
    (opened,) = [line for line in events if line["event"] == "run opened"]
    (ended,) = [line for line in events if line["event"] == "run ended"]
    assert opened["run"] == ended["run"] == seat.run_id
    assert (opened["example"], ended["why"]) == (EXAMPLE, "Its pods are gone.")
    signed = [(line["kind"], line["ok"]) for line in events if line["event"] == "sign-in"]
    assert signed == [("instructor", True), ("learner", True), ("instructor", False), ("learner", False)]
    requests = [line for line in events if line["event"] == "request"]
    ran = next(line for line in requests if line["endpoint"] == "run_example")
    assert ran["cluster"] == opened["cluster"]
    assert (ran["method"], ran["status"]) == ("POST", 303)
    assert {"run_stream", "join", "take_seat", "prove_password", "lesson"} <= {line["endpoint"] for line in requests}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"]) for line in lines)

    cookies = [part.partition("=")[2] for visitor in (seat.visitor, room.instructor) for part in visitor.cookies.split("; ")]
    secrets = {
        "the join code": CODE,
        "a guessed code": "WRONGCODE",
        "the password": PASSWORD,
        "a guessed password": "a-wrong-password",
        "a nickname": seat.name,
        "a guessed nickname": "nobody-yet",
        "a form's token": token,
        "the scrapers' token": TOKEN,
        "a manifest": MARK,
        "a manifest's command": "trap 'exit 0' TERM",
        "a query": "next=",
        "the key of cookies": (room.lab.data / "secret-key").read_text().strip(),
        **{f"cookie {number}": cookie for number, cookie in enumerate(cookies) if len(cookie) > 3},
    }
    assert all(secrets.values())
    assert len(secrets) > 12  # there were cookies
    assert [name for name, secret in secrets.items() if secret in text or secret in json.dumps(lines, ensure_ascii=False)] == []
