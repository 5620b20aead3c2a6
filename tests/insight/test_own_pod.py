"""A learner's own pod: hooks as public charts have them, run word for word on a stand-in, with every change said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from lab.insight.own_pod import OwnPod, adopt
from lab.insight.phrase import Phrase
from lab.insight.stand_ins import BUSYBOX, NGINX, calls_of, missing
from lab.pods.review import review


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A workload as a chart renders it: the hook and what matters beside it. ``lacks`` are the programs that the hook misses."""

    kind: str
    image: str
    lifecycle: str
    stand_in: str
    lacks: tuple[str, ...] = ()
    more: str = ""


CHARTS = {
    "ingress-nginx": Chart(
        kind="Deployment",
        image="registry.k8s.io/ingress-nginx/controller:v1.13.2",
        lifecycle="{preStop: {exec: {command: [/wait-shutdown]}}}",
        stand_in="busybox",
        lacks=("/wait-shutdown",),
    ),
    "kong": Chart(
        kind="Deployment",
        image="kong:3.9",
        lifecycle="{preStop: {exec: {command: [kong, quit, '--wait=15']}}}",
        stand_in="busybox",
        lacks=("kong",),
    ),
    "vault": Chart(
        kind="StatefulSet",
        image="hashicorp/vault:1.20.4",
        lifecycle="{preStop: {exec: {command: [/bin/sh, -c, 'sleep 5 && kill -SIGTERM $(pidof vault)']}}}",
        stand_in="busybox",
    ),
    "consul": Chart(
        kind="StatefulSet",
        image="hashicorp/consul:1.21.4",
        lifecycle="{preStop: {exec: {command: [/bin/sh, -c, consul leave]}}}",
        stand_in="busybox",
        lacks=("consul",),
    ),
    "cassandra": Chart(
        kind="StatefulSet",
        image="cassandra:5",
        lifecycle="{preStop: {exec: {command: [/bin/sh, -c, exec nodetool decommission]}}}",
        stand_in="busybox",
        lacks=("nodetool",),
    ),
    "nats": Chart(
        kind="StatefulSet",
        image="nats:2.11-alpine",
        lifecycle="{preStop: {exec: {command: [nats-server, '-sl=ldm=/var/run/nats/nats.pid']}}}",
        stand_in="busybox",
        lacks=("nats-server",),
    ),
    "gitlab-runner": Chart(
        kind="Deployment",
        image="registry.gitlab.com/gitlab-org/gitlab-runner:alpine-v18",
        lifecycle="{preStop: {exec: {command: [/entrypoint, unregister, --all-runners]}}}",
        stand_in="busybox",
        lacks=("/entrypoint",),
    ),
    "elasticsearch": Chart(
        kind="StatefulSet",
        image="docker.elastic.co/elasticsearch/elasticsearch:8.5.1",
        lifecycle="""
          postStart:
            exec:
              command:
              - bash
              - -c
              - |
                until curl -s -o /dev/null "http://localhost:9200"; do sleep 1; done
                curl -XPUT "http://localhost:9200/_template/own" -d '{"settings": {"number_of_shards": 3}}'
""",
        stand_in="nginx",
    ),
    "contour-envoy": Chart(
        kind="DaemonSet",
        image="envoyproxy/envoy:v1.34",
        lifecycle="{preStop: {httpGet: {path: /shutdown, port: 8090, scheme: HTTP}}}",
        stand_in="busybox",
    ),
    "cilium": Chart(
        kind="DaemonSet",
        image="quay.io/cilium/cilium:v1.18",
        lifecycle="{postStart: {exec: {command: [bash, -c, 'echo ready; iptables-save | grep -c AWS']}}, "
        "preStop: {exec: {command: [/cni-uninstall.sh]}}}",
        stand_in="nginx",
        lacks=("iptables-save", "/cni-uninstall.sh"),
        more="hostNetwork: true, priorityClassName: system-node-critical,",
    ),
    "php-fpm": Chart(
        kind="Deployment",
        image="php:8-fpm",
        lifecycle="{preStop: {exec: {command: [sh, -c, 'sleep 3; kill -QUIT 1']}}}",
        stand_in="busybox",
    ),
    "openresty": Chart(
        kind="Deployment",
        image="openresty/openresty:1.27",
        lifecycle="{preStop: {exec: {command: [/usr/sbin/nginx, -s, quit]}}}",
        stand_in="nginx",
    ),
    "sleeping-job": Chart(
        kind="Job",
        image="perl:5",
        lifecycle="{preStop: {sleep: {seconds: 4}}}",
        stand_in="busybox",
        more="restartPolicy: Never,",
    ),
}


