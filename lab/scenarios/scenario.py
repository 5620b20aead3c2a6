"""A scenario: manifests and a list of actions, read from a directory or made around one plain manifest.

Reading is strict about the form: a missing manifest or a wrong type is the author's mistake, told with its place. It is lenient
about meaning: an action the lab does not know becomes `Unsupported`, is noted in the trace, and the rest still runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.errors import ScenarioError
from lab.scenarios.steps import Action, KubectlCall, Submit, Wait, action_from_json
from lab.scenarios.waits import WaitCondition

SCENARIO_FILE = "scenario.json"
MANIFEST_FILE = "manifest.yaml"
READY_TIMEOUT_SECONDS = 60.0  # of the default actions, as in the recorded scenarios
GONE_TIMEOUT_SECONDS = 90.0
LOOK_AROUND_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to play. ``manifests`` maps the file names that actions use to their text; ``feature_gates`` names only gates that are
    not at upstream's default."""

    id: str
    title: str
    namespace: str
    actions: tuple[Action, ...]
    manifests: Mapping[str, str]
    feature_gates: Mapping[str, bool] = field(default_factory=dict)

    @property
    def pod_names(self) -> tuple[str, ...]:
        """The names of the pods in the first submitted manifest, in order; an action without ``pod`` means the first."""
        first = next((a.file for a in self.actions if isinstance(a, Submit)), None)
        return _pod_names(self.manifests.get(first, "")) if first else ()


def read_scenario(path: Path, *, actions_file: Path | None = None) -> Scenario:
    """Read a scenario directory, or a plain manifest with `default_actions`. ``actions_file``, a YAML or JSON list, replaces the
    actions. Raises ScenarioError."""
    if path.is_dir():
        return _from_directory(path, actions_file)
    text = read_text(path)
    actions = _actions_from_file(actions_file, path.name) if actions_file else default_actions(path.name)
    manifests = {path.name: text} | _named_manifests(actions, path.parent, known={path.name})
    namespace = _first_namespace(text)
    return Scenario(id=path.stem, title=path.name, namespace=namespace, actions=actions, manifests=manifests)


def default_actions(file: str) -> tuple[Action, ...]:
    """Return what `lab run` does with a plain manifest."""
    return (
        Submit(verb="apply", file=file),
        Wait(condition=WaitCondition.parse("ready"), timeout_seconds=READY_TIMEOUT_SECONDS),
        Wait(condition=WaitCondition.parse(f"time={LOOK_AROUND_SECONDS:g}"), timeout_seconds=READY_TIMEOUT_SECONDS),
        KubectlCall(argv=("delete", "-f", file)),
        Wait(condition=WaitCondition.parse("gone"), timeout_seconds=GONE_TIMEOUT_SECONDS),
    )


def read_text(path: Path) -> str:
    """Return a UTF-8 file's text. Raises ScenarioError that names the file and the remedy."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"cannot read {path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8") from error
    except OSError as error:
        raise ScenarioError(f"cannot read {path}: {error.strerror or error}; check the path") from error


def _from_directory(directory: Path, actions_file: Path | None) -> Scenario:
    place = directory / SCENARIO_FILE
    content = _json_object(place)
    if actions_file:
        actions = _actions_from_file(actions_file, MANIFEST_FILE)
    else:
        actions = _actions(content.get("actions"), place, MANIFEST_FILE)
    gates = content.get("featureGates") or {}
    if not isinstance(gates, dict) or not all(isinstance(v, bool) for v in gates.values()):
        raise ScenarioError(f'cannot read {place}: "featureGates" must map names to true or false')
    identity = _text(content, "id", directory.resolve().name, place)
    return Scenario(
        id=identity,
        title=_text(content, "title", identity, place),
        namespace=_text(content, "namespace", "default", place),
        actions=actions,
        manifests=_named_manifests(actions, directory, known=set()),
        feature_gates=gates,
    )


def _json_object(place: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(place))
    except json.JSONDecodeError as error:
        raise ScenarioError(
            f"cannot read {place}: line {error.lineno}, column {error.colno}: {error.msg}; correct the JSON"
        ) from error
    if not isinstance(content, dict):
        raise ScenarioError(f'cannot read {place}: it must hold a JSON object with "namespace" and "actions"')
    return content


def _text(content: Mapping[str, Any], key: str, default: str, place: Path) -> str:
    value = content.get(key, default)
    if not isinstance(value, str):
        raise ScenarioError(f'cannot read {place}: "{key}" must be a string')
    return value or default


def _actions_from_file(place: Path, manifest: str) -> tuple[Action, ...]:
    try:
        content = yaml.safe_load(read_text(place))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise ScenarioError(f"cannot read {place}:{where} {problem}; it must be a YAML or JSON list of actions") from error
    if isinstance(content, dict):
        content = content.get("actions")
    return _actions(content, place, manifest)


def _actions(content: object, place: Path, manifest: str) -> tuple[Action, ...]:
    if not isinstance(content, list):
        raise ScenarioError(f"cannot read {place}: the actions must be a list such as [{{do: apply}}, {{do: wait, for: ready}}]")
    actions = []
    for number, item in enumerate(content, start=1):
        try:
            actions.append(action_from_json(item, manifest))
        except ScenarioError as error:
            raise ScenarioError(f"cannot read {place}: action {number}: {error}") from error
    return tuple(actions)


def _named_manifests(actions: tuple[Action, ...], directory: Path, known: set[str]) -> dict[str, str]:
    submitted = [a.file for a in actions if isinstance(a, Submit)]
    calls = [name for a in actions if isinstance(a, KubectlCall) for name in a.files]
    called = [name for name in calls if (directory / name).is_file()]  # kubectl says of the others that they do not exist
    return {name: read_text(directory / name) for name in dict.fromkeys(submitted + called) if name not in known}


def _documents(text: str) -> list[dict[str, Any]]:
    try:
        return [d for d in yaml.safe_load_all(text) if isinstance(d, dict)]
    except (yaml.YAMLError, ValueError, RecursionError):
        return []  # kubectl's refusal of the file is the answer; the scenario still runs


def _pod_names(text: str) -> tuple[str, ...]:
    metadata = [d.get("metadata") for d in _documents(text) if d.get("kind") == "Pod"]
    return tuple(m["name"] for m in metadata if isinstance(m, dict) and isinstance(m.get("name"), str))


def _first_namespace(text: str) -> str:
    metadata = [d.get("metadata") for d in _documents(text)]
    return next((m["namespace"] for m in metadata if isinstance(m, dict) and isinstance(m.get("namespace"), str)), "default")
