"""Streams find a place, or are told that there is none."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from lab.web.followers import AT_ONCE, PER_VISITOR

Pages = Any  # the fixture's type lives in conftest, which tests cannot import

STREAM = "/lessons/pre-stop/stream"


def follow(client: FlaskClient, **headers: str) -> TestResponse:
    return client.get(STREAM, headers=headers, buffered=False)


def words(response: TestResponse) -> str:
    """Return what a page is told that found no place; empty when it has one."""
    for chunk in response.response:
        text = chunk.decode() if isinstance(chunk, bytes) else chunk
        if "event: " in text:
            found = re.search(r"event: full\ndata: (.*)\n", text)
            return str(json.loads(found[1])) if found else ""
    return ""


@pytest.mark.parametrize(("language", "said"), [("en", "too many pages of the lab open"), ("zh", "打开的实验室页面过多")])
def test_a_visitor_with_too_many_streams_is_told_and_others_follow(pages: Pages, language: str, said: str) -> None:
    pages.cluster()
    with ExitStack() as cleanup:
        for _ in range(PER_VISITOR):
            cleanup.callback(follow(pages.client).close)
        refused = follow(pages.client, **{"Accept-Language": language})
        assert said in words(refused)
        assert refused.headers["Cache-Control"] == "no-store"
        other = pages.app.test_client()
        found = follow(other)
        cleanup.callback(found.close)
        assert words(found) == ""


def test_more_pages_than_can_follow_are_told_so_and_a_place_that_is_left_is_free(pages: Pages) -> None:
    with ExitStack() as cleanup:
        streams = [follow(pages.app.test_client()) for _ in range(AT_ONCE)]
        for stream in streams:
            cleanup.callback(stream.close)
        assert "As many pages follow" in words(follow(pages.app.test_client()))
        assert "PostStart" in pages.client.get("/").text
        streams[0].close()
        found = follow(pages.app.test_client())
        cleanup.callback(found.close)
        assert words(found) == ""
