"""The Pod of v1.36: every field, its Go type, and what this lab does with it and why.

A field that is not here is unknown to Kubernetes. What the lab never runs is opaque below its first level. A comment or a
reason stands wherever the answer is not plain "the lab runs it".
Source: staging/src/k8s.io/api/core/v1/types.go, apimachinery/pkg/apis/meta/v1/types.go (v1.36).
"""

from __future__ import annotations

from lab.pods.schema import Field, only, refused, required, run, stored

_NO_SCHEDULER = "the lab has one node and no scheduling to influence; leave it out"
_NO_CLAIMS = "the lab has no devices to claim; leave it out"
_NO_VOLUME = "the lab runs emptyDir and hostPath volumes; use one of these"
_HARDENED = "containers of the lab are hardened alike and cannot be changed in this; leave it out"
_NO_SECRETS = "the lab has no ConfigMaps and Secrets; write the values into env"

_POD = {
    "apiVersion": run("string"),
    "kind": run("string"),
    "metadata": run("v1.ObjectMeta"),
    "spec": run("v1.PodSpec"),
    "status": stored("v1.PodStatus"),  # the server overwrites it on create
}

_OBJECT_META = {
    "name": run("string"),
    "generateName": run("string"),
    "namespace": run("string"),
    "labels": run("map[string]string"),
    "annotations": run("map[string]string"),
    "finalizers": run("[]string"),
    # The server overwrites these on create.
    "uid": stored("types.UID"),
    "generation": stored("int64"),
    "creationTimestamp": stored("v1.Time"),
    "deletionTimestamp": stored("v1.Time"),
    "deletionGracePeriodSeconds": stored("*int64"),
    "selfLink": stored("string"),
    "managedFields": stored("[]v1.ManagedFieldsEntry"),
    "resourceVersion": only("string", ("",), "the API server refuses it on create; leave it out"),
    "ownerReferences": refused("[]v1.OwnerReference", "the lab has no other objects that could own a pod; leave it out"),
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
    "dnsPolicy": only("v1.DNSPolicy", ("ClusterFirst",), "pods of the lab have no DNS; leave it out"),
    "schedulerName": only(
        "string", ("default-scheduler",), "no other scheduler runs here, the pod would stay Pending; leave it out"
    ),
    "preemptionPolicy": only("*v1.PreemptionPolicy", ("PreemptLowerPriority",), _NO_SCHEDULER),
    "priority": only("*int32", (0,), _NO_SCHEDULER),
    "priorityClassName": only("string", ("",), _NO_SCHEDULER),
    "nodeName": refused("string", "the lab binds each pod to its one node itself; leave it out"),
    "affinity": refused("v1.Affinity", _NO_SCHEDULER),
    "topologySpreadConstraints": refused("[]v1.TopologySpreadConstraint", _NO_SCHEDULER),
    "schedulingGates": refused("[]v1.PodSchedulingGate", _NO_SCHEDULER),
    "schedulingGroup": refused("v1.PodSchedulingGroup", _NO_SCHEDULER),
    "overhead": refused("v1.ResourceList", _NO_SCHEDULER),
    "runtimeClassName": refused("*string", "the lab has one container runtime; leave it out"),
    "hostNetwork": only("bool", (False,), "pods of the lab never share the host's network; leave it out"),
    "hostPID": only("bool", (False,), "pods of the lab never share the host's processes; leave it out"),
    "hostIPC": only("bool", (False,), "pods of the lab never share the host's IPC; leave it out"),
    "hostUsers": only("*bool", (True,), "the lab has no user namespaces; leave it out"),
    "shareProcessNamespace": only(
        "*bool", (False,), "each container of the lab has its own PID 1, which its signals are sent to; leave it out"
    ),
    "setHostnameAsFQDN": only("*bool", (False,), "pods of the lab have no DNS domain; leave it out"),
    "subdomain": only("string", ("",), "pods of the lab have no DNS domain; leave it out"),
    "hostnameOverride": refused("*string", "use hostname"),
    "dnsConfig": refused("v1.PodDNSConfig", "pods of the lab have no DNS; leave it out"),
    "hostAliases": refused("[]v1.HostAlias", "the lab does not write /etc/hosts; leave it out"),
    "imagePullSecrets": refused(
        "[]v1.LocalObjectReference", "the lab pulls nothing: images are in the node's store; leave it out"
    ),
    "readinessGates": refused("[]v1.PodReadinessGate", "no controller here would set the conditions; leave it out"),
    "resourceClaims": refused("[]v1.PodResourceClaim", _NO_CLAIMS),
    "resources": refused("v1.ResourceRequirements", "the lab limits containers, not pods; put it into the container"),
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
    "stdinOnce": only("bool", (False,), "nothing attaches to a container of the lab; leave it out"),
    "envFrom": refused("[]v1.EnvFromSource", _NO_SECRETS),
    "volumeDevices": refused("[]v1.VolumeDevice", "the lab has no block devices; leave it out"),
    "resizePolicy": refused("[]v1.ContainerResizePolicy", "the lab does not resize running containers; leave it out"),
    "restartPolicyRules": refused("[]v1.ContainerRestartRule", "the lab restarts by restartPolicy alone; leave it out"),
}

