"""The recorded scenarios of this directory, for every test that reads them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

GOLDEN = Path(__file__).parent / "golden"
SCENARIOS = sorted(path.parent.name for path in GOLDEN.glob("*/trace.json"))

# Whose pods a controller names and makes, so that no manifest holds their specs under their names.
OF_A_CONTROLLER = frozenset({"E5", "E6"})


def recorded_trace(scenario: str) -> dict[str, Any]:
    """Return a scenario's trace."""
    trace: dict[str, Any] = json.loads((GOLDEN / scenario / "trace.json").read_text())
    return trace


@cache
def recorded_specs(scenario: str) -> dict[str, dict[str, Any]]:
    """Return the specs of a scenario's pods by name; of a Deployment's, the template's by the Deployment's name."""
    documents = yaml.safe_load_all((GOLDEN / scenario / "manifest.yaml").read_text())
    specs: dict[str, dict[str, Any]] = {}
    for document in documents:
        spec = document["spec"]
        specs.setdefault(document["metadata"]["name"], spec["template"]["spec"] if "template" in spec else spec)
    return specs


def recorded_spec(scenario: str, pod: str) -> dict[str, Any]:
    """Return the spec of the pod that a trace names."""
    specs = recorded_specs(scenario)
    return specs.get(pod) or next(spec for name, spec in specs.items() if pod.startswith(f"{name}-"))
