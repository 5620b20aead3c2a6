from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.errors import ScenarioError
from lab.scenarios.scenario import read_scenario
from lab.scenarios.steps import ApiCall, Delete, Exec, KubectlCall, Submit, Unsupported, Wait, action_from_json

GOLDEN = Path(__file__).parents[1] / "conformance" / "golden"
POD = "kind: Pod\nmetadata: {name: first}\n---\nkind: Pod\nmetadata: {name: second}\n"


def directory(tmp_path: Path, scenario: Any, **files: str) -> Path:
    (tmp_path / "scenario.json").write_text(scenario if isinstance(scenario, str) else json.dumps(scenario))
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize("path", sorted(path.parent for path in GOLDEN.glob("*/scenario.json")), ids=lambda path: path.name)
def test_every_recorded_scenario_is_read_and_every_action_known(path: Path) -> None:
    scenario = read_scenario(path)
    assert (scenario.id, scenario.namespace) == (path.name, path.name.lower())
    assert not [a for a in scenario.actions if isinstance(a, Unsupported) and not a.what.startswith("api ")]
    assert scenario.manifests["manifest.yaml"] == (path / "manifest.yaml").read_text()


def test_a_plain_manifest_is_applied_looked_at_and_deleted(tmp_path: Path) -> None:
    manifest = tmp_path / "two.yaml"
    manifest.write_text(POD)
    scenario = read_scenario(manifest)
    assert (scenario.id, scenario.namespace, scenario.pod_names) == ("two", "default", ("first", "second"))
    assert scenario.actions[0] == Submit(verb="apply", file="two.yaml")
    assert KubectlCall(argv=("delete", "-f", "two.yaml")) in scenario.actions


def test_a_plain_manifest_is_watched_in_its_own_namespace(tmp_path: Path) -> None:
    manifest = tmp_path / "p.yaml"
    manifest.write_text("kind: Pod\nmetadata: {name: p, namespace: blue}\n")
    assert read_scenario(manifest).namespace == "blue"


@pytest.mark.parametrize(
    "text", ["- do: apply\n- {do: wait, for: ready}\n", '{"actions": [{"do": "apply"}, {"do": "wait", "for": "ready"}]}']
)
def test_actions_may_come_from_a_yaml_or_json_file(tmp_path: Path, text: str) -> None:
    manifest, actions = tmp_path / "p.yaml", tmp_path / "actions"
    manifest.write_text(POD)
    actions.write_text(text)
    submit, wait = read_scenario(manifest, actions_file=actions).actions
    assert submit == Submit(verb="apply", file="p.yaml")
    assert isinstance(wait, Wait)


def test_further_manifests_are_read_from_beside_the_first(tmp_path: Path) -> None:
    actions = [{"do": "apply"}, {"do": "apply", "file": "edit.yaml"}, {"do": "kubectl", "argv": ["delete", "-f", "gone.yaml"]}]
    path = directory(tmp_path, {"actions": actions}, manifest=POD, edit="kind: Pod", gone="kind: Pod")
    assert sorted(read_scenario(path).manifests) == ["edit.yaml", "gone.yaml", "manifest.yaml"]


def test_an_action_nobody_knows_is_kept_as_unsupported() -> None:
    assert action_from_json({"do": "dance"}, "m.yaml") == Unsupported(what="dance")
    assert action_from_json({"do": "wait", "for": "moonrise"}, "m.yaml") == Unsupported(what="wait moonrise")
    assert action_from_json({"do": "wait", "for": "restarts>=many"}, "m.yaml") == Unsupported(what="wait restarts>=many")


def test_a_raw_request_is_read_with_its_body() -> None:
    given = {"do": "api", "method": "post", "path": "/x", "body": {"a": 1}}
    assert action_from_json(given, "m.yaml") == ApiCall(method="POST", path="/x", body={"a": 1})
    assert action_from_json({"do": "api", "path": "/x"}, "m.yaml") == ApiCall(method="GET", path="/x")


