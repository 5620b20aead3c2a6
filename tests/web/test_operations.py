"""What machines ask, who of them gets an answer, and what the log says of requests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from lab.logs import formatter
from lab.metrics import Metrics, Sign
from lab.web import create_blueprint
from lab.web.services import Operations

Pages = Any  # the fixture's type lives in conftest, which tests cannot import
TOKEN = "a token for scrapes alone"
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


class Operated:
    """The pages' app, with a token for machines; a test says what is wrong."""

    def __init__(self, pages: Pages) -> None:
        self.metrics = Metrics()
        self.problems: dict[str, str | None] = {"store": None, "engine": None, "disk": None}
        operations = Operations(problems=lambda: self.problems, metrics=self.metrics, token=TOKEN)
        self.app = Flask("lab", static_folder=None)
        self.app.register_blueprint(create_blueprint(replace(pages.services, operations=operations)))
        self.client: FlaskClient = self.app.test_client()

    def value(self, name: str, **labels: str) -> float | None:
        """Return what the metrics say of one thing."""
        text = self.client.get("/metrics").text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return next((s.value for s in samples if s.name == name and s.labels == labels), None)


@pytest.fixture
def operated(pages: Pages) -> Operated:
    return Operated(pages)


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What the request log says, as text."""

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(formatter("text").format(record))

    said: list[str] = []
    logger, kept = logging.getLogger("lab.web.request_log"), Kept()
    logger.addHandler(kept)
    logger.setLevel(logging.INFO)
    yield said
    logger.removeHandler(kept)
    logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_machine_is_answered_without_becoming_a_visitor(operated: Operated, path: str) -> None:
    response = operated.client.get(path)
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert "Vary" not in response.headers  # it does not depend on a cookie either
    assert response.headers["Cache-Control"] == "no-store"


def test_whoever_asks_whether_the_lab_lives_learns_that_and_no_more(pages: Pages) -> None:
    pages.engine_problem = "cannot reach the engine"
    asked = pages.client.get(
        "/healthz", headers={"Host": "10.1.2.3:8080", "X-Forwarded-For": "192.0.2.7"}, environ_base=ELSEWHERE
    )
    assert (asked.status_code, asked.json) == (200, {"status": "ok"})
    assert pages.client.get("/readyz").status_code == 404


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
@pytest.mark.parametrize(
    ("headers", "environ"),
    [
        ({}, ELSEWHERE),
        ({"X-Forwarded-For": "127.0.0.1"}, {}),
        ({"X-Forwarded-For": "192.0.2.7"}, {}),
        ({"Forwarded": "for=192.0.2.7"}, {}),
        ({"X-Real-IP": "192.0.2.7"}, {}),
        ({"Host": "evil.example"}, {}),
        ({"Host": "lab.example.org:443"}, {}),
        ({"Authorization": "Bearer guess"}, {}),
        ({"Authorization": "Bearer guess"}, ELSEWHERE),
        ({"Authorization": "Bearer"}, ELSEWHERE),
        ({"Authorization": "Bearer ключ".encode().decode("latin-1")}, ELSEWHERE),
        ({"Authorization": f"Basic {TOKEN}"}, ELSEWHERE),
        ({"Cookie": f"token={TOKEN}"}, ELSEWHERE),
    ],
)
def test_what_a_lab_has_inside_is_not_there_for_others(
    operated: Operated, path: str, headers: dict[str, str], environ: dict[str, str]
) -> None:
    response = operated.client.get(path, headers=headers, environ_base=environ)
    assert response.status_code == 404
    assert response.text == "not found\n"
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080"])
def test_this_machine_may_ask_by_each_of_its_own_names(operated: Operated, path: str, host: str) -> None:
    assert operated.client.get(path, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
def test_the_token_lets_ask_from_elsewhere_and_by_any_name(operated: Operated, path: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "10.1.2.3:8080", "X-Forwarded-For": "192.0.2.7"}
    assert operated.client.get(path, headers=headers, environ_base=ELSEWHERE).status_code == 200


def test_without_a_token_none_is_right(pages: Pages) -> None:
    operations = Operations(problems=dict, metrics=Metrics())
    app = Flask("lab", static_folder=None)
    app.register_blueprint(create_blueprint(replace(pages.services, operations=operations)))
    for given in ("Bearer ", "Bearer None"):
        assert app.test_client().get("/metrics", headers={"Authorization": given}, environ_base=ELSEWHERE).status_code == 404


def test_a_lab_is_ready_when_nothing_is_wrong(operated: Operated) -> None:
    assert operated.client.get("/readyz").json == {"status": "ready", "store": "ok", "engine": "ok", "disk": "ok"}
    operated.problems["disk"] = "cannot start new runs: 3 MB are free"
    asked = operated.client.get("/readyz")
    assert asked.status_code == 503
    assert asked.json == {"status": "not ready", "store": "ok", "engine": "ok", "disk": "cannot start new runs: 3 MB are free"}


def test_requests_are_counted_by_endpoint_and_never_by_what_was_asked_for(operated: Operated) -> None:
    operated.client.get("/examples.json?code=secret")
    operated.client.get("/no/such/page")
    operated.client.open("/", method="INVENTED")
    assert operated.value("lab_request_seconds_count", endpoint="examples", method="GET", status="200") == 1
    assert operated.value("lab_request_seconds_count", endpoint="none", method="GET", status="404") == 1
    text = operated.client.get("/metrics").text
    assert 'method="other"' in text
    assert not {"secret", "such", "INVENTED"} & set(text.replace('"', " ").replace("/", " ").split())


def test_a_stream_is_counted_while_it_is_open_and_logged_when_it_has_ended(operated: Operated, lines: list[str]) -> None:
    operated.client.get("/")
    with operated.client.session_transaction() as session:
        cluster = str(session["cluster"])
    stream = operated.client.get("/lessons/what-hooks-are/stream", buffered=False)
    assert operated.value("lab_streams_open") == 1
    assert not [line for line in lines if "lesson_stream" in line]
    stream.close()
    assert operated.value("lab_streams_open") == 0
    (line,) = [line for line in lines if "lesson_stream" in line]
    assert line.startswith("INFO lab.web.request_log: request endpoint=lesson_stream method=GET status=200 milliseconds=")
    assert line.endswith(f" cluster={cluster}")


def test_the_log_has_one_line_for_a_request_and_none_for_files_and_machines(operated: Operated, lines: list[str]) -> None:
    operated.client.get("/examples.json?token=secret")
    for path in ("/static/app.js", "/healthz", "/readyz", "/metrics"):
        operated.client.get(path).close()
    (line,) = lines
    assert "endpoint=examples method=GET status=200" in line
    assert "secret" not in line


def test_signs_are_asked_for_at_each_scrape(operated: Operated) -> None:
    runs = iter((3.0, 4.0))
    operated.metrics.watch(lambda: [Sign(name="lab_live_runs", help="Runs that go on", value=next(runs))])
    assert [operated.value("lab_live_runs"), operated.value("lab_live_runs")] == [3.0, 4.0]


def test_warnings_and_errors_of_the_log_are_counted() -> None:
    metrics = Metrics()
    logger = logging.Logger("of this test")
    logger.addHandler(metrics.log_handler())
    logger.info("all is well")
    logger.warning("cannot keep it warm")
    logger.error("cannot do it")
    assert b'lab_problems_total{level="warning"} 1.0' in metrics.text()
    assert b'lab_problems_total{level="error"} 1.0' in metrics.text()
