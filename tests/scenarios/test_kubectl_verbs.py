"""kubectl's verbs and raw requests in scenarios, on a scripted runtime in virtual time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.scenarios.recording import Recording
from tests.scenarios.stage import APPLY, GONE, ONE, READY, Stage, answers

DELETE = {"do": "delete"}
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cfg}\ndata: {a: b}\n"
BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: keep}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
"""


def kubectl(*words: str, **more: Any) -> dict[str, Any]:
    return {"do": "kubectl", "argv": list(words), **more}


def api(method: str, path: str, body: Any = None, **more: str) -> dict[str, Any]:
    return {"do": "api", "method": method, "path": f"/api/v1/namespaces/$NS/{path}", "body": body, **more}


def said(recording: Recording, number: int) -> tuple[int, str, str]:
    answer = recording.trace["cli"][number]
    return answer["rc"], answer["stdout"], answer["stderr"]


def codes(recording: Recording) -> list[tuple[int, str]]:
    return [(c["code"], c["response"].get("message", "")) for c in recording.trace["cli"] if "api" in c]


def after_ready(stage: Stage, *actions: dict[str, Any], **more: str) -> Recording:
    """Play actions on one ready pod, and leave out the answer to apply."""
    recording = stage.record(APPLY, READY, *actions, **more)
    del recording.trace["cli"][0]
    return recording


# --- apply, create, replace ---------------------------------------------------------------------------------------


def test_dry_runs_answer_and_change_nothing(stage: Stage) -> None:
    recording = stage.record(
        {"do": "apply", "args": ["--dry-run=client"]},
        {"do": "apply", "args": ["--dry-run=server", "-o", "name"]},
        {"do": "create", "args": ["--dry-run=server"]},
        kubectl("get", "pods"),
        {"do": "apply", "args": ["--dry-run=never"]},
    )
    assert answers(recording) == [
        (0, "pod/one created (dry run)\n"),
        (0, "pod/one\n"),
        (0, "pod/one created (server dry run)\n"),
        (0, "No resources found in n namespace.\n"),
        (1, 'error: Invalid dry-run value (never). Must be "none", "server", or "client".\n'),
    ]


def test_a_clients_dry_run_asks_no_server(stage: Stage) -> None:
    wrong = ONE.replace("image: busybox", "imagePullPolicy: Sometimes")
    recording = stage.record(
        {"do": "apply", "args": ["--dry-run=client"]}, {"do": "apply", "args": ["--dry-run=server"]}, manifest=wrong
    )
    assert [answer[0] for answer in answers(recording)] == [0, 1]


def test_validation_can_be_turned_down(stage: Stage) -> None:
    odd = ONE + "    lifecycles: {}\n"
    recording = stage.record({"do": "apply"}, {"do": "create", "args": ["--validate=warn"]}, manifest=odd)
    assert "strict decoding error" in said(recording, 0)[2]
    assert said(recording, 1) == (0, "pod/one created\n", 'Warning: unknown field "spec.containers[0].lifecycles"\n')


def test_apply_warns_of_what_it_did_not_create(stage: Stage) -> None:
    recording = stage.record({"do": "create"}, APPLY, APPLY)
    assert said(recording, 1)[1] == "pod/one configured\n"
    assert said(recording, 1)[2].startswith("Warning: resource pods/one is missing the kubectl.kubernetes.io/last-applied")
    assert said(recording, 2) == (0, "pod/one unchanged\n", "")


def test_objects_are_printed_on_request(stage: Stage) -> None:
    recording = stage.record({"do": "create", "args": ["-o", "json"]})
    assert json.loads(said(recording, 0)[1])["metadata"]["name"] == "one"


