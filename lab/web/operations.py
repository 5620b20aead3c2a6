"""What machines ask: does the lab live, can it do its work, how much of everything is there.

``/healthz`` answers anybody with nothing that is worth knowing, as long as requests are answered at all. ``/readyz`` and
``/metrics`` are for this machine (a loopback address by name or number, with nothing forwarded) and for whoever sends
LAB_METRICS_TOKEN; to all others they are not there. None of them asks by which name it was reached, for a probe may use an
address and a page of somebody else that got here by a false name would learn nothing; none knows a visitor or sets a cookie.
"""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, jsonify, request

from lab.config import is_loopback
from lab.metrics import CONTENT_TYPE
from lab.web.services import Operations

FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")  # a proxy's marks


def add_operations(blueprint: Blueprint, operations: Operations | None) -> None:
    """Add the three to the blueprint; without ``operations`` only that the lab lives is known."""

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @blueprint.get("/readyz")
    def readyz() -> Response:
        if operations is None or not _may_know(operations):
            return _nothing()
        problems = operations.problems()
        ready = not any(problems.values())
        response = jsonify(status="ready" if ready else "not ready", **{name: why or "ok" for name, why in problems.items()})
        response.status_code = 200 if ready else 503
        return response

    @blueprint.get("/metrics")
    def metrics() -> Response:
        if operations is None or not _may_know(operations):
            return _nothing()
        return Response(operations.metrics.text(), content_type=CONTENT_TYPE)


def _may_know(operations: Operations) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if operations.token and scheme.lower() == "bearer":
        return hmac.compare_digest(given.strip().encode("utf-8", "replace"), operations.token.encode())
    asked = f"//{request.host}".rpartition("//")[2]
    name = asked.rpartition(":")[0] if asked.rpartition(":")[2].isdigit() else asked
    return is_loopback(request.remote_addr or "") and is_loopback(name) and not any(mark in request.headers for mark in FORWARDED)


def _nothing() -> Response:
    return Response("not found\n", status=404, content_type="text/plain; charset=utf-8")