_HANDLERS = {
    "exec": run("v1.ExecAction"),
    "httpGet": run("v1.HTTPGetAction"),
    "tcpSocket": run("v1.TCPSocketAction"),
}

_VOLUME_SOURCES = {
    "hostPath": "v1.HostPathVolumeSource",
    "emptyDir": "v1.EmptyDirVolumeSource",
    "gcePersistentDisk": "v1.GCEPersistentDiskVolumeSource",
    "awsElasticBlockStore": "v1.AWSElasticBlockStoreVolumeSource",
    "gitRepo": "v1.GitRepoVolumeSource",
    "secret": "v1.SecretVolumeSource",
    "nfs": "v1.NFSVolumeSource",
    "iscsi": "v1.ISCSIVolumeSource",
    "glusterfs": "v1.GlusterfsVolumeSource",
    "persistentVolumeClaim": "v1.PersistentVolumeClaimVolumeSource",
    "rbd": "v1.RBDVolumeSource",
    "quobyte": "v1.QuobyteVolumeSource",
    "flexVolume": "v1.FlexVolumeSource",
    "cinder": "v1.CinderVolumeSource",
    "cephfs": "v1.CephFSVolumeSource",
    "flocker": "v1.FlockerVolumeSource",
    "downwardAPI": "v1.DownwardAPIVolumeSource",
    "fc": "v1.FCVolumeSource",
    "azureFile": "v1.AzureFileVolumeSource",
    "configMap": "v1.ConfigMapVolumeSource",
    "vsphereVolume": "v1.VsphereVirtualDiskVolumeSource",
    "azureDisk": "v1.AzureDiskVolumeSource",
    "photonPersistentDisk": "v1.PhotonPersistentDiskVolumeSource",
    "projected": "v1.ProjectedVolumeSource",
    "portworxVolume": "v1.PortworxVolumeSource",
    "scaleIO": "v1.ScaleIOVolumeSource",
    "storageos": "v1.StorageOSVolumeSource",
    "csi": "v1.CSIVolumeSource",
    "ephemeral": "v1.EphemeralVolumeSource",
    "image": "v1.ImageVolumeSource",
}
VOLUME_SOURCES = tuple(_VOLUME_SOURCES)  # in the order in which the server counts them
_RUN_VOLUMES = ("hostPath", "emptyDir")

_SECURITY_IDENTITY = {
    "runAsUser": run("*int64"),
    "runAsGroup": run("*int64"),
    "runAsNonRoot": run("*bool"),
    "seLinuxOptions": refused("v1.SELinuxOptions", _HARDENED),
    "windowsOptions": refused("v1.WindowsSecurityContextOptions", "the lab's node runs Linux; leave it out"),
    "seccompProfile": run("v1.SeccompProfile"),
    "appArmorProfile": refused("v1.AppArmorProfile", _HARDENED),
}