def test_replace_changes_what_may_change_and_refuses_the_rest(stage: Stage) -> None:
    recording = after_ready(
        stage,
        kubectl("replace", "-f", "labels.yaml"),
        kubectl("replace", "-f", "grace.yaml"),
        kubectl("replace", "-f", "other.yaml"),
        kubectl("get", "pod", "one", "--show-labels", "--no-headers"),
        labels=ONE.replace("app: web", "app: x"),
        grace=ONE.replace("Seconds: 6", "Seconds: 7"),
        other=ONE.replace("name: one", "name: absent"),
    )
    assert said(recording, 0) == (0, "pod/one replaced\n", "")
    assert said(recording, 1)[2].startswith('The Pod "one" is invalid: spec: Forbidden: pod updates may not change fields')
    missing = 'Error from server (NotFound): error when replacing "other.yaml": pods "absent" not found\n'
    assert said(recording, 2) == (1, "", missing)
    assert said(recording, 3)[1].endswith("app=x\n")


def test_replace_by_force_deletes_waits_and_creates(stage: Stage) -> None:
    recording = after_ready(stage, kubectl("replace", "--force", "-f", "manifest.yaml"), READY)
    assert answers(recording) == [(0, 'pod "one" deleted from n namespace\npod/one replaced\n')]
    assert [row["status"] for row in recording.trace["getTable"]][-2:] == ["ContainerCreating", "Running"]


def test_run_makes_a_pod_of_its_flags(stage: Stage) -> None:
    words = ("run", "app", "--image=busybox", "--restart=Never", "--labels=a=b", "--command", "--", "sleep", "1000")
    shown = "jsonpath={.metadata.labels}{.spec.restartPolicy}{.spec.containers[0].command}"
    recording = stage.record(kubectl(*words), kubectl(*words), READY, kubectl("get", "pod", "app", "-o", shown))
    assert answers(recording) == [
        (0, "pod/app created\n"),
        (1, 'Error from server (AlreadyExists): pods "app" already exists\n'),
        (0, '{"a":"b"}Never["sleep","1000"]'),
    ]


def test_a_file_that_is_not_there_is_an_answer(stage: Stage) -> None:
    recording = stage.record(kubectl("apply", "-f", "absent.yaml"))
    assert answers(recording) == [(1, 'error: the path "absent.yaml" does not exist\n')]


# --- patch, label, annotate, set image ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("patch", "pod", "one", "-p", '{"metadata":{"labels":{"x":"y"}}}'), "pod/one patched\n"),
        (("patch", "pod", "one", "-p", '{"metadata":{"labels":{"app":"web"}}}'), "pod/one patched (no change)\n"),
        (("patch", "pod/one", "--type=merge", "-p", '{"metadata":{"labels":null}}'), "pod/one patched\n"),
        (
            (
                "patch",
                "pod",
                "one",
                "--type=json",
                "-p",
                '[{"op":"add","path":"/metadata/labels/p","value":"j"}]',
                "--dry-run=server",
            ),
            "pod/one patched (server dry run)\n",
        ),
        (("label", "pod", "one", "tier=one"), "pod/one labeled\n"),
        (("label", "pod", "one", "app-"), "pod/one unlabeled\n"),
        (("label", "pods", "--all", "app=x", "--overwrite"), "pod/one labeled\n"),
        (("annotate", "pod", "one", "note=x"), "pod/one annotated\n"),
        (("set", "image", "pod/one", "app=nginx"), "pod/one image updated\n"),
    ],
)
def test_a_change_is_answered_as_kubectl_answers(stage: Stage, words: tuple[str, ...], answer: str) -> None:
    assert answers(after_ready(stage, kubectl(*words))) == [(0, answer)]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("patch", "pod", "nope", "-p", "{}"), 'Error from server (NotFound): pods "nope" not found\n'),
        (
            ("patch", "pod", "one", "--type=json", "-p", '[{"op":"remove","path":"/metadata/labels/zzz"}]'),
            "The request is invalid: the server rejected our request due to an error in our request\n",
        ),
        (
            ("label", "pod", "one", "app=two"),
            "error: 'app' already has a value (web), and --overwrite is false\n",
        ),
        (("label", "pod", "one"), "error: at least one label update is required\n"),
        (("patch", "pod", "one", "--type=odd", "-p", "{}"), 'error: --type must be one of [json merge strategic], not "odd"\n'),
    ],
)
def test_a_change_that_cannot_be_is_refused_as_kubectl_refuses(stage: Stage, words: tuple[str, ...], answer: str) -> None:
    assert answers(after_ready(stage, kubectl(*words))) == [(1, answer)]


