from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.pods.decode import pod_from_object
from lab.pods.manifest import MAX_TEXT_BYTES
from lab.pods.review import ReviewedDocument, refusal_text, refusals_text, review

Reviewed = Callable[..., ReviewedDocument]
MANIFESTS = Path(__file__).parent / "manifests"
REFUSED_AS_RECORDED = {"E2": "may not be set for init containers without restartPolicy=Always"}


@pytest.mark.parametrize("path", sorted(MANIFESTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_manifests_that_a_real_node_ran_are_accepted_and_decode(path: Path) -> None:
    for document in review(path.read_text(), feature_gates=frozenset({"ContainerStopSignals"})).documents:
        if path.stem in REFUSED_AS_RECORDED:
            assert document.refusal is not None
            assert REFUSED_AS_RECORDED[path.stem] in document.refusal.message
        else:
            assert document.refusal is None
            assert document.object is not None
            assert pod_from_object(document.object).name == document.name


def test_the_object_is_the_one_a_real_server_stores() -> None:
    (document,) = review((MANIFESTS / "A1.yaml").read_text(), namespace="a1").documents
    toleration = {"effect": "NoExecute", "operator": "Exists", "tolerationSeconds": 300}
    hook = ["/bin/sh", "-c", "echo Hello from the postStart handler > /usr/share/message"]
    # As recorded, less what the registry, the scheduler and the service-account admission add.
    assert document.object == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "lifecycle-demo", "namespace": "a1", "generation": 1},
        "spec": {
            "containers": [
                {
                    "image": "nginx",
                    "imagePullPolicy": "Always",
                    "lifecycle": {"postStart": {"exec": {"command": hook}}},
                    "name": "lifecycle-demo-container",
                    "resources": {},
                    "terminationMessagePath": "/dev/termination-log",
                    "terminationMessagePolicy": "File",
                }
            ],
            "dnsPolicy": "ClusterFirst",
            "enableServiceLinks": True,
            "preemptionPolicy": "PreemptLowerPriority",
            "priority": 0,
            "restartPolicy": "Always",
            "schedulerName": "default-scheduler",
            "securityContext": {},
            "serviceAccount": "default",
            "serviceAccountName": "default",
            "terminationGracePeriodSeconds": 30,
            "tolerations": [
                {**toleration, "key": "node.kubernetes.io/not-ready"},
                {**toleration, "key": "node.kubernetes.io/unreachable"},
            ],
        },
    }


def test_the_first_stage_answers_and_the_later_ones_are_also_found(reviewed: Reviewed) -> None:
    document = reviewed(
        """\
    stdin: 'no'
    tty: 3
    lifecycle:
      preStop: {}
      prestop: {}
    volumeDevices: [{name: a, devicePath: /dev/x}]
  activeDeadlineSeconds: 0
"""
    )
    assert document.refusal is not None
    assert document.refusal.reason == "BadRequest"
    assert [(note.path, note.line, note.kind) for note in document.refusal.notes] == [
        ("spec.containers[0].stdin", 9, "TypeError")
    ]
    assert [(note.path, note.line, note.kind) for note in document.also_found] == [
        ("spec.containers[0].tty", 10, "TypeError"),
        ("spec.containers[0].lifecycle.prestop", 13, "UnknownField"),
        ("spec.containers[0].lifecycle.preStop", 12, "FieldValueRequired"),
        ("spec.activeDeadlineSeconds", 15, "FieldValueInvalid"),
        ("spec.containers[0].volumeDevices", 14, "Unsupported"),
    ]


def test_a_value_that_did_not_fit_is_not_also_reported_as_missing(reviewed: Reviewed) -> None:
    document = reviewed("    lifecycle: {preStop: {exec: [a]}}\n")
    assert document.refusal is not None
    assert document.also_found == ()


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ("    volumeDevices: [{name: a, devicePath: /dev/x}]\n", "spec.containers[0].volumeDevices"),
        ("    resources: {limits: {nvidia.com/gpu: 1}}\n", "spec.containers[0].resources.limits.nvidia.com/gpu"),
        ("  volumes: [{name: a, persistentVolumeClaim: {claimName: x}}]\n", "spec.volumes[0].persistentVolumeClaim"),
        ("  volumes: [{name: a, emptyDir: {medium: HugePages}}]\n", "spec.volumes[0].emptyDir.medium"),
        ("  nodeName: elsewhere\n", "spec.nodeName"),
        ("  os: {name: windows}\n", "spec.os.name"),
    ],
)
def test_what_kubernetes_has_and_the_lab_does_not_run_is_refused_by_the_lab(reviewed: Reviewed, more: str, path: str) -> None:
    document = reviewed(more)
    assert document.refusal is not None
    assert document.refusal.by == "lab"
    assert [note.path for note in document.refusal.notes] == [path]
    assert document.refusal.notes[0].message.startswith("not supported by this lab: ")
    assert document.refusal.notes[0].line == 9


