"""A field is changed in the text, and everything else stays as the learner wrote it."""

from __future__ import annotations

import pytest
import yaml

from lab.pods.field_edit import FieldEditError, set_field, typed
from lab.pods.review import review

POD = """# mine
apiVersion: v1
kind: Pod
metadata:
  name: demo  # its name
spec:
  terminationGracePeriodSeconds: 6  # short
  containers:
  - name: helper
    image: busybox
  # the program
  - name: app
    image: busybox
    command:
    - sh
    - -c
    - |
      echo one
      sleep 3600
    # says goodbye
    lifecycle:
      preStop:
        exec:
          command: [sh, -c, "sleep 3"]
"""


def test_a_value_is_replaced_and_the_comment_beside_it_stays() -> None:
    edit = set_field(POD, "spec.terminationGracePeriodSeconds", "9")
    assert edit.text == POD.replace("Seconds: 6", "Seconds: 9")
    assert edit.line == 7


def test_an_item_of_a_list_is_found_by_its_name_or_its_number() -> None:
    by_name = set_field(POD, "spec.containers[app].image", "nginx")
    assert by_name == set_field(POD, "spec.containers[1].image", "nginx")
    assert by_name.line == 13
    assert by_name.text.count("image: busybox") == 1


def test_a_list_in_a_block_becomes_one_line_and_what_follows_stays() -> None:
    edit = set_field(POD, "spec.containers[app].command", '["sleep", "60"]')
    assert yaml.safe_load(edit.text)["spec"]["containers"][1]["command"] == ["sleep", "60"]
    assert '    command: ["sleep", "60"]\n    # says goodbye\n    lifecycle:' in edit.text


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("spec.restartPolicy", "Never", 25),
        ("spec.containers[helper].lifecycle.preStop.sleep.seconds", "2", 14),
        ("metadata.labels.app", "demo", 7),
        ("spec.containers[app].lifecycle.postStart.exec.command", "[date]", 27),
    ],
)
def test_a_field_that_is_not_there_is_added_at_the_end_of_its_mapping(path: str, value: str, line: int) -> None:
    edit = set_field(POD, path, value)
    assert edit.text.splitlines()[edit.line - 1].endswith(f"{path.rpartition('.')[2]}: {value}")
    assert edit.line == line
    assert set(POD.splitlines()) <= set(edit.text.splitlines())
    assert review(edit.text).refusal is None


def test_a_field_with_nothing_in_it_is_filled() -> None:
    assert set_field("spec:\n  hostname:\n  nodeName: a\n", "spec.hostname", "x").text == "spec:\n  hostname: x\n  nodeName: a\n"


def test_of_several_documents_the_one_that_has_the_field_is_changed() -> None:
    text = "kind: Namespace\n---\nspec:\n  replicas: 1\n"
    assert set_field(text, "spec.replicas", "2").text == "kind: Namespace\n---\nspec:\n  replicas: 2\n"


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("a: [", "a", "1"),
        ("", "a", "1"),
        (POD, "status.phase", "Running"),
        (POD, "spec.containers[other].image", "nginx"),
        (POD, "metadata.name.first", "x"),
        (POD, "spec.hostname", "a\nb"),
        (POD, "spec.hostname", "]"),
    ],
)
def test_what_has_no_place_is_refused(text: str, path: str, value: str) -> None:
    with pytest.raises(FieldEditError, match="cannot "):
        set_field(text, path, value)


def test_what_one_would_type_is_the_last_name_and_the_value() -> None:
    assert typed("spec.containers[app].lifecycle.preStop.sleep.seconds", "2") == "seconds: 2"
