"""How many pages may follow at the same time.

Every stream of events holds a thread of the server, so there are fewer of them than threads: pages and actions always find one.
A browser lets go of the streams of its hidden tabs; whoever has more than `PER_VISITOR` keeps others from following. A page that
finds no place is told so in its stream, and tries again by itself.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from functools import partial

from flask import Blueprint, Response, g

from lab.insight.phrase import Phrase, phrase
from lab.web.identity import Identities
from lab.web.visit import chosen_language
from lab.web.wording import WORDINGS

AT_ONCE = 448  # pages, and so streams; `lab.commands.serve` has some more threads
PER_VISITOR = 24  # an embedding page may show one for each of its frames
RETRY_MILLISECONDS = 8_000

_FULL = phrase(
    "As many pages follow the lab as it can serve. What this page shows stands still; it tries again every few seconds.",
    "同时跟随实验室的页面已达上限。本页内容暂停更新，每隔几秒会自动重试。",
)
_TOO_MANY = phrase(
    "You have too many pages of the lab open. Close some: this page tries again every few seconds.",
    "你打开的实验室页面过多。请关闭一些：本页每隔几秒会自动重试。",
)


class Followers:
    """The streams that are open. Thread-safe."""

    def __init__(self, identities: Identities, *, at_once: int = AT_ONCE, per_visitor: int = PER_VISITOR) -> None:
        self._identities = identities
        self._at_once = at_once
        self._per_visitor = per_visitor
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()  # by visitor

    def install(self, blueprint: Blueprint) -> None:
        """Count every stream of the app, however it came about. Call it last: whoever else looks at streams then sees those alone
        that have found a place."""
        blueprint.after_app_request(self._admit)

    def count(self) -> int:
        """Return how many follow now."""
        with self._lock:
            return self._open.total()

    def _admit(self, response: Response) -> Response:
        if response.mimetype != "text/event-stream":
            return response
        visitor = str(g.cluster) if "cluster" in g else self._identities.visitor().key
        refusal = self._enter(visitor)
        if refusal is None:
            response.call_on_close(partial(self._leave, visitor))
            return response
        response.close()
        words = json.dumps(WORDINGS[chosen_language()].text(refusal))
        return Response(
            f"retry: {RETRY_MILLISECONDS}\n\nevent: full\ndata: {words}\n\n",
            mimetype="text/event-stream",
            headers=response.headers,
        )

    def _enter(self, visitor: str) -> Phrase | None:
        with self._lock:
            if self._open[visitor] >= self._per_visitor:
                return _TOO_MANY
            if self._open.total() >= self._at_once:
                return _FULL
            self._open[visitor] += 1
            return None

    def _leave(self, visitor: str) -> None:
        with self._lock:
            self._open[visitor] -= 1
            self._open += Counter()  # forgets those that are zero