@pytest.mark.parametrize(
    ("more", "path"),
    [
        (
            "    securityContext: {allowPrivilegeEscalation: true}\n",
            "spec.containers[0].securityContext.allowPrivilegeEscalation",
        ),
        ("    ports: [{containerPort: 80, hostPort: 80}]\n", "spec.containers[0].ports[0].hostPort"),
        ("    resources: {limits: {ephemeral-storage: 1Gi}}\n", "spec.containers[0].resources.limits.ephemeral-storage"),
        ("  securityContext: {seccompProfile: {type: Unconfined}}\n", "spec.securityContext.seccompProfile.type"),
        ("  securityContext: {sysctls: [{name: a, value: b}]}\n", "spec.securityContext.sysctls"),
        ("  affinity: {podAntiAffinity: {}}\n", "spec.affinity.podAntiAffinity"),
        ("  topologySpreadConstraints: [{maxSkew: 1}]\n", "spec.topologySpreadConstraints"),
        ("  dnsPolicy: None\n", "spec.dnsPolicy"),
        ("  hostUsers: false\n", "spec.hostUsers"),
        ("  hostNetwork: true\n", "spec.hostNetwork"),
        ("  shareProcessNamespace: true\n", "spec.shareProcessNamespace"),
        ("    securityContext: {privileged: true}\n", "spec.containers[0].securityContext.privileged"),
        ("    securityContext: {capabilities: {add: [SYS_ADMIN]}}\n", "spec.containers[0].securityContext.capabilities.add"),
    ],
)
def test_what_is_stored_and_changes_nothing_here_is_remarked_on(reviewed: Reviewed, more: str, path: str) -> None:
    document = reviewed(more)
    assert document.refusal is None
    (note,) = [note for note in document.warnings if note.kind == "NoEffect"]
    assert (note.path, note.line) == (path, 9)
    assert note.message.startswith("has no effect in the lab: ")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "  serviceAccountName: x\n",
            'pods "demo" is forbidden: error looking up service account default/x: serviceaccount "x" not found',
        ),
        ("  priorityClassName: high\n", 'pods "demo" is forbidden: no PriorityClass with name high was found'),
        (
            "  priority: 5\n",
            (
                'pods "demo" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission'
                " controller computed 0 from the given PriorityClass name"
            ),
        ),
        ("  runtimeClassName: gvisor\n", 'pods "demo" is forbidden: pod rejected: RuntimeClass "gvisor" not found'),
    ],
)
def test_admission_refuses_what_refers_to_nothing(reviewed: Reviewed, more: str, message: str) -> None:
    document = reviewed(more)
    assert document.refusal is not None
    assert (document.refusal.code, document.refusal.reason, document.refusal.message) == (403, "Forbidden", message)
    assert document.refusal.notes[0].line == 9


def test_a_pod_has_the_priority_of_its_class(reviewed: Reviewed) -> None:
    document = reviewed("  priorityClassName: system-node-critical\n")
    assert document.object is not None
    assert document.object["spec"]["priority"] == 2_000_001_000


def test_an_object_of_the_same_file_is_there_for_the_pods_after_it() -> None:
    text = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high}
value: 7
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  serviceAccountName: web
  priorityClassName: high
  containers: [{name: app, image: busybox}]
"""
    account, priority, pod = review(text).documents
    assert (account.refusal, priority.refusal, pod.refusal) == (None, None, None)
    assert pod.object is not None
    assert pod.object["spec"]["priority"] == 7


def test_a_pod_of_more_containers_than_a_lesson_needs_is_refused_by_the_lab() -> None:
    containers = "".join(f"\n  - {{name: c{number}, image: busybox}}" for number in range(17))
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:{containers}\n"
    (document,) = review(text).documents
    assert document.refusal is not None
    assert document.refusal.by == "lab"
    (note,) = document.refusal.notes
    assert (note.path, note.line) == ("spec.containers", 5)
    assert "17 containers in a pod; it runs at most 16" in note.message
    (accepted,) = review(text.replace("\n  - {name: c16, image: busybox}", "")).documents
    assert accepted.refusal is None


@pytest.mark.parametrize(
    "more",
    [
        "  hostNetwork: false\n",
        "  hostPID: null\n",
        "    securityContext: {privileged: false, allowPrivilegeEscalation: false, runAsUser: 0}\n",
        "    envFrom: []\n",
        "    resources: {limits: {cpu: 1, memory: 64Mi}}\n",
        "  tolerations: [{operator: Exists}]\n",
        "  schedulerName: default-scheduler\n",
        "  os: {name: linux}\n",
        "  securityContext: {seccompProfile: {type: RuntimeDefault}}\n",
        "  automountServiceAccountToken: false\n",
        "status: {phase: Running}\n",
    ],
)
def test_what_says_no_more_than_the_lab_does_anyway_is_accepted(reviewed: Reviewed, more: str) -> None:
    assert reviewed(more).refusal is None


def test_empty_values_are_left_out_as_the_api_leaves_them_out(reviewed: Reviewed) -> None:
    document = reviewed("    args: []\n    stdin: false\n    workingDir: ''\n    env: [{name: A, value: ''}]\n  hostname: ''\n")
    assert document.object is not None
    container = document.object["spec"]["containers"][0]
    assert not {"args", "stdin", "workingDir"} & set(container)
    assert container["env"] == [{"name": "A"}]
    assert "hostname" not in document.object["spec"]


def test_a_generated_name_is_left_to_the_registry() -> None:
    text = (MANIFESTS / "A1.yaml").read_text().replace("name: lifecycle-demo\n", "generateName: demo-\n", 1)
    (document,) = review(text, verb="create").documents
    assert document.refusal is None
    assert document.object is not None
    assert document.object["metadata"] == {"generateName": "demo-", "namespace": "default", "generation": 1}
    (refused,) = review(text, verb="apply").documents
    assert refused.refusal is not None
    assert refused.refusal.message == "from demo-: cannot use generate name with apply"


def test_other_kinds_are_refused_by_the_lab_and_unknown_ones_by_kubectl() -> None:
    deployment, unknown = review("apiVersion: apps/v1\nkind: Deployment\n---\napiVersion: v9\nkind: Service\n").documents
    assert deployment.refusal is not None
    assert (deployment.refusal.by, deployment.refusal.notes[0].line) == ("lab", 2)
    assert deployment.refusal.message.startswith("cannot run a Deployment: not supported by this lab")
    assert unknown.refusal is not None
    assert (unknown.refusal.by, unknown.refusal.notes[0].line) == ("client", 5)


def test_a_config_map_is_taken_and_a_service_is_said_to_do_nothing() -> None:
    text = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {a: b}
---
apiVersion: v1
kind: Service
metadata: {name: s}
"""
    config, service = review(text, namespace="n").documents
    assert config.object == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "n"},
        "data": {"a": "b"},
    }
    assert config.warnings == ()
    assert service.object is not None
    assert [(note.kind, note.line) for note in service.warnings] == [("NoEffect", 7)]