def test_a_patch_that_changes_a_hook_is_forbidden(stage: Stage) -> None:
    patch = '{"spec":{"terminationGracePeriodSeconds":5}}'
    (answer,) = answers(after_ready(stage, kubectl("patch", "pod", "one", "-p", patch)))
    assert answer[0] == 1
    assert answer[1].startswith('The Pod "one" is invalid: spec: Forbidden: pod updates may not change fields other than')


def test_a_pod_that_lost_its_finalizer_by_a_patch_goes(stage: Stage) -> None:
    held = ONE.replace("labels:", "finalizers: [lab.test/hold], labels:")
    recording = stage.record(
        APPLY,
        READY,
        {"do": "delete", "args": ["--wait=false"]},
        {"do": "wait", "for": "phase=Succeeded"},
        {"do": "wait", "for": "time=1"},
        kubectl("patch", "pod", "one", "--type=merge", "-p", '{"metadata":{"finalizers":null}}'),
        GONE,
        manifest=held,
    )
    assert recording.trace["notes"] == []
    assert answers(recording)[-1] == (0, "pod/one patched\n")
    assert recording.trace["gone_t"].keys() == {"one"}


def test_diff_says_nothing_when_apply_would_do_nothing(stage: Stage) -> None:
    recording = after_ready(
        stage,
        kubectl("diff", "-f", "manifest.yaml"),
        kubectl("diff", "-f", "other.yaml"),
        other=ONE.replace("app: web", "app: x"),
    )
    assert said(recording, 0) == (0, "", "")
    rc, stdout, _ = said(recording, 1)
    assert rc == 1
    assert "-    app: web\n+    app: x\n" in stdout


# --- get, logs, wait, watch ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "stdout"),
    [
        ("get pods -o jsonpath={.items[*].metadata.name}", "one"),
        ("get pod one -o custom-columns=N:.metadata.name,X:.nope", "N     X\none   <none>\n"),
        ("get pod one -o go-template={{.metadata.name}}", "one"),
        ("get po -l app=web -o name", "pod/one\n"),
        ("get pods -l app!=web", ""),
        ("get pods -l app -L app --no-headers", "one   1/1   Running   0     0s    web\n"),
        ("get pods --field-selector status.phase=Running -o name", "pod/one\n"),
        ("get pod/one cm/x -o name --ignore-not-found", "pod/one\n"),
        ("logs -l app=web --prefix", "[pod/one/app] hello\n"),
        ("logs one --all-containers", "hello\n"),
        ("logs pod/one --since=1h -c app", "hello\n"),
        ("wait --for=condition=Ready pod/one", "pod/one condition met\n"),
        ("wait --for=jsonpath={.status.phase}=Running pod/one", "pod/one condition met\n"),
        ("wait --for=condition=Ready pods --all", "pod/one condition met\n"),
        ("wait --for=delete pod/nope", ""),
    ],
)
def test_what_is_there_is_read_in_many_forms(stage: Stage, words: str, stdout: str) -> None:
    recording = after_ready(stage, kubectl(*words.split()))
    assert said(recording, 0)[:2] == (0, stdout)


@pytest.mark.parametrize(
    ("words", "stderr"),
    [
        ("get foos", 'error: the server doesn\'t have a resource type "foos"\n'),
        ("top pods", "error: Metrics API not available\n"),
        ("wait --for=condition=Ready pod/nope", 'Error from server (NotFound): pods "nope" not found\n'),
        ("wait --for=condition=Odd pod/one --timeout=1s", "error: timed out waiting for the condition on pods/one\n"),
        ("delete pod", "error: resource(s) were provided, but no name was specified\n"),
        ("logs one --previous", 'Error from server (BadRequest): previous terminated container "app" in pod "one" not found\n'),
    ],
)
def test_what_is_not_there_is_refused_in_kubectls_words(stage: Stage, words: str, stderr: str) -> None:
    assert said(after_ready(stage, kubectl(*words.split())), 0) == (1, "", stderr)


