"""The Pod of v1.36: every field, its Go type, and what this lab does with it and why.

A field that is not here is unknown to Kubernetes. What the lab never runs is opaque below its first level. A comment or a
reason stands wherever the answer is not plain "the lab runs it".
Source: staging/src/k8s.io/api/core/v1/types.go, apimachinery/pkg/apis/meta/v1/types.go (v1.36).
"""

from __future__ import annotations

from lab.pods.object_fields import OBJECT_META, OBJECT_STRUCTS
from lab.pods.schema import Field, only, refused, required, run, stored, without_effect
from lab.pods.volume_fields import VOLUME_STRUCTS

_NO_SCHEDULER = "the lab has one node and no scheduling to influence; leave it out"
_ONE_NODE = "the lab has one node"
_HARDENED_ALIKE = "containers of the lab are hardened alike, and a manifest cannot change that"
_NO_CLAIMS = "the lab has no devices to claim; leave it out"
_NO_DNS = "pods of the lab have no DNS"
_NO_PORTS = "the lab opens no ports on its node; the container is reached at the pod's IP"

_POD = {
    "apiVersion": run("string"),
    "kind": run("string"),
    "metadata": run("v1.ObjectMeta"),
    "spec": run("v1.PodSpec"),
    "status": stored("v1.PodStatus"),  # the server overwrites it on create
}

_POD_SPEC = {
    "volumes": run("[]v1.Volume"),
    "initContainers": run("[]v1.Container"),
    "containers": run("[]v1.Container"),
    "ephemeralContainers": run("[]v1.EphemeralContainer"),  # validation forbids it on create
    "restartPolicy": run("v1.RestartPolicy"),
    "terminationGracePeriodSeconds": run("*int64"),
    "activeDeadlineSeconds": run("*int64"),
    "nodeSelector": run("map[string]string"),
    "hostname": run("string"),
    "securityContext": run("v1.PodSecurityContext"),
    "serviceAccountName": run("string"),  # admission refuses all but the namespace's only one, default
    "serviceAccount": run("string"),
    "os": run("v1.PodOS"),
    "tolerations": stored("[]v1.Toleration"),  # the node has no taints
    "automountServiceAccountToken": stored(
        "*bool"
    ),  # Differs from the kubelet: no token is ever mounted, there is no API to use it on
    "enableServiceLinks": stored("*bool"),  # there are no Services
    "priorityClassName": run("string"),  # admission knows the two classes that every cluster has
    "priority": run("*int32"),  # admission computes it, and compares
    "preemptionPolicy": run("*v1.PreemptionPolicy"),
    "schedulerName": run("string"),  # no other scheduler runs here, as in most clusters: the pod stays Pending
    "imagePullSecrets": run("[]v1.LocalObjectReference"),
    "hostAliases": run("[]v1.HostAlias"),
    "readinessGates": run("[]v1.PodReadinessGate"),
    "affinity": run("v1.Affinity"),  # of it, what nodeAffinity requires decides on a one-node cluster
    "topologySpreadConstraints": without_effect("[]v1.TopologySpreadConstraint", _ONE_NODE),
    "dnsPolicy": without_effect("v1.DNSPolicy", _NO_DNS, ("ClusterFirst",)),
    "dnsConfig": without_effect("v1.PodDNSConfig", _NO_DNS),
    "subdomain": without_effect("string", _NO_DNS),
    "setHostnameAsFQDN": without_effect("*bool", _NO_DNS, (False,)),
    "hostUsers": without_effect("*bool", "the lab has no user namespaces", (True,)),
    "resources": without_effect("v1.ResourceRequirements", "the lab limits containers, not pods"),
    "nodeName": refused("string", "the lab binds each pod to its one node itself; leave it out"),
    "schedulingGates": refused("[]v1.PodSchedulingGate", _NO_SCHEDULER),
    "schedulingGroup": refused("v1.PodSchedulingGroup", _NO_SCHEDULER),
    "overhead": refused("v1.ResourceList", _NO_SCHEDULER),
    "runtimeClassName": run("*string"),  # admission refuses it: the cluster has no RuntimeClass
    "hostNetwork": without_effect("bool", "pods of the lab never share the host's network"),
    "hostPID": without_effect("bool", "pods of the lab never share the host's processes"),
    "hostIPC": without_effect("bool", "pods of the lab never share the host's IPC"),
    "shareProcessNamespace": without_effect("*bool", "each container of the lab has its own PID 1", (False,)),
    "hostnameOverride": refused("*string", "use hostname"),
    "resourceClaims": refused("[]v1.PodResourceClaim", _NO_CLAIMS),
}

