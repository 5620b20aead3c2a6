"""What a container's variables and volumes refer to, on the scripted runtime in virtual time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.kubelet.environment import SERVICE_VARIABLES
from lab.runtime.runtime import ContainerConfig
from lab.runtime.scripted import ContainerScript
from tests.kubelet.stage import Stage, Story, brief, container, pod, polite

Given = Callable[..., Stage]
CONFIG = {"a": "1", "b.txt": "two\n"}


def beside(kind: str, name: str, **more: Any) -> str:
    return json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **more})


def created(story: Story) -> ContainerConfig:
    return story.stage.runtime.created[-1]


def own_variables(story: Story) -> dict[str, str]:
    return {name: value for name, value in created(story).env if (name, value) not in SERVICE_VARIABLES}


def mounted(story: Story, target: str) -> Path:
    return next(Path(mount.source) for mount in created(story).mounts if mount.target == target)


def test_variables_come_from_config_maps_and_secrets(given: Given) -> None:
    stage = given(app=polite())
    stage.kubectl("apply", beside("ConfigMap", "cfg", data=CONFIG))
    stage.kubectl("apply", beside("Secret", "cred", stringData={"password": "s3cret"}))
    env = [
        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "a"}}},
        {"name": "NONE", "valueFrom": {"configMapKeyRef": {"name": "nope", "key": "x", "optional": True}}},
        {"name": "AGAIN", "value": "$(A)$(SECRET_password)"},
    ]
    env_from = [{"secretRef": {"name": "cred"}, "prefix": "SECRET_"}, {"configMapRef": {"name": "nope", "optional": True}}]
    story = stage.run(pod(container(env=env, envFrom=env_from)))
    assert own_variables(story) == {"SECRET_password": "s3cret", "A": "1", "AGAIN": "1s3cret"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"envFrom": [{"configMapRef": {"name": "later"}}]}, 'configmap "later" not found'),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "later", "key": "k"}}}]},
            'secret "later" not found',
        ),
    ],
)
def test_a_container_whose_variables_refer_to_nothing_waits_for_them(given: Given, more: dict[str, Any], message: str) -> None:
    stage = given(app=polite())
    story = stage.run(pod(container(**more)))
    (status,) = story.object()["status"]["containerStatuses"]
    assert status["state"]["waiting"] == {"reason": "CreateContainerConfigError", "message": message}
    kind = "ConfigMap" if "envFrom" in more else "Secret"
    stage.kubectl("apply", beside(kind, "later", **({"data": {"k": "v"}} if kind == "ConfigMap" else {"stringData": {"k": "v"}})))
    stage.clock.sleep(20)
    assert list(own_variables(story).values()) == ["v"]


def test_a_missing_key_is_named_with_its_object(given: Given) -> None:
    stage = given(app=polite())
    stage.kubectl("apply", beside("ConfigMap", "cfg", data=CONFIG))
    env = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "z"}}}]
    story = stage.run(pod(container(env=env)))
    waiting = story.object()["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["message"] == "couldn't find key z in ConfigMap default/cfg"


def test_amounts_are_told_in_units_of_the_divisor_rounded_up(given: Given) -> None:
    def amount(name: str, resource: str, **more: str) -> dict[str, Any]:
        return {"name": name, "valueFrom": {"resourceFieldRef": {"resource": resource, **more}}}

    env = [
        amount("CPU", "limits.cpu"),
        amount("MILLI", "limits.cpu", divisor="1m"),
        amount("MEMORY", "requests.memory", divisor="1Mi"),
        amount("NODE", "limits.memory"),
    ]
    resources = {"limits": {"cpu": "250m"}, "requests": {"memory": "33Mi"}}
    story = given(app=polite()).run(pod(container(env=env, resources=resources)))
    assert own_variables(story) == {"CPU": "1", "MILLI": "250", "MEMORY": "33", "NODE": str(128 << 20)}


def test_files_come_from_config_maps_secrets_and_the_pod_itself(given: Given) -> None:
    stage = given(app=polite())
    stage.kubectl("apply", beside("ConfigMap", "cfg", data=CONFIG))
    stage.kubectl("apply", beside("Secret", "cred", stringData={"password": "s3cret"}))
    sources = [
        {"configMap": {"name": "cfg", "items": [{"key": "b.txt", "path": "deep/b", "mode": 0o400}]}},
        {"secret": {"name": "cred"}},
        {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ]
    volumes = [{"name": "all", "projected": {"sources": sources}}, {"name": "cfg", "configMap": {"name": "cfg"}}]
    mounts = [
        {"name": "all", "mountPath": "/all"},
        {"name": "cfg", "mountPath": "/cfg"},
        {"name": "cfg", "mountPath": "/one", "subPath": "b.txt"},
    ]
    metadata = {"labels": {"tier": "front", "app": "web"}}
    story = stage.run(pod(container(volumeMounts=mounts), volumes=volumes, metadata=metadata))
    files = mounted(story, "/all")
    assert (files / "deep/b").read_text() == "two\n"
    assert (files / "deep/b").stat().st_mode & 0o777 == 0o400
    assert (files / "password").read_text() == "s3cret"
    assert (files / "labels").read_text() == 'app="web"\ntier="front"'
    assert sorted(p.name for p in mounted(story, "/cfg").iterdir() if not p.name.startswith("..")) == ["a", "b.txt"]
    assert mounted(story, "/one").read_text() == "two\n"
    assert all(mount.read_only for mount in created(story).mounts if mount.target in ("/all", "/cfg", "/one"))


def test_a_volume_of_a_missing_object_is_not_mounted_and_events_say_why(given: Given) -> None:
    story = given(app=polite()).run(
        pod(container(volumeMounts=[{"name": "v", "mountPath": "/v"}]), volumes=[{"name": "v", "secret": {"secretName": "nope"}}])
    )
    assert 'MountVolume.SetUp failed for volume "v" : secret "nope" not found' in "\n".join(story.events())
    assert story.stage.runtime.created == []


def test_a_sub_path_may_name_variables(given: Given) -> None:
    mount = {"name": "v", "mountPath": "/v", "subPathExpr": "logs/$(NAME)"}
    env = [{"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    story = given(app=polite()).run(pod(container(volumeMounts=[mount], env=env), volumes=[{"name": "v", "emptyDir": {}}]))
    assert mounted(story, "/v").parts[-2:] == ("logs", "p")


def test_host_aliases_stand_in_the_pods_own_hosts_file(given: Given) -> None:
    aliases = [{"ip": "10.1.2.3", "hostnames": ["broker.local", "b"]}]
    story = given(app=polite()).run(pod(container(), hostname="kafka-0", hostAliases=aliases))
    text = mounted(story, "/etc/hosts").read_text()
    assert text.startswith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
    assert "\tkafka-0\n" in text
    assert text.endswith("\n# Entries added by HostAliases.\n10.1.2.3\tbroker.local\tb\n")


def test_a_missing_pull_secret_is_told_of_and_the_image_is_looked_up_all_the_same(given: Given) -> None:
    story = given(app=polite()).run(pod(container(), imagePullSecrets=[{"name": "regcred"}]))
    message = "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed."
    assert any(event.endswith(message) for event in story.events())
    assert story.object()["status"]["phase"] == "Running"


def test_groups_and_capabilities_are_handed_to_the_runtime(given: Given) -> None:
    security = {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}
    story = given(app=polite()).run(
        pod(container(securityContext=security), securityContext={"fsGroup": 2000, "supplementalGroups": [3000]})
    )
    config = created(story)
    assert config.supplemental_groups == (2000, 3000)
    assert (config.dropped_capabilities, config.added_capabilities) == (("ALL",), ("NET_BIND_SERVICE",))


def test_a_restart_rule_restarts_what_the_policy_would_not(given: Given) -> None:
    rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
    script: ContainerScript = brief((0.5, 42), (0.5, 1))
    story = given(app=script).run(pod(container(restartPolicy="Never", restartPolicyRules=rules), restartPolicy="Never"), 30)
    (status,) = story.object()["status"]["containerStatuses"]
    assert (status["restartCount"], status["state"]["terminated"]["exitCode"]) == (1, 1)
    assert story.object()["status"]["phase"] == "Failed"


def test_a_grpc_probe_fails_where_nothing_listens(given: Given) -> None:
    probe = {"grpc": {"port": 1}, "failureThreshold": 1, "periodSeconds": 3}
    story = given(app=polite(), pod_ip="127.0.0.1").run(pod(container(livenessProbe=probe)), 8)
    failed = next(e for e in story.events() if "Liveness probe failed" in e)
    assert failed.endswith(': timeout: failed to connect service "127.0.0.1:1" within 1s: context deadline exceeded')