def test_fields_of_an_action_are_taken_as_recorded() -> None:
    delete = action_from_json({"do": "delete", "pod": "p", "args": ["--now"], "background": True, "settle": 4}, "m.yaml")
    assert delete == Delete(pod="p", args=("--now",), background=True, settle_seconds=4.0)
    execute = action_from_json({"do": "exec", "argv": ["ls"], "container": "c", "as": "list"}, "m.yaml")
    assert execute == Exec(argv=("ls",), container="c", name="list")


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("apply", '"do"'),
        ({"do": 3}, '"do"'),
        ({"do": "wait"}, '"wait" needs "for"'),
        ({"do": "exec"}, '"exec" needs "argv"'),
        ({"do": "exec", "argv": "ls -l"}, '"argv" must be a list of strings'),
        ({"do": "readfile"}, '"readfile" needs "path"'),
        ({"do": "delete", "args": ["--now", 1]}, '"args" must be a list of strings'),
        ({"do": "delete", "background": "yes"}, '"background" must be true or false'),
        ({"do": "wait", "for": "ready", "timeout": -1}, '"timeout" must be a number of seconds'),
        ({"do": "wait", "for": "ready", "timeout": "10"}, '"timeout" must be a number of seconds'),
        ({"do": "apply", "file": 1}, '"file" must be a string'),
    ],
)
def test_a_malformed_action_is_refused_with_its_place(tmp_path: Path, action: Any, words: str) -> None:
    path = directory(tmp_path, {"actions": [{"do": "apply"}, action]}, manifest=POD)
    with pytest.raises(ScenarioError) as refusal:
        read_scenario(path)
    assert f"{path / 'scenario.json'}: action 2: " in str(refusal.value)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("{", "line 1, column 2"),
        ("[]", "must hold a JSON object"),
        ({"actions": {}}, "must be a list"),
        ({}, "must be a list"),
        ({"actions": [], "id": 1}, '"id" must be a string'),
        ({"actions": [], "featureGates": {"A": "yes"}}, '"featureGates"'),
    ],
)
def test_a_malformed_scenario_is_refused(tmp_path: Path, scenario: Any, words: str) -> None:
    with pytest.raises(ScenarioError, match=r"^cannot read ") as refusal:
        read_scenario(directory(tmp_path, scenario))
    assert words in str(refusal.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"cannot read .*nowhere\.yaml: No such file"):
        read_scenario(tmp_path / "nowhere.yaml")
    with pytest.raises(ScenarioError, match=r"cannot read .*scenario\.json: No such file"):
        read_scenario(tmp_path)
    with pytest.raises(ScenarioError, match=r"cannot read .*manifest\.yaml: No such file"):
        read_scenario(directory(tmp_path, {"actions": [{"do": "apply"}]}))


def test_text_that_is_not_utf8_is_refused_with_the_byte(tmp_path: Path) -> None:
    manifest = tmp_path / "p.yaml"
    manifest.write_bytes(b"kind: \xff")
    with pytest.raises(ScenarioError, match="byte 7 is not UTF-8"):
        read_scenario(manifest)


def test_an_actions_file_that_is_not_yaml_is_refused_with_the_line(tmp_path: Path) -> None:
    manifest, actions = tmp_path / "p.yaml", tmp_path / "actions.yaml"
    manifest.write_text(POD)
    actions.write_text("- do: apply\n- [")
    with pytest.raises(ScenarioError, match=r"actions\.yaml: line 2"):
        read_scenario(manifest, actions_file=actions)


def test_a_manifest_that_is_not_yaml_is_left_to_kubectl_to_refuse(tmp_path: Path) -> None:
    manifest = tmp_path / "broken.yaml"
    manifest.write_text("kind: [\n")
    scenario = read_scenario(manifest)
    assert scenario.pod_names == ()
    assert scenario.manifests["broken.yaml"] == "kind: [\n"