_CONTAINER = {
    "name": required("string"),
    "image": run("string"),
    "imagePullPolicy": run("v1.PullPolicy"),
    "command": run("[]string"),
    "args": run("[]string"),
    "workingDir": run("string"),
    "ports": run("[]v1.ContainerPort"),
    "env": run("[]v1.EnvVar"),
    "resources": run("v1.ResourceRequirements"),
    "volumeMounts": run("[]v1.VolumeMount"),
    "lifecycle": run("v1.Lifecycle"),
    "livenessProbe": run("v1.Probe"),
    "readinessProbe": run("v1.Probe"),
    "startupProbe": run("v1.Probe"),
    "terminationMessagePath": run("string"),
    "terminationMessagePolicy": run("v1.TerminationMessagePolicy"),
    "securityContext": run("v1.SecurityContext"),
    "restartPolicy": run("*v1.ContainerRestartPolicy"),
    "stdin": run("bool"),
    "tty": run("bool"),
    "stdinOnce": without_effect("bool", "nothing attaches to a container of the lab"),
    "envFrom": run("[]v1.EnvFromSource"),
    "volumeDevices": refused("[]v1.VolumeDevice", "the lab has no block devices; leave it out"),
    "resizePolicy": without_effect("[]v1.ContainerResizePolicy", "the lab does not resize running containers"),
    "restartPolicyRules": run("[]v1.ContainerRestartRule"),
}

_HANDLERS = {
    "exec": run("v1.ExecAction"),
    "httpGet": run("v1.HTTPGetAction"),
    "tcpSocket": run("v1.TCPSocketAction"),
}

_SECURITY_IDENTITY = {
    "runAsUser": run("*int64"),
    "runAsGroup": run("*int64"),
    "runAsNonRoot": run("*bool"),
    "seLinuxOptions": without_effect("v1.SELinuxOptions", _HARDENED_ALIKE),
    "windowsOptions": refused("v1.WindowsSecurityContextOptions", "the lab's node runs Linux; leave it out"),
    "seccompProfile": run("v1.SeccompProfile"),
    "appArmorProfile": without_effect("v1.AppArmorProfile", _HARDENED_ALIKE),
}

_ENGINES_PROFILE = "containers of the lab run under the engine's profile, RuntimeDefault"
_KEY_SELECTOR = {"name": run("string"), "key": required("string"), "optional": run("*bool")}