def manifest(chart: Chart, name: str = "own") -> str:
    lifecycle = yaml.safe_load(chart.lifecycle)
    spec = yaml.safe_load(f"{{{chart.more} terminationGracePeriodSeconds: 30}}")
    spec["containers"] = [{"name": "app", "image": chart.image, "lifecycle": lifecycle}]
    workload = {"apiVersion": "v1", "kind": chart.kind, "metadata": {"name": name}, "spec": {"template": {"spec": spec}}}
    return yaml.safe_dump(workload)


def adopted(text: str) -> tuple[OwnPod, dict[str, Any]]:
    found = adopt(text)
    assert isinstance(found, OwnPod)
    return found, yaml.safe_load(found.manifest)


def said(remarks: Any) -> list[str]:
    return [remark.phrase.english.format(**remark.phrase.values) for remark in remarks]


def refused(text: str) -> str:
    found = adopt(text)
    assert isinstance(found, Phrase)
    return found.english.format(**found.values)


@pytest.mark.parametrize("name", CHARTS)
def test_the_hook_of_a_chart_stays_word_for_word_and_the_pod_is_accepted(name: str) -> None:
    chart = CHARTS[name]
    found, pod = adopted(manifest(chart, name))
    assert pod["kind"] == "Pod"
    assert pod["metadata"]["name"] == name
    (container,) = pod["spec"]["containers"]
    assert container["lifecycle"] == yaml.safe_load(chart.lifecycle)
    assert container["image"] == chart.stand_in
    assert any(f"{chart.image} is not here" in line for line in said(found.changes))
    (document,) = review(found.manifest).documents
    assert document.refusal is None


@pytest.mark.parametrize("name", CHARTS)
def test_what_a_hook_will_miss_is_said_beforehand_and_nothing_else(name: str) -> None:
    chart = CHARTS[name]
    found, _ = adopted(manifest(chart))
    lines = said(found.concerns)
    named = [line for line in lines if "does not have" in line]
    assert len(named) == len(chart.lacks)
    assert all(any(f"calls {program}," in line for line in named) for program in chart.lacks)


def test_an_http_hook_is_told_that_nothing_listens() -> None:
    found, _ = adopted(manifest(CHARTS["contour-envoy"]))
    assert said(found.concerns) == ["preStop asks port 8090, on which nothing listens in the stand-in: the hook will fail."]


def test_a_hook_that_looks_for_the_program_is_told_that_it_is_not_there() -> None:
    found, _ = adopted(manifest(CHARTS["vault"]))
    assert any("looks for the process vault" in line for line in said(found.concerns))


def test_a_stand_in_with_another_stop_signal_says_so_and_still_ends_by_it() -> None:
    found, pod = adopted(manifest(CHARTS["cilium"]))
    assert any("stop signal is SIGQUIT" in line for line in said(found.changes))
    assert "trap 'exit 0' TERM QUIT" in pod["spec"]["containers"][0]["command"][2]
    assert not any("SIGQUIT" in line for line in said(adopted(manifest(CHARTS["kong"]))[0].changes))


def test_a_script_that_asks_its_own_port_is_told_that_nothing_listens() -> None:
    found, _ = adopted(manifest(CHARTS["elasticsearch"]))
    assert [line.partition(".")[0] for line in said(found.concerns)] == [
        "postStart asks port 9200 of its own pod, on which nothing listens in the stand-in"
    ]