STRUCTS: dict[str, dict[str, Field]] = {
    "v1.Pod": _POD,
    "v1.ObjectMeta": _OBJECT_META,
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
        "grpc": refused("v1.GRPCAction", "the lab does not speak gRPC; use exec, httpGet or tcpSocket"),
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
        "hostPort": only("int32", (0,), "the lab opens no ports on its node; reach the container at the pod's IP"),
        "hostIP": only("string", ("",), "the lab opens no ports on its node; reach the container at the pod's IP"),
    },
    "v1.EnvVar": {"name": required("string"), "value": run("string"), "valueFrom": run("v1.EnvVarSource")},
    "v1.EnvVarSource": {
        "fieldRef": run("v1.ObjectFieldSelector"),
        "resourceFieldRef": refused("v1.ResourceFieldSelector", "the lab resolves fieldRef alone; write the value"),
        "configMapKeyRef": refused("v1.ConfigMapKeySelector", _NO_SECRETS),
        "secretKeyRef": refused("v1.SecretKeySelector", _NO_SECRETS),
        "fileKeyRef": refused("v1.FileKeySelector", "the lab resolves fieldRef alone; write the value"),
    },
    "v1.ObjectFieldSelector": {"apiVersion": run("string"), "fieldPath": required("string")},
    "v1.ResourceRequirements": {
        "limits": run("v1.ResourceList"),
        "requests": run("v1.ResourceList"),
        "claims": refused("[]v1.ResourceClaim", _NO_CLAIMS),
    },
    "v1.VolumeMount": {
        "name": required("string"),
        "mountPath": required("string"),
        "readOnly": run("bool"),
        "subPath": run("string"),
        "subPathExpr": only("string", ("",), "use subPath"),
        "mountPropagation": only("*v1.MountPropagationMode", ("None",), "mounts of the lab do not propagate; leave it out"),
        "recursiveReadOnly": only("*v1.RecursiveReadOnlyMode", ("Disabled",), "use readOnly"),
    },
    "v1.Volume": {
        "name": required("string"),
        **{name: run(kind) if name in _RUN_VOLUMES else refused(kind, _NO_VOLUME) for name, kind in _VOLUME_SOURCES.items()},
    },
    "v1.HostPathVolumeSource": {"path": required("string"), "type": run("*v1.HostPathType")},
    "v1.EmptyDirVolumeSource": {
        "medium": only("v1.StorageMedium", ("", "Memory"), "the lab has no huge pages; leave it out or use Memory"),
        "sizeLimit": run("*resource.Quantity"),
    },
    "v1.PodSecurityContext": {
        **_SECURITY_IDENTITY,
        "fsGroup": refused("*int64", "the lab does not change the owner of volumes; leave it out"),
        "fsGroupChangePolicy": refused("v1.PodFSGroupChangePolicy", "the lab does not change the owner of volumes; leave it out"),
        "supplementalGroups": refused("[]int64", _HARDENED),
        "supplementalGroupsPolicy": refused("v1.SupplementalGroupsPolicy", _HARDENED),
        "sysctls": refused("[]v1.Sysctl", _HARDENED),
        "seLinuxChangePolicy": refused("v1.PodSELinuxChangePolicy", _HARDENED),
    },
    "v1.SecurityContext": {
        **_SECURITY_IDENTITY,
        "readOnlyRootFilesystem": run("*bool"),
        "allowPrivilegeEscalation": only(
            "*bool", (False,), "containers of the lab always run with no-new-privileges; leave it out"
        ),
        "privileged": only("*bool", (False,), "the lab runs no privileged containers; leave it out"),
        "capabilities": refused("v1.Capabilities", "containers of the lab have a fixed, small set of capabilities; leave it out"),
        "procMount": only("*v1.ProcMountType", ("Default",), _HARDENED),
    },
    "v1.SeccompProfile": {
        "type": only(
            "v1.SeccompProfileType", ("RuntimeDefault",), "containers of the lab run under the engine's profile, RuntimeDefault"
        ),
        "localhostProfile": refused("string", "containers of the lab run under the engine's profile, RuntimeDefault"),
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

RESOURCES = ("cpu", "memory")  # resource names that the lab runs; others are refused
