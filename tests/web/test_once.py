"""An action that a page sends twice under one key, because its browser gave up the first time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Blueprint, Flask, abort
from flask.testing import FlaskClient

from lab.clock import SystemClock
from lab.web.identity import Identities
from lab.web.once import HEADER, LONGEST_KEY, Once

PATIENCE_SECONDS = 30.0


class Counter:
    """An app whose one action counts how often it is done, and waits at a gate."""

    def __init__(self) -> None:
        self.done = 0
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.app = Flask(__name__)
        self.app.secret_key = "a key"
        blueprint = Blueprint("lab", __name__)
        blueprint.add_url_rule("/count", "count", self._count, methods=["GET", "POST"])
        blueprint.add_url_rule("/fail", "fail", self._fail, methods=["POST"])
        Once(SystemClock(), Identities(None, ())).install(blueprint)
        self.app.register_blueprint(blueprint)

    def _count(self) -> tuple[str, int, dict[str, str]]:
        self.done += 1
        self.entered.set()
        assert self.gate.wait(PATIENCE_SECONDS)
        return f"done {self.done}", 202, {"HX-Trigger": "counted"}

    def _fail(self) -> str:
        self.done += 1
        abort(409)


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def client(counter: Counter) -> FlaskClient:
    client = counter.app.test_client()
    client.post("/count", headers={HEADER: "the first visit"})  # now it has a cluster
    counter.done = 0
    return client


def test_the_same_key_gets_the_first_answer_whole_and_nothing_is_done_again(client: FlaskClient, counter: Counter) -> None:
    first, second = (client.post("/count", headers={HEADER: "one"}) for _ in range(2))
    assert counter.done == 1
    assert (second.data, second.status_code, second.headers["HX-Trigger"]) == (first.data, 202, "counted")


def test_other_keys_no_keys_and_keys_without_end_are_new_actions(client: FlaskClient, counter: Counter) -> None:
    for key in ("one", "two", "", "", "x" * (LONGEST_KEY + 1), "x" * (LONGEST_KEY + 1)):
        client.post("/count", headers={HEADER: key})
    assert counter.done == 6
    client.get("/count", headers={HEADER: "one"})
    assert counter.done == 7


def test_a_refusal_is_an_answer_too(client: FlaskClient, counter: Counter) -> None:
    assert [client.post("/fail", headers={HEADER: "one"}).status_code for _ in range(2)] == [409, 409]
    assert counter.done == 1


def test_who_asks_while_the_first_is_at_work_waits_for_its_answer(client: FlaskClient, counter: Counter) -> None:
    cookie = client.get_cookie("session")
    assert cookie is not None
    same = counter.app.test_client()
    same.set_cookie("session", cookie.value)
    counter.entered.clear()
    counter.gate.clear()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(client.post, "/count", headers={HEADER: "one"})
        assert counter.entered.wait(PATIENCE_SECONDS)
        second = pool.submit(same.post, "/count", headers={HEADER: "one"})
        counter.gate.set()
        assert first.result().data == second.result().data == b"done 1"


def test_anothers_key_is_not_mine(client: FlaskClient, counter: Counter) -> None:
    client.post("/count", headers={HEADER: "one"})
    counter.app.test_client().post("/count", headers={HEADER: "one"})
    assert counter.done == 2
