"""The kinds that kubectl finds on a v1.36 server, by API version.

The lab runs Pods, and keeps a few kinds that pods refer to or that stand beside them. The rest is here so that a Deployment is
refused as "not run by this lab" and only a kind that Kubernetes does not have as "no matches for kind".
Source: staging/src/k8s.io/api (v1.36, what a default server serves).
"""

from __future__ import annotations

from dataclasses import dataclass

_KINDS = {
    "v1": (
        "Binding ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim Pod"
        " PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount"
    ),
    "admissionregistration.k8s.io/v1": (
        "MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration"
        " MutatingAdmissionPolicy MutatingAdmissionPolicyBinding"
    ),
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "apiregistration.k8s.io/v1": "APIService",
    "apps/v1": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "authentication.k8s.io/v1": "SelfSubjectReview TokenReview",
    "authorization.k8s.io/v1": "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    "autoscaling/v1": "HorizontalPodAutoscaler",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "batch/v1": "CronJob Job",
    "certificates.k8s.io/v1": "CertificateSigningRequest",
    "coordination.k8s.io/v1": "Lease",
    "discovery.k8s.io/v1": "EndpointSlice",
    "events.k8s.io/v1": "Event",
    "flowcontrol.apiserver.k8s.io/v1": "FlowSchema PriorityLevelConfiguration",
    "networking.k8s.io/v1": "IPAddress Ingress IngressClass NetworkPolicy ServiceCIDR",
    "node.k8s.io/v1": "RuntimeClass",
    "policy/v1": "PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "resource.k8s.io/v1": "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice",
    "scheduling.k8s.io/v1": "PriorityClass",
    "storage.k8s.io/v1": "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass",
}
_KNOWN = {version: frozenset(kinds.split()) for version, kinds in _KINDS.items()}


def resolve_kind(api_version: str, kind: str) -> str | None:
    """Return the kind that kubectl finds for what is written (it takes lower case and ``KindList`` too), or None."""
    for known in _KNOWN.get(api_version, ()):
        if kind in (known, known.lower(), f"{known}List"):
            return known
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKind:
    """A kind whose objects the lab keeps. ``resource`` is its plural as in API paths, ``short`` its other names, ``no_effect``
    why objects of it change nothing here ("" when they do)."""

    kind: str
    resource: str
    group: str = ""
    short: tuple[str, ...] = ()
    namespaced: bool = True
    no_effect: str = ""

    @property
    def printed(self) -> str:
        """The kind as kubectl prints it before a name: ``poddisruptionbudget.policy``."""
        return f"{self.kind.lower()}.{self.group}" if self.group else self.kind.lower()

    @property
    def qualified_resource(self) -> str:
        """The resource as the server's messages name it: ``poddisruptionbudgets.policy``."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def words(self) -> frozenset[str]:
        """What kubectl takes for the kind on its command line."""
        return frozenset({self.resource, self.kind.lower(), self.printed, self.qualified_resource, *self.short})


_NO_ACCESS = "every request is allowed here"
_NO_TRAFFIC = "no traffic goes through it: pods are reached at their own addresses"
_KEPT = (
    KeptKind(kind="Pod", resource="pods", short=("po",)),
    KeptKind(kind="ConfigMap", resource="configmaps", short=("cm",)),
    KeptKind(kind="Secret", resource="secrets"),
    KeptKind(kind="ServiceAccount", resource="serviceaccounts", short=("sa",)),
    KeptKind(kind="PriorityClass", resource="priorityclasses", group="scheduling.k8s.io", short=("pc",), namespaced=False),
    KeptKind(kind="PodDisruptionBudget", resource="poddisruptionbudgets", group="policy", short=("pdb",)),
    KeptKind(kind="Service", resource="services", short=("svc",), no_effect=_NO_TRAFFIC),
    KeptKind(kind="Ingress", resource="ingresses", group="networking.k8s.io", short=("ing",), no_effect=_NO_TRAFFIC),
    KeptKind(
        kind="NetworkPolicy",
        resource="networkpolicies",
        group="networking.k8s.io",
        short=("netpol",),
        no_effect="pods of a cluster always reach one another and nothing else",
    ),
    KeptKind(
        kind="Namespace",
        resource="namespaces",
        short=("ns",),
        namespaced=False,
        no_effect="a run has the one namespace that it names",
    ),
    KeptKind(kind="Role", resource="roles", group="rbac.authorization.k8s.io", no_effect=_NO_ACCESS),
    KeptKind(kind="RoleBinding", resource="rolebindings", group="rbac.authorization.k8s.io", no_effect=_NO_ACCESS),
    KeptKind(
        kind="ClusterRole", resource="clusterroles", group="rbac.authorization.k8s.io", namespaced=False, no_effect=_NO_ACCESS
    ),
    KeptKind(
        kind="ClusterRoleBinding",
        resource="clusterrolebindings",
        group="rbac.authorization.k8s.io",
        namespaced=False,
        no_effect=_NO_ACCESS,
    ),
)
KEPT_KINDS = {kept.kind: kept for kept in _KEPT}


_SHORT_NAMES = frozenset(
    {
        *("all", "cm", "cs", "csr", "cj", "crd", "ds", "deploy", "ep", "ev", "hpa", "ing", "limits", "ns", "netpol", "no"),
        *("pc", "pdb", "po", "pv", "pvc", "quota", "rc", "rs", "sa", "sc", "sts", "svc"),
    }
)


def is_known_word(word: str) -> bool:
    """Whether kubectl finds a resource type for a word of its command line, kept by the lab or not."""
    bare = word.lower().partition(".")[0]
    kinds = {kind.lower() for known in _KNOWN.values() for kind in known}
    singulars = {bare, bare.removesuffix("s"), bare.removesuffix("es"), f"{bare.removesuffix('ies')}y"}
    return bare in _SHORT_NAMES or bool(singulars & kinds)


def kept_kind(word: str) -> KeptKind | None:
    """Return the kept kind that kubectl finds for a word of its command line, or None."""
    return next((kept for kept in _KEPT if word.lower() in kept.words), None)