def test_an_image_of_the_lab_keeps_its_command_probes_and_security_context() -> None:
    text = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: nginx
    command: [nginx, -g, daemon off;]
    readinessProbe: {httpGet: {port: 80}}
    lifecycle: {preStop: {exec: {command: [/usr/sbin/nginx, -s, quit]}}}
"""
    found, pod = adopted(text)
    assert found.changes == found.concerns == ()
    assert pod == yaml.safe_load(text)


def test_a_command_that_the_stand_in_can_run_stays() -> None:
    text = manifest(CHARTS["php-fpm"]).replace(
        "image: php:8-fpm", "image: alpine:3\n        command: [sh, -c]\n        args: [sleep 9]"
    )
    _, pod = adopted(text)
    assert (pod["spec"]["containers"][0]["command"], pod["spec"]["containers"][0]["args"]) == (["sh", "-c"], ["sleep 9"])


def test_a_command_of_the_lost_image_gives_way_to_a_shell_that_waits() -> None:
    text = manifest(CHARTS["php-fpm"]).replace(
        "image: php:8-fpm", "image: php:8-fpm\n        command: [php-fpm, -F]\n        args: [-R]"
    )
    found, pod = adopted(text)
    container = pod["spec"]["containers"][0]
    assert container["command"][:2] == ["sh", "-c"]
    assert "trap 'exit 0' TERM QUIT" in container["command"][2]
    assert "args" not in container
    assert any("Your program is not here" in line for line in said(found.changes))


STATEFUL = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: prod}
spec:
  volumeClaimTemplates:
  - metadata: {name: data}
  template:
    metadata: {labels: {app: db}, annotations: {checksum: abc}}
    spec:
      nodeSelector: {disk: ssd}
      initContainers:
      - {name: chown, image: alpine}
      - name: proxy
        image: envoyproxy/envoy:v1
        restartPolicy: Always
        lifecycle: {preStop: {sleep: {seconds: 2}}}
      volumes:
      - {name: config, configMap: {name: db}}
      - {name: old, persistentVolumeClaim: {claimName: old}}
      containers:
      - name: db
        image: postgres:17
        envFrom: [{secretRef: {name: db}}]
        env:
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}
        - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        volumeMounts:
        - {name: data, mountPath: /data}
        - {name: config, mountPath: /etc/db}
        lifecycle: {preStop: {exec: {command: [pg_ctl, stop]}}}
"""


def test_what_refers_to_other_objects_is_replaced_or_left_out_and_said() -> None:
    found, pod = adopted(STATEFUL)
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    assert sorted(volume["name"] for volume in spec["volumes"]) == ["data", "old"]
    assert all(volume["emptyDir"] == {} for volume in spec["volumes"])
    assert [mount["name"] for mount in container["volumeMounts"]] == ["data"]
    assert container["env"][0] == {"name": "PASSWORD", "value": "stand-in"}
    assert "valueFrom" in container["env"][1]
    assert [sidecar["name"] for sidecar in spec["initContainers"]] == ["proxy"]
    assert pod["metadata"] == {"name": "db", "labels": {"app": "db"}}
    paths = {change.path for change in found.changes}
    spec_path = "spec.template.spec"
    assert paths >= {
        "spec.template",
        "spec.volumeClaimTemplates[0]",
        f"{spec_path}.nodeSelector",
        f"{spec_path}.initContainers[0]",
        f"{spec_path}.volumes[0]",
        f"{spec_path}.volumes[1]",
        f"{spec_path}.containers[0].env[0]",
        f"{spec_path}.containers[0].envFrom",
        "metadata.annotations",
        "metadata.namespace",
    }
    assert review(found.manifest).documents[0].refusal is None


def test_of_several_objects_the_one_with_a_hook_is_run() -> None:
    plain = "apiVersion: v1\nkind: Pod\nmetadata: {name: first}\nspec: {containers: [{name: a, image: busybox}]}\n"
    found, pod = adopted(f"{plain}---\n{manifest(CHARTS['kong'], 'second')}")
    assert pod["metadata"]["name"] == "second"
    assert "Other objects of the text, 1 in number" in said(found.changes)[0]