STRUCTS: dict[str, dict[str, Field]] = {
    **VOLUME_STRUCTS,
    **OBJECT_STRUCTS,
    "v1.Pod": _POD,
    "v1.ObjectMeta": OBJECT_META,
    "v1.PodSpec": _POD_SPEC,
    "v1.Container": _CONTAINER,
    "v1.Lifecycle": {
        "postStart": run("v1.LifecycleHandler"),
        "preStop": run("v1.LifecycleHandler"),
        "stopSignal": run("*v1.Signal"),
    },
    "v1.LifecycleHandler": {**_HANDLERS, "sleep": run("v1.SleepAction")},
    "v1.ExecAction": {"command": run("[]string")},
    "v1.HTTPGetAction": {
        "path": run("string"),
        "port": required("intstr.IntOrString"),
        "host": run("string"),
        "scheme": run("v1.URIScheme"),
        "httpHeaders": run("[]v1.HTTPHeader"),
    },
    "v1.HTTPHeader": {"name": required("string"), "value": required("string")},
    "v1.TCPSocketAction": {"port": required("intstr.IntOrString"), "host": run("string")},
    "v1.SleepAction": {"seconds": required("int64")},
    "v1.GRPCAction": {"port": required("int32"), "service": run("*string")},
    "v1.Probe": {
        **_HANDLERS,
        "grpc": run("v1.GRPCAction"),
        "initialDelaySeconds": run("int32"),
        "timeoutSeconds": run("int32"),
        "periodSeconds": run("int32"),
        "successThreshold": run("int32"),
        "failureThreshold": run("int32"),
        "terminationGracePeriodSeconds": run("*int64"),
    },
    "v1.ContainerPort": {
        "name": run("string"),
        "containerPort": required("int32"),
        "protocol": run("v1.Protocol"),
        "hostPort": without_effect("int32", _NO_PORTS),
        "hostIP": without_effect("string", _NO_PORTS),
    },
    "v1.EnvVar": {"name": required("string"), "value": run("string"), "valueFrom": run("v1.EnvVarSource")},
    "v1.EnvVarSource": {
        "fieldRef": run("v1.ObjectFieldSelector"),
        "resourceFieldRef": run("v1.ResourceFieldSelector"),
        "configMapKeyRef": run("v1.ConfigMapKeySelector"),
        "secretKeyRef": run("v1.SecretKeySelector"),
        "fileKeyRef": refused("v1.FileKeySelector", "write the value, or keep it in a ConfigMap"),
    },
    "v1.ResourceFieldSelector": {
        "containerName": run("string"),
        "resource": required("string"),
        "divisor": run("*resource.Quantity"),
    },
    "v1.ConfigMapKeySelector": _KEY_SELECTOR,
    "v1.SecretKeySelector": _KEY_SELECTOR,
    "v1.ContainerRestartRule": {
        "action": only("v1.ContainerRestartRuleAction", ("Restart",), "the lab restarts the container alone; use Restart"),
        "exitCodes": run("v1.ContainerRestartRuleOnExitCodes"),
    },
    "v1.ContainerRestartRuleOnExitCodes": {
        "operator": run("v1.ContainerRestartRuleOnExitCodesOperator"),
        "values": run("[]int32"),
    },
    "v1.EnvFromSource": {
        "prefix": run("string"),
        "configMapRef": run("v1.ConfigMapEnvSource"),
        "secretRef": run("v1.SecretEnvSource"),
    },
    "v1.ConfigMapEnvSource": {"name": run("string"), "optional": run("*bool")},
    "v1.SecretEnvSource": {"name": run("string"), "optional": run("*bool")},
    "v1.LocalObjectReference": {"name": run("string")},
    "v1.HostAlias": {"ip": required("string"), "hostnames": run("[]string")},
    "v1.Affinity": {
        "nodeAffinity": run("v1.NodeAffinity"),
        "podAffinity": without_effect("v1.PodAffinity", _ONE_NODE),
        "podAntiAffinity": without_effect("v1.PodAntiAffinity", _ONE_NODE),
    },
    "v1.PodReadinessGate": {"conditionType": required("v1.PodConditionType")},
    "v1.ObjectFieldSelector": {"apiVersion": run("string"), "fieldPath": required("string")},
    "v1.ResourceRequirements": {
        "limits": run("v1.ResourceList"),
        "requests": run("v1.ResourceList"),
        "claims": refused("[]v1.ResourceClaim", _NO_CLAIMS),
    },
    "v1.PodSecurityContext": {
        **_SECURITY_IDENTITY,
        "fsGroup": run("*int64"),
        "fsGroupChangePolicy": stored("v1.PodFSGroupChangePolicy"),  # volumes of the lab begin empty
        "supplementalGroups": run("[]int64"),
        "supplementalGroupsPolicy": without_effect("v1.SupplementalGroupsPolicy", _HARDENED_ALIKE, ("Merge",)),
        "sysctls": without_effect("[]v1.Sysctl", _HARDENED_ALIKE),
        "seLinuxChangePolicy": without_effect("v1.PodSELinuxChangePolicy", _HARDENED_ALIKE),
    },
    "v1.SecurityContext": {
        **_SECURITY_IDENTITY,
        "readOnlyRootFilesystem": run("*bool"),
        "allowPrivilegeEscalation": without_effect("*bool", "containers of the lab always run with no-new-privileges", (False,)),
        "privileged": without_effect("*bool", "the lab runs no privileged containers", (False,)),
        "capabilities": run("v1.Capabilities"),
        "procMount": without_effect("*v1.ProcMountType", _HARDENED_ALIKE, ("Default",)),
    },
    "v1.Capabilities": {"add": run("[]v1.Capability"), "drop": run("[]v1.Capability")},
    "v1.SeccompProfile": {
        "type": without_effect("v1.SeccompProfileType", _ENGINES_PROFILE, ("RuntimeDefault",)),
        "localhostProfile": without_effect("string", _ENGINES_PROFILE),
    },
    "v1.PodOS": {"name": only("v1.OSName", ("linux",), "the lab's node runs Linux; leave it out")},
    "v1.Toleration": {
        "key": run("string"),
        "operator": run("v1.TolerationOperator"),
        "value": run("string"),
        "effect": run("v1.TaintEffect"),
        "tolerationSeconds": run("*int64"),
    },
}

RESOURCES = ("cpu", "memory")  # resource names that the lab limits
RESOURCES_WITHOUT_EFFECT = ("ephemeral-storage",)  # stored; others are refused