def test_kinds_that_the_lab_does_not_keep_are_noted_and_the_run_goes_on(stage: Stage) -> None:
    recording = after_ready(stage, kubectl("get", "deploy"), kubectl("rollout", "status", "deployment/web"), DELETE)
    assert recording.trace["notes"] == [
        "not supported by this lab: kubectl get deploy",
        "not supported by this lab: kubectl rollout status deployment/web",
    ]
    assert answers(recording) == [(0, 'pod "one" deleted from n namespace\n')]


def test_a_watch_prints_a_row_for_each_write_and_never_gets_narrower(stage: Stage) -> None:
    recording = stage.record(
        kubectl("get", "pods", "-w", "--request-timeout=20s", background=True, settle=0.1), APPLY, READY, DELETE, GONE
    )
    (watch,) = [c for c in recording.trace["cli"] if "-w" in c["argv"]]
    rows = [line.split() for line in watch["stdout"].splitlines()]
    assert rows[:2] == [["NAME", "READY", "STATUS", "RESTARTS", "AGE"], ["one", "0/1", "Pending", "0", "0s"]]
    assert [row[2] for row in rows][-2:] == ["Completed", "Completed"]
    assert watch["t_end"] - watch["t"] == pytest.approx(20, abs=0.2)
    ages = [len(line.rpartition(" ")[0]) for line in watch["stdout"].splitlines()]  # where the last column begins
    assert ages == sorted(ages)


def test_following_a_log_lasts_as_long_as_its_container(stage: Stage) -> None:
    recording = after_ready(stage, kubectl("logs", "-f", "one", background=True, settle=0.1), DELETE, GONE)
    (followed,) = [c for c in recording.trace["cli"] if c["argv"][1] == "logs"]
    (deleted,) = [c for c in recording.trace["cli"] if c["argv"][1] == "delete"]
    assert followed["stdout"] == "hello\n"
    assert followed["t_end"] >= deleted["t"] + 0.4


def test_waiting_for_a_deletion_ends_with_it(stage: Stage) -> None:
    wait = kubectl("wait", "--for=delete", "pod/one", background=True, settle=0)
    recording = after_ready(stage, wait, DELETE, GONE)
    (waited,) = [c for c in recording.trace["cli"] if c["argv"][1] == "wait"]
    assert (waited["rc"], waited["stdout"]) == (0, "pod/one condition met\n")


# --- objects beside pods ------------------------------------------------------------------------------------------


def test_objects_beside_a_pod_are_applied_listed_and_deleted_with_it(stage: Stage) -> None:
    recording = stage.record(
        APPLY,
        APPLY,
        kubectl("get", "cm,pods"),
        kubectl("patch", "cm", "cfg", "-p", '{"data":{"a":"c"}}'),
        kubectl("delete", "-f", "manifest.yaml", "--now"),
        manifest=f"{CONFIG}---\n{ONE}",
    )
    assert said(recording, 0)[1] == "configmap/cfg created\npod/one created\n"
    assert said(recording, 1)[1] == "configmap/cfg unchanged\npod/one unchanged\n"
    assert said(recording, 2)[1].startswith("NAME            DATA   AGE\nconfigmap/cfg   1      0s\n\nNAME      READY ")
    assert said(recording, 3)[1] == "configmap/cfg patched\n"
    assert said(recording, 4)[1] == 'configmap "cfg" deleted from n namespace\npod "one" deleted from n namespace\n'


def test_what_has_no_effect_is_noted_once(stage: Stage) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
    recording = stage.record(APPLY, APPLY, manifest=f"{ONE}  dnsPolicy: Default\n---\n{service}")
    assert [note.partition(" has no effect in the lab: ")[0] for note in recording.trace["notes"]] == [
        "manifest.yaml, line 10: spec.dnsPolicy",
        "manifest.yaml, line 13: kind",
    ]
    assert said(recording, 0)[1] == "pod/one created\nservice/web created\n"


