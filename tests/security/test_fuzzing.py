"""The HTTP API given anything: whatever is asked for, the answer is no failure and carries the headers that protect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.lessons import Catalog
from tests.web.conftest import EXAMPLE_MANIFEST, Pages, catalog
from tests.web.room import Browser, Room

__all__ = ["catalog"]

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: busybox}]}\n"
FIELDS = [
    *(
        "manifest",
        "mode",
        "seconds",
        "pod",
        "fresh",
        "run_page",
        "hold",
        "held",
        "to_the_end",
        "in",
        "command",
        "count",
        "interval",
    ),
    *(
        "source",
        "sure",
        "id",
        "answer",
        "finished",
        "code",
        "nickname",
        "name",
        "password",
        "next",
        "example",
        "path",
        "value",
        "target",
    ),
    *(
        "order",
        "predict",
        "a",
        "b",
        "align",
        "q",
        "lang",
        "field",
        "text",
        "paused",
        "page",
        "card",
        "run",
        "seq",
        "show",
        "visit",
        "again",
    ),
]
HOSTILE = [
    *("", "0", "-1", "9" * 5000, "٣", "1e400", "nan", "true", "null", "\x00", "\r\nSet-Cookie: a=b", "../../../etc/passwd"),
    *(
        "%2e%2e%2f",
        "<script>alert(1)</script>",
        "{{7*7}}",
        "${7*7}",
        "' OR 1=1 --",
        "\ud7ff\uffff",
        "a" * 10_000,
        "//evil.example",
    ),
    *(
        "force",
        "grace-period",
        "graceful",
        "yes",
        "no",
        "en",
        "zh",
        "run",
        "delete",
        "..",
        ".",
        "/",
        "\\",
        "file-",
        "recorded-",
        POD,
    ),
]
words = st.sampled_from(HOSTILE) | st.text(max_size=12)


class Ground:
    """A classroom with visitors of every kind, and a lab for one."""

    def __init__(self, pages: Pages) -> None:
        self.room = Room(pages)
        mei, learner = self.room.join("Mei")
        run = self.room.run(mei, learner, pages.example, EXAMPLE_MANIFEST)
        self.visitors = {"stranger": Browser(self.room.app), "learner": mei, "instructor": self.room.instructor}
        self.visitors["solo"] = Browser(pages.app)
        self.tokens = {who: self._token(browser, who) for who, browser in self.visitors.items()}
        self.known = [
            pages.example,
            pages.example.partition("/")[0],
            run.id,
            learner.id,
            self.room.classroom.id,
            "app.js",
            "progress",
        ]
        self.cookies = {who: browser.client.get_cookie("lab") for who, browser in self.visitors.items()}
        self.bundle = mei.get(f"/runs/{run.id}/bundle.json").text
        self.rules = [rule for rule in self.room.app.url_map.iter_rules() if rule.endpoint != "lab.metrics"]

    def client(self, who: str) -> Any:
        """Return a visitor's browser, whatever earlier requests did to its cookies."""
        client, cookie = self.visitors[who].client, self.cookies[who]
        if cookie is not None:
            client.set_cookie("lab", cookie.value)
        return client

    def _token(self, browser: Browser, who: str) -> str:
        html = browser.get("/join" if who == "stranger" else "/").text
        return str(html.split('name="csrf-token" content="', 1)[1].split('"', 1)[0])


@pytest.fixture(scope="module")
def ground(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    pages = Pages(catalog, tmp_path_factory.mktemp("fuzzing") / "nodes")
    yield Ground(pages)
    pages.database.close()


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_request_makes_the_lab_fail(ground: Ground, data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(ground.rules))
    who = data.draw(st.sampled_from(list(ground.visitors)))
    value = st.sampled_from(ground.known) | words
    path = "".join(quote(data.draw(value), safe="/") if dynamic else part for dynamic, part in rule._trace).lstrip("|")
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(FIELDS), value), max_size=4))
    method = (
        "POST" if "POST" in (rule.methods or ()) else data.draw(st.sampled_from(["GET", "GET", "HEAD", "OPTIONS", "POST", "PUT"]))
    )
    headers = {"Accept": data.draw(st.sampled_from(["text/html", "*/*", "text/event-stream", "application/json", ""]))}
    headers |= {"HX-Request": "true"} if data.draw(st.booleans()) else {}
    headers |= {"Last-Event-ID": data.draw(st.sampled_from(HOSTILE[:8]))} if data.draw(st.booleans()) else {}
    form = [("csrf_token", ground.tokens[who]), *pairs]
    sent: dict[str, Any] = {"data": _multi(form)} if method in ("POST", "PUT") else {"query_string": _multi(pairs)}
    check(ground.client(who).open(path, method=method, headers=_plain(headers), buffered=False, **sent))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_file_makes_the_lab_fail(ground: Ground, data: st.DataObject) -> None:
    """A run's own file with something in it exchanged, and things that are no such file."""
    client, headers = ground.client("solo"), {"X-CSRF-Token": ground.tokens["solo"]}
    bundle = json.loads(ground.bundle)
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | words, lambda inner: st.lists(inner, max_size=2)
    )
    where: Any = bundle
    while isinstance(where, dict | list) and where:
        keys = sorted(where) if isinstance(where, dict) else list(range(len(where)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(where[key], dict | list) or data.draw(st.integers(0, 4)) == 0:
            where[key] = data.draw(anything)
            break
        where = where[key]
    text = data.draw(st.just(json.dumps(bundle)) | st.text(max_size=20) | st.just("[" * 50_000))
    answer = client.post("/open", data=text.encode("utf-8", "replace"), content_type="application/json", headers=headers)
    check(answer)
    assert answer.status_code in (201, 422)
    if answer.status_code == 201:
        for more in ("", "/bundle.json"):
            check(client.get(f"{answer.text}{more}"))


def check(answer: Any) -> None:
    """Hold an answer to what every answer must be."""
    assert answer.status_code < 500, answer.status_code
    names = [name for name, _ in answer.headers]
    policy = answer.headers.get("Content-Security-Policy", "")
    if answer.request.path not in ("/healthz", "/readyz"):
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] in ("same-origin", "cross-origin")
    assert not any("\r" in value or "\n" in value for _, value in answer.headers)
    assert names.count("Set-Cookie") <= 2
    where = (answer.headers.get("Location") or answer.headers.get("HX-Redirect") or "/").removeprefix("http://localhost")
    assert where.startswith("/")
    assert not where.startswith(("//", "/\\"))
    if answer.mimetype != "text/event-stream":
        html = answer.get_data(as_text=True)
        assert "Traceback (most recent call last)" not in html
        assert answer.mimetype != "text/html" or "<script>alert" not in html
    answer.close()


def _multi(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _plain(headers: dict[str, str]) -> dict[str, str]:
    """Return what a client can send at all: no line ends in a header."""
    return {
        name: value.translate({0: None, 10: None, 13: None}).encode("latin-1", "replace").decode("latin-1")
        for name, value in headers.items()
    }