def test_a_list_of_objects_is_looked_into() -> None:
    items = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(manifest(CHARTS["kong"], "inside"))]})
    assert adopted(items)[1]["metadata"]["name"] == "inside"


def test_a_cron_job_and_a_pod_without_a_hook() -> None:
    job = {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "busybox"}]}}}}
    text = yaml.safe_dump({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "n"}, "spec": {"jobTemplate": job}})
    found, _ = adopted(text)
    assert said(found.concerns) == ["There is no hook in this pod."]


def test_a_long_grace_period_is_kept_and_remarked_upon() -> None:
    text = manifest(CHARTS["kong"]).replace("terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 300")
    found, pod = adopted(text)
    assert pod["spec"]["terminationGracePeriodSeconds"] == 300
    assert any("grace period of 300 s is kept" in line for line in said(found.concerns))


@pytest.mark.parametrize(
    "text",
    [
        "kind: Deployment\nmetadata: {name: {{ .Release.Name }}}\n",
        "{{- if .Values.enabled }}\nkind: Pod\n{{- end }}\n",
        'metadata:\n  labels: {{- include "chart.labels" . | nindent 4 }}\n',
    ],
)
def test_a_helm_template_is_sent_back_with_the_command_that_renders_it(text: str) -> None:
    assert "helm template" in refused(text)


def test_braces_in_a_hook_are_no_helm() -> None:
    hook = """docker inspect --format '{{json .State}}' x"""
    chart = Chart(kind="Pod", image="busybox", lifecycle="{}", stand_in="busybox")
    pod = yaml.safe_load(manifest(chart))["spec"]["template"]["spec"]
    pod["containers"][0]["lifecycle"] = {"preStop": {"exec": {"command": ["sh", "-c", hook]}}}
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pod})
    assert adopted(text)[1]["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][2] == hook


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "There is no pod"),
        ("kind: Service\n", "There is no pod"),
        ("kind: Deployment\nspec: 3\n", "There is no pod"),
        ("kind: Pod\nspec: {containers: []}\n", "There is no pod"),
        ("- a\n- b\n", "There is no pod"),
        ("kind: Pod\n  spec: [\n", "Line "),
        ("kind: [1]\n", "There is no pod"),
    ],
)
def test_a_text_without_a_pod_is_refused_with_a_reason(text: str, words: str) -> None:
    assert words in refused(text)


@pytest.mark.parametrize(
    "spec",
    [
        "{containers: [{name: a, image: 3, env: 4, volumeMounts: x, lifecycle: 7, command: no, args: {}}]}",
        "{containers: [{name: a, lifecycle: {preStop: {exec: {command: [1, null]}, httpGet: 3}}}], volumes: 3}",
        "{containers: [{}, 3], initContainers: {a: b}, volumes: [{name: [x]}, 4]}",
        "{containers: [{volumeMounts: [{name: []}, {name: {a: b}}], ports: 3, env: [1, {name: {}, valueFrom: 3}]}]}",
    ],
)
def test_nonsense_in_a_pod_raises_nothing(spec: str) -> None:
    assert isinstance(adopt(f"apiVersion: v1\nkind: Pod\nmetadata: 3\nspec: {spec}\n"), OwnPod)


def test_programs_are_read_out_of_scripts() -> None:
    script = "A=1 foo; timeout 5 bar -x || exit 1; if test -f /x; then exec baz; fi; echo $(qux); for i in 1; do sleep 1; done"
    assert calls_of(("sh", "-c", script)).programs == (
        "sh",
        "foo",
        "timeout",
        "bar",
        "exit",
        "test",
        "exec",
        "baz",
        "echo",
        "sleep",
        "qux",
    )
    assert missing(("sh", "-c", script), BUSYBOX) == ("foo", "bar", "baz", "qux")
    assert missing(("/opt/bin/sleep", "3"), NGINX) == ("/opt/bin/sleep",)
    assert calls_of(("bash", "/scripts/stop.sh")).scripts == ("/scripts/stop.sh",)
    assert not calls_of(("sh", "-c", "case $1 in a) x;; esac")).is_whole
