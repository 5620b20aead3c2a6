"""Copy-out: the commands that show on a real cluster what the lab shows, told from the manifest."""

from __future__ import annotations

from lab.insight.real_cluster import Order, RealCluster, real_cluster

POD = """apiVersion: v1
kind: Pod
metadata: {name: demo}
spec:
  volumes:
  - {name: message, hostPath: {path: /tmp/message/, type: Directory}}
  containers:
  - name: web
    image: nginx
    volumeMounts: [{name: message, mountPath: /usr/share}]
    lifecycle:
      postStart: {exec: {command: [sh, -c, "echo hello > /usr/share/message; date >>/run/own; echo x > /dev/null"]}}
      preStop: {exec: {command: [sh, -c, 'echo bye > "/usr/share/bye"']}}
"""


def lines(there: RealCluster) -> list[str]:
    return [line for group in there.commands for line in group.lines]


def english(there: RealCluster) -> str:
    return " ".join(difference.english for difference in there.differences)


def test_a_pod_is_applied_watched_described_and_deleted_by_its_name() -> None:
    found = lines(real_cluster(POD, Order()))
    for line in (
        "kind create cluster",
        "kubectl get pod demo -w",
        "kubectl events --for pod/demo -w",
        "kubectl apply -f pod.yaml",
        "kubectl describe pod demo",
        "kubectl logs demo -c web --timestamps",
        "kubectl delete pod demo",
    ):
        assert line in found
    assert found.index("kubectl get pod demo -w") < found.index("kubectl apply -f pod.yaml")


def test_files_that_the_commands_write_are_read_in_the_container_and_on_the_node() -> None:
    found = lines(real_cluster(POD, Order()))
    assert "kubectl exec demo -c web -- cat /usr/share/message" in found
    assert "kubectl exec demo -c web -- cat /run/own" in found
    assert not any("/dev/null" in line for line in found)
    assert "docker exec kind-control-plane cat /tmp/message/message" in found
    assert "minikube ssh -- sudo cat /tmp/message/bye" in found
    assert not any("kind-control-plane cat /run" in line for line in found)


def test_an_example_is_submitted_and_deleted_as_its_lesson_says() -> None:
    order = Order(verb="create", delete_arguments=("--grace-period=0", "--force"), node_directories=("/tmp/a b",))
    found = lines(real_cluster(POD, order))
    assert "kubectl create -f pod.yaml" in found
    assert "kubectl delete pod demo --grace-period=0 --force" in found
    assert "docker exec kind-control-plane mkdir -p '/tmp/a b'" in found
    assert found.index("minikube ssh -- sudo mkdir -p '/tmp/a b'") < found.index("kubectl create -f pod.yaml")


def test_what_differs_depends_on_the_manifest() -> None:
    told = english(real_cluster(POD, Order()))
    plain = (
        POD.replace("image: nginx", "image: busybox")
        .partition("    lifecycle:")[0]
        .replace("hostPath: {path: /tmp/message/, type: Directory}", "emptyDir: {}")
    )
    less = english(real_cluster(plain, Order()))
    for words in ("official nginx", "run a race", "hostPath lies"):
        assert words in told
        assert words not in less
    assert "no truth view" in less


def test_a_text_without_a_pod_is_still_submitted_and_a_name_is_quoted() -> None:
    assert lines(real_cluster("nonsense: [", Order()))[-1] == "kubectl apply -f pod.yaml"
    evil = POD.replace("name: demo", 'name: "x; rm -rf /"')
    assert "kubectl delete pod 'x; rm -rf /'" in lines(real_cluster(evil, Order()))


def test_nonsense_in_a_pod_raises_nothing() -> None:
    for spec in (
        "3",
        "{containers: 4}",
        "{containers: [{lifecycle: 3, command: x, volumeMounts: [3]}], volumes: [{hostPath: 3}, 4]}",
    ):
        assert lines(real_cluster(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {spec}\n", Order()))
