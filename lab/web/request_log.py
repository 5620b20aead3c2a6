"""Every request, counted and logged: which endpoint, how it went, how long it took, for which cluster.

A line never has an address as it was asked for: query strings hold tokens and codes. A stream has its line when it ends, with how
long it was open; files, signs of life and what machines ask are counted and not logged.
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, g, request

from lab.clock import Clock
from lab.logs import note
from lab.metrics import Metrics

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"})
QUIET = frozenset({"static", "here", "healthz", "readyz", "metrics"})  # endpoints that say nothing of what is done

_LOGGER = logging.getLogger(__name__)


class RequestLog:
    """Times requests of the app. It is to be installed before all that may answer them."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics

    def install(self, blueprint: Blueprint) -> None:
        """Begin before and end after every request of the app that the blueprint is registered with."""
        blueprint.before_app_request(self._begin)
        blueprint.after_app_request(self._end)

    def _begin(self) -> None:
        g.began = self._clock.monotonic()

    def _end(self, response: Response) -> Response:
        began = g.get("began", self._clock.monotonic())
        endpoint = (request.endpoint or "none").removeprefix("lab.")
        method = request.method if request.method in METHODS else "other"
        status, cluster = response.status_code, _cluster()
        self._metrics.request(endpoint, method, status, self._clock.monotonic() - began)

        def log() -> None:
            milliseconds = round((self._clock.monotonic() - began) * 1000, 1)
            fields = {"endpoint": endpoint, "method": method, "status": status, "milliseconds": milliseconds, "cluster": cluster}
            note(_LOGGER, "request", **fields)

        if response.mimetype == "text/event-stream":
            self._metrics.stream_opened()
            response.call_on_close(self._metrics.stream_closed)
            response.call_on_close(log)
        elif endpoint not in QUIET:
            log()
        return response


def _cluster() -> str | None:
    """Return the cluster of whoever asked, if that is known."""
    return g.get("cluster") or getattr(g.get("visitor"), "cluster", None) or None