def test_the_plain_strings_of_a_secret_join_its_data() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: YQ==}\nstringData: {b: bb}\n"
    (secret,) = review(text).documents
    assert secret.object is not None
    assert (secret.object["data"], secret.object["type"]) == ({"a": "YQ==", "b": "YmI="}, "Opaque")


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        (
            "ConfigMap",
            "data: {a: 1}",
            (
                'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field'
                " ConfigMap.data of type string"
            ),
        ),
        (
            "Secret",
            "data: {a: '%%%'}",
            'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0',
        ),
        (
            "ConfigMap",
            "date: {a: b}",
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "date"',
        ),
        (
            "ConfigMap",
            "data: {'a b': c}",
            (
                'ConfigMap "x" is invalid: data[a b]: Invalid value: "a b": a valid config key must consist of alphanumeric'
                " characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is"
                " '[-._a-zA-Z0-9]+')"
            ),
        ),
    ],
)
def test_objects_beside_pods_are_refused_in_the_servers_words(kind: str, more: str, message: str) -> None:
    (document,) = review(f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: x}}\n{more}\n").documents
    assert document.refusal is not None
    assert document.refusal.message == message
    assert document.refusal.notes[0].line == 4


def test_kubectl_reads_no_further_than_a_document_without_a_kind() -> None:
    (document,) = review("a: 1\n---\napiVersion: v1\nkind: Pod\n").documents
    assert document.refusal is not None
    assert document.refusal.by == "client"
    assert [note.line for note in document.also_found] == [3]


def test_a_text_over_the_labs_bound_is_refused_as_a_whole() -> None:
    reviewed = review("#" * MAX_TEXT_BYTES + "\n")
    assert reviewed.documents == ()
    assert reviewed.refusal is not None
    assert reviewed.refusal.message == "cannot read more than 64 KiB of YAML; shorten the text"


def test_each_refusal_is_printed_as_kubectl_prints_it(reviewed: Reviewed) -> None:
    invalid = reviewed("    stdin: true\n  restartPolicy: x\n").refusal
    assert invalid is not None
    assert refusal_text(invalid, filename="f.yaml", name="demo").startswith(
        'The Pod "demo" is invalid: spec.restartPolicy: Unsupported'
    )
    unknown = reviewed("    nope: 1\n").refusal
    assert unknown is not None
    assert refusal_text(unknown, filename="f.yaml", name="demo").startswith(
        'Error from server (BadRequest): error when creating "f.yaml": Pod in version "v1" cannot be handled as a Pod: strict'
    )


def test_several_refusals_of_a_file_are_listed_with_kubectls_own_first() -> None:
    pod = (MANIFESTS / "A1.yaml").read_text()
    text = f"{pod.replace('nginx', '')}---\napiVersion: v1\nkind: Foo\nmetadata: {{name: x}}\n"
    refused = tuple((d.refusal, d.name) for d in review(text, filename="f.yaml").documents if d.refusal)
    first, _, second = refusals_text(refused, filename="f.yaml").partition("\nensure CRDs are installed first\n")
    assert first.startswith("resource mapping not found")
    assert second == (
        'Error from server (Invalid): error when creating "f.yaml": Pod "lifecycle-demo" is invalid:'
        " spec.containers[0].image: Required value\n"
    )
