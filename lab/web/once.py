"""An action that a page had to send twice is done once.

A browser gives up what is on its way when the machine's network interfaces change, and on the lab's own machine they change with
every pod. Nobody can know then whether the lab had heard, so the page asks again under the same key, and what was asked before
gets the answer that it got: a command is not run a second time. Keys are a visitor's own, and kept for a minute.
Source: the Idempotency-Key header of the IETF's draft of that name; ``static/again.js`` sends it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from flask import Blueprint, Response, g, request

from lab.clock import Clock
from lab.web.identity import Identities

HEADER = "Idempotency-Key"
LONGEST_KEY = 64
KEPT_SECONDS = 60.0
MOST_KEPT = 1024
PATIENCE_SECONDS = 30.0  # for the first to be answered

_Key = tuple[str, str, str]  # the visitor, what is asked, the key


@dataclass(slots=True)
class _Asked:
    at: float
    answer: tuple[bytes, int, list[tuple[str, str]]] | None = None
    failed: bool = False


class Once:
    """The answers of the last minute. Thread-safe."""

    def __init__(self, clock: Clock, identities: Identities) -> None:
        self._clock = clock
        self._identities = identities
        self._changed = clock.condition()
        self._asked: OrderedDict[_Key, _Asked] = OrderedDict()

    def install(self, blueprint: Blueprint) -> None:
        """Answer before and remember after every action of the app. To be installed last: the checks come before, and what other
        modules add to an answer is added again."""
        blueprint.before_app_request(self._answer_again)
        blueprint.after_app_request(self._remember)
        blueprint.teardown_app_request(self._give_up)

    def _answer_again(self) -> Response | None:
        given = request.headers.get(HEADER, "")
        if request.method != "POST" or not 0 < len(given) <= LONGEST_KEY:
            return None
        key = (self._identities.visitor().key, request.path, given)
        with self._changed:
            asked = self._asked.get(key)
            if asked is None:
                self._begin(key)
                return None
            self._changed.wait_for(lambda: asked.answer is not None or asked.failed, PATIENCE_SECONDS)
            if asked.answer is None:  # there is nothing to repeat: do it
                return None
            body, status, headers = asked.answer
        return Response(body, status, headers)

    def _begin(self, key: _Key) -> None:
        now = self._clock.monotonic()
        while self._asked and (len(self._asked) >= MOST_KEPT or next(iter(self._asked.values())).at < now - KEPT_SECONDS):
            self._asked.popitem(last=False)
        self._asked[key] = g.asked = _Asked(now)

    def _remember(self, response: Response) -> Response:
        asked: _Asked | None = g.get("asked")
        if asked is not None and not response.direct_passthrough:
            with self._changed:
                asked.answer = (response.get_data(), response.status_code, list(response.headers))
                self._changed.notify_all()
        return response

    def _give_up(self, _error: BaseException | None) -> None:
        asked: _Asked | None = g.get("asked")
        if asked is not None and asked.answer is None:
            with self._changed:
                asked.failed = True
                self._changed.notify_all()
