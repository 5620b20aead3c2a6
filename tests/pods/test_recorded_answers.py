"""`review` against the answers of a real kubectl and API server (tests/pods/validation/README.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.pods.review import Review, Verb, refusals_text, review, warnings_text

DATA = Path(__file__).parent / "validation"
RECORDED: list[dict[str, Any]] = [json.loads(line) for line in (DATA / "recorded.jsonl").read_text().splitlines()]
DIFFERING: dict[str, str] = json.loads((DATA / "differing.json").read_text())
GATE = frozenset({"ContainerStopSignals"})


def answer(recorded: dict[str, Any], verb: Verb, gates: frozenset[str] = GATE) -> tuple[int, str, str]:
    reviewed = review(recorded["manifest"], filename=recorded["file"], feature_gates=gates, verb=verb)
    refused = tuple((document.refusal, document.name) for document in reviewed.documents if document.refusal)
    if reviewed.refusal:
        refused = ((reviewed.refusal, ""),)
    created = [document for document in reviewed.documents if document.refusal is None]
    stderr = "".join(warnings_text(document.warnings) for document in created)
    stderr += refusals_text(refused, filename=recorded["file"]) if refused else ""
    return (1 if refused else 0), "".join(f"pod/{document.name} created\n" for document in created), stderr


def stored(reviewed: Review) -> list[dict[str, Any]]:
    pods = [document.object for document in reviewed.documents if document.object]
    return [
        {
            "name": pod["metadata"].get("name"),
            "lifecycle": [container.get("lifecycle") for container in pod["spec"]["containers"]],
            "terminationGracePeriodSeconds": pod["spec"]["terminationGracePeriodSeconds"],
            "restartPolicy": pod["spec"]["restartPolicy"],
        }
        for pod in pods
    ]


def named(recorded: dict[str, Any]) -> str:
    return str(recorded["file"])


@pytest.mark.parametrize("recorded", RECORDED, ids=named)
def test_apply_answers_as_recorded_or_is_listed_as_differing(recorded: dict[str, Any]) -> None:
    expected = recorded["apply"]["rc"], recorded["apply"]["stdout"], recorded["apply"]["stderr"]
    assert (answer(recorded, "apply") != expected) == (recorded["file"] in DIFFERING)


@pytest.mark.parametrize("recorded", [r for r in RECORDED if "create" in r], ids=named)
def test_create_answers_as_recorded_where_it_answers_otherwise_than_apply(recorded: dict[str, Any]) -> None:
    expected = recorded["create"]
    if "generatename" in recorded["file"]:  # the registry makes up the name, so nothing is refused and no name is known yet
        assert answer(recorded, "create")[0] == expected["rc"]
    else:
        assert answer(recorded, "create") == (expected["rc"], expected["stdout"], expected["stderr"])


@pytest.mark.parametrize("recorded", [r for r in RECORDED if r.get("stored")], ids=named)
def test_what_is_stored_is_what_the_server_stored(recorded: dict[str, Any]) -> None:
    assert stored(review(recorded["manifest"], feature_gates=GATE)) == recorded["stored"]


@pytest.mark.parametrize("recorded", [r for r in RECORDED if "applyWithDefaultGates" in r], ids=named)
def test_with_default_gates_a_stop_signal_is_dropped_before_validation(recorded: dict[str, Any]) -> None:
    expected = recorded["applyWithDefaultGates"]
    got = answer(recorded, "apply", frozenset())
    if recorded["file"].startswith("057"):  # Differs from Kubernetes: a pod for Windows is refused, it could never run here
        assert got[0] == 1
    else:
        assert got == (expected["rc"], expected["stdout"], expected["stderr"])


def test_more_than_a_hundred_and_sixty_of_the_recorded_answers_agree() -> None:
    assert len(RECORDED) == 172
    assert set(DIFFERING) <= {recorded["file"] for recorded in RECORDED}
    assert len(RECORDED) - len(DIFFERING) > 160
