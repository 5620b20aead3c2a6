from __future__ import annotations

from typing import Any

import pytest

from lab.insight.moments import Moment
from lab.insight.predicates import (
    All,
    AnyOf,
    Count,
    Evidence,
    FileHolds,
    Is,
    ManifestHolds,
    Not,
    Order,
    Predicate,
    Seen,
    Span,
    value_at,
)

POD = {"spec": {"terminationGracePeriodSeconds": 6, "containers": [{"name": "app", "lifecycle": {"preStop": {"sleep": {}}}}]}}


def evidence(*told: tuple[float, str], files: dict[str, str | None] | None = None, pod: Any = POD) -> Evidence:
    found = tuple(
        Moment(what=what.removeprefix("app "), container="app" * what.startswith("app "), pod_uid="u", seq=n, elapsed_seconds=at)
        for n, (at, what) in enumerate(told, start=1)
    )
    return Evidence(moments=found, files=files or {}, pod=pod)


STOP = evidence(
    (0.0, "app started"),
    (5.0, "app killing Stopping container app"),
    (5.0, "app preStop began"),
    (8.0, "app preStop finished 0"),
    (8.1, "app SIGTERM sent 3"),
    (8.2, "app exited 0"),
    files={"/tmp/message": "saved\n", "/gone": None},
)


@pytest.mark.parametrize(
    ("predicate", "holds"),
    [
        (Seen(moment="app preStop finished"), True),
        (Seen(moment="app preStop finished 1"), False),
        (Seen(moment="app SIGKILL"), False),
        (Order(moments=("preStop finished", "SIGTERM sent", "exited 0")), True),
        (Order(moments=("SIGTERM sent", "preStop finished")), False),
        (Order(moments=("app started", "app started")), False),
        (Order(moments=()), True),
        (Span(start="app SIGTERM sent", end="app exited", most_seconds=3), True),
        (Span(start="app killing", end="app exited", most_seconds=3), False),
        (Span(start="app killing", end="app exited", least_seconds=3), True),
        (Span(start="app killing", end="app started", most_seconds=60), False),
        (Span(start="app killing", end="app SIGKILL", most_seconds=60), False),
        (Count(moment="app started", least=1, most=1), True),
        (Count(moment="app started", least=2, most=9), False),
        (Count(moment="app SIGKILL", least=0, most=0), True),
        (FileHolds(path="/tmp/message", text=Is(contains="saved")), True),
        (FileHolds(path="/tmp/message", text=Is(equals="saved")), False),
        (FileHolds(path="/tmp/message", text=Is()), True),
        (FileHolds(path="/gone", text=Is()), False),
        (FileHolds(path="/other", text=Is()), False),
        (ManifestHolds(path="spec.containers[app].lifecycle.preStop", value=Is()), True),
        (ManifestHolds(path="spec.containers[app].lifecycle.postStart", value=Is()), False),
        (ManifestHolds(path="spec.terminationGracePeriodSeconds", value=Is(most=6)), True),
        (ManifestHolds(path="spec.terminationGracePeriodSeconds", value=Is(least=7)), False),
        (ManifestHolds(path="spec.containers", value=Is(contains="sleep")), True),
        (ManifestHolds(path="spec.containers", value=Is(least=1)), False),
        (All(of=()), True),
        (All(of=(Seen(moment="app started"), Seen(moment="app SIGKILL"))), False),
        (AnyOf(of=()), False),
        (AnyOf(of=(Seen(moment="app started"), Seen(moment="app SIGKILL"))), True),
        (Not(of=Seen(moment="app SIGKILL")), True),
    ],
)
def test_a_predicate_holds_of_what_happened_and_of_nothing_else(predicate: Predicate, holds: bool) -> None:
    assert predicate.holds(STOP) is holds


def test_of_a_manifest_that_was_refused_nothing_holds() -> None:
    assert not ManifestHolds(path="spec", value=Is()).holds(evidence(pod=None))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("spec.containers[0].name", "app"),
        ("spec.containers[app].name", "app"),
        ("spec.containers[1].name", None),
        ("spec.containers[other].name", None),
        ("spec[0]", None),
        ("spec.containers.name", None),
        ("metadata.name", None),
    ],
)
def test_a_path_leads_to_a_value_or_to_nothing(path: str, found: Any) -> None:
    assert value_at(POD, path) == found