# --- raw requests -------------------------------------------------------------------------------------------------


def test_an_eviction_marks_the_pod_and_deletes_it_gracefully(stage: Stage) -> None:
    recording = after_ready(stage, api("POST", "pods/one/eviction", {"kind": "Eviction"}), GONE)
    assert codes(recording) == [(201, "")]
    last = recording.trace["podStates"][-1]
    assert last["conditions"]["DisruptionTarget"] == "True:EvictionByEvictionAPI"
    assert next(iter(last["conditions"])) == "DisruptionTarget"
    assert recording.trace["t_delete"] == [recording.trace["cli"][0]["t"]]
    assert [e["reason"] for e in recording.trace["events"]][-1] == "Killing"


def test_a_disruption_budget_keeps_a_pod_from_eviction(stage: Stage) -> None:
    recording = stage.record(APPLY, READY, api("POST", "pods/one/eviction"), manifest=f"{ONE}---\n{BUDGET}")
    assert codes(recording) == [(429, "Cannot evict pod as it would violate the pod's disruption budget.")]


def test_pods_are_read_created_changed_and_deleted_by_requests(stage: Stage) -> None:
    raw = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "raw"},
        "spec": {"containers": [{"name": "c", "image": "busybox"}]},
    }
    recording = after_ready(
        stage,
        api("GET", "pods/one"),
        api("GET", "pods/nope"),
        api("POST", "pods", raw),
        api("POST", "pods", raw),
        api("POST", "pods", {**raw, "metadata": {"name": "bad"}, "spec": {}}),
        api("PATCH", "pods/one", {"metadata": {"annotations": {"a": "b"}}}),
        api("PATCH", "pods/one", [{"op": "remove", "path": "/nope"}]),
        api("DELETE", "pods/raw", {"gracePeriodSeconds": 0, "preconditions": {"uid": "x"}}),
        api("DELETE", "pods/raw", {"gracePeriodSeconds": 0}),
        api("DELETE", "pods?labelSelector=app%3Dweb"),
        GONE,
    )
    assert [code for code, _ in codes(recording)] == [200, 404, 201, 409, 422, 200, 422, 409, 200, 200]
    messages = [message for _, message in codes(recording)]
    assert messages[1] == 'pods "nope" not found'
    assert messages[3] == 'pods "raw" already exists'
    assert messages[4] == 'Pod "bad" is invalid: spec.containers: Required value'
    assert messages[7].startswith('Operation cannot be fulfilled on pods "raw": Precondition failed: UID in precondition: x, UID')
    assert recording.trace["gone_t"].keys() == {"one", "raw"}


def test_a_status_is_patched_beside_what_the_kubelet_publishes(stage: Stage) -> None:
    gated = f"{ONE}  readinessGates: [{{conditionType: example.com/gate}}]\n"
    condition = {"status": {"conditions": [{"type": "example.com/gate", "status": "True"}]}}
    recording = stage.record(
        APPLY,
        {"do": "wait", "for": "running"},
        {"do": "wait", "for": "time=2"},
        kubectl("get", "pods", "-o", "wide", "--no-headers"),
        api("PATCH", "pods/one/status", condition),
        READY,
        kubectl("get", "pods", "-o", "wide", "--no-headers"),
        manifest=gated,
    )
    assert recording.trace["notes"] == []
    rows = [c["stdout"] for c in recording.trace["cli"] if c.get("argv", ())[1:2] == ["get"]]
    assert [row.split()[-1] for row in rows] == ["0/1", "1/1"]
    ready = [state["conditions"].get("Ready") for state in recording.trace["podStates"]]
    assert ready[-1] == "True"
    assert "False:ReadinessGatesNotReady" in ready


def test_a_request_that_the_lab_does_not_serve_is_noted(stage: Stage) -> None:
    recording = stage.record({"do": "api", "method": "GET", "path": "/apis/apps/v1/namespaces/$NS/deployments"})
    assert recording.trace["notes"] == ["not supported by this lab: api GET /apis/apps/v1/namespaces/$NS/deployments"]
