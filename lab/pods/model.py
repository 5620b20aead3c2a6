"""Frozen types for a Pod, as the kubelet reads it.

Names are the Kubernetes API's names in snake_case. A value here has been admitted: defaults are filled in and
validation has passed, so no code below this floor checks again. Nothing here does I/O.
Source: staging/src/k8s.io/api/core/v1/types.go (v1.36).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

RestartPolicy = Literal["Always", "OnFailure", "Never"]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]
ProbeKind = Literal["liveness", "readiness", "startup"]
HookName = Literal["postStart", "preStop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecAction:
    """Run ``command`` in the container, as an argument vector: no shell, no ``$(VAR)`` in hooks."""

    command: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPGetAction:
    """GET from the node's side. ``port`` is a number or a port name of the same container; ``host`` empty means the pod's IP."""

    port: int | str
    path: str = "/"
    host: str = ""
    scheme: Literal["HTTP", "HTTPS"] = "HTTP"
    http_headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TCPSocketAction:
    """Connect to ``port``. As a lifecycle handler the API accepts it and the kubelet never executes it."""

    port: int | str
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GRPCAction:
    """A gRPC health check; probes only."""

    port: int
    service: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepAction:
    """Sleep in the kubelet for whole ``seconds`` (0 is legal)."""

    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAction:
    """A handler with nothing in it that the API still stores (``preStop: {}``); running it fails as an invalid handler."""


Handler = ExecAction | HTTPGetAction | TCPSocketAction | SleepAction | NoAction
ProbeHandler = ExecAction | HTTPGetAction | TCPSocketAction | GRPCAction


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """A container's hooks; ``stop_signal`` is stored only with the feature gate ContainerStopSignals."""

    post_start: Handler | None = None
    pre_stop: Handler | None = None
    stop_signal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Periodic check; all times in whole seconds, as in the API."""

    handler: ProbeHandler
    initial_delay_seconds: int = 0
    timeout_seconds: int = 1
    period_seconds: int = 10
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldReference:
    """A field of the pod itself, such as ``metadata.name`` or ``metadata.labels['app']``."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceReference:
    """An amount, such as ``limits.memory``, of a container ("" is the one that refers), in units of ``divisor`` ("0" is 1)."""

    resource: str
    container_name: str = ""
    divisor: str = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReference:
    """One key of a ConfigMap or Secret of the pod's namespace."""

    kind: Literal["ConfigMap", "Secret"]
    name: str
    key: str
    optional: bool = False


ValueSource = FieldReference | ResourceReference | KeyReference


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVar:
    """A name and either a literal ``value`` or a ``source``."""

    name: str
    value: str = ""
    source: ValueSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFrom:
    """All keys of a ConfigMap or Secret as variables, each with ``prefix`` before its name."""

    kind: Literal["ConfigMap", "Secret"]
    name: str
    prefix: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPort:
    """A declared port; ``name`` is what a handler may refer to."""

    container_port: int
    name: str = ""
    protocol: str = "TCP"
    host_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMount:
    """Where a pod's volume appears in the container."""

    name: str
    mount_path: str
    read_only: bool = False
    sub_path: str = ""
    sub_path_expr: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyDirVolume:
    """An empty directory that lives as long as the pod. ``medium`` is "" or "Memory"."""

    name: str
    medium: str = ""
    size_limit_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPathVolume:
    """A path of the cluster's virtual node (never of the machine the lab runs on). ``type`` as in the API, "" for none."""

    name: str
    path: str
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFiles:
    """Keys of a ConfigMap or Secret as files. ``items`` are (key, path, mode or None); none means all, under their names."""

    kind: Literal["ConfigMap", "Secret"]
    name: str
    items: tuple[tuple[str, str, int | None], ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DownwardFiles:
    """Fields and amounts of the pod as files: (path, source, mode or None)."""

    items: tuple[tuple[str, FieldReference | ResourceReference, int | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesVolume:
    """A read-only volume of files: a configMap, secret, downwardAPI or projected volume. Later sources win."""

    name: str
    sources: tuple[KeyFiles | DownwardFiles, ...]
    default_mode: int


Volume = EmptyDirVolume | HostPathVolume | FilesVolume


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityContext:
    """The part of a container's (merged with its pod's) security context that the lab runs."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool = False
    added_capabilities: tuple[str, ...] = ()
    dropped_capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartRule:
    """Restart the container whatever its policy, when its exit code is (``In``) or is not (``NotIn``) one of ``values``."""

    operator: Literal["In", "NotIn"]
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a pod, regular or init. ``restart_policy`` is "Always" for a sidecar, else usually None."""

    name: str
    image: str
    image_pull_policy: PullPolicy = "Always"
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    volume_mounts: tuple[VolumeMount, ...] = ()
    lifecycle: Lifecycle | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    security_context: SecurityContext = field(default_factory=SecurityContext)
    termination_message_path: str = "/dev/termination-log"
    termination_message_policy: Literal["File", "FallbackToLogsOnError"] = "File"
    restart_policy: RestartPolicy | None = None
    restart_rules: tuple[RestartRule, ...] = ()
    cpu_limit_cores: float | None = None
    memory_limit_bytes: int | None = None
    resources: tuple[tuple[str, str], ...] = ()  # ("limits.cpu", "500m") …
    stdin: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSpec:
    """The desired state of a pod."""

    containers: tuple[Container, ...]
    init_containers: tuple[Container, ...] = ()
    restart_policy: RestartPolicy = "Always"
    termination_grace_period_seconds: int = 30
    active_deadline_seconds: int | None = None
    volumes: tuple[Volume, ...] = ()
    hostname: str = ""
    node_selector: tuple[tuple[str, str], ...] = ()
    service_account_name: str = "default"
    image_pull_secrets: tuple[str, ...] = ()
    host_aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    readiness_gates: tuple[str, ...] = ()
    fs_group: int | None = None
    supplemental_groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """An admitted pod. The two deletion fields are set once deletion was requested; ``deletion_timestamp`` is RFC 3339 text."""

    name: str
    namespace: str
    uid: str
    spec: PodSpec
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    finalizers: tuple[str, ...] = ()
    generation: int = 1
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    gate_conditions: tuple[tuple[str, str], ...] = ()  # what the API says of the readiness gates: (type, status)

    @property
    def full_name(self) -> str:
        """``NAME_NAMESPACE(UID)``, the form used in the kubelet's messages (pkg/kubelet/util/format)."""
        return f"{self.name}_{self.namespace}({self.uid})"

    @property
    def hostname(self) -> str:
        """What the pod calls itself (pkg/kubelet/kubelet_pods.go: GeneratePodHostNameAndDomain)."""
        return self.spec.hostname or self.name[:63].rstrip("-.")

    @property
    def all_containers(self) -> tuple[Container, ...]:
        """Init containers in order, then regular containers in order."""
        return self.spec.init_containers + self.spec.containers

    def is_init(self, container: Container) -> bool:
        """Whether ``container`` stands among the init containers (sidecars do)."""
        return container in self.spec.init_containers

    def field_path(self, container: Container) -> str:
        """The event field path, such as ``spec.containers{web}`` (pkg/kubelet/container/ref.go)."""
        return f"spec.{'initContainers' if self.is_init(container) else 'containers'}{{{container.name}}}"
