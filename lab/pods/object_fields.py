"""Objects beside the pod: their fields, as far as the lab reads them.

A pod reads ConfigMaps and Secrets; admission reads ServiceAccounts and PriorityClasses; eviction reads disruption budgets.
What nothing here reads is kept as it was written.
Source: staging/src/k8s.io/api/{core,policy,scheduling}/v1/types.go, apimachinery/pkg/apis/meta/v1/types.go (v1.36).
"""

from __future__ import annotations

from lab.pods.schema import Field, only, refused, run, stored

OBJECT_META = {
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

_HEAD = {"apiVersion": run("string"), "kind": run("string"), "metadata": run("v1.ObjectMeta")}
_SPEC_AND_STATUS = {**_HEAD, "spec": stored("v1.Unread"), "status": stored("v1.Unread")}

OBJECT_STRUCTS: dict[str, dict[str, Field]] = {
    "v1.ConfigMap": {
        **_HEAD,
        "data": run("map[string]string"),
        "binaryData": run("map[string][]uint8"),
        "immutable": run("*bool"),
    },
    "v1.Secret": {
        **_HEAD,
        "data": run("map[string][]uint8"),
        "stringData": run("map[string]string"),
        "type": run("v1.SecretType"),
        "immutable": run("*bool"),
    },
    "v1.ServiceAccount": {
        **_HEAD,
        "secrets": stored("[]v1.Unread"),
        "imagePullSecrets": stored("[]v1.Unread"),
        "automountServiceAccountToken": stored("*bool"),
    },
    "v1.Service": _SPEC_AND_STATUS,
    "v1.Namespace": _SPEC_AND_STATUS,
    "v1.PodDisruptionBudget": _SPEC_AND_STATUS,
    "v1.NetworkPolicy": _SPEC_AND_STATUS,
    "v1.Ingress": _SPEC_AND_STATUS,
    "v1.PriorityClass": {
        **_HEAD,
        "value": run("int32"),
        "globalDefault": stored("bool"),
        "description": stored("string"),
        "preemptionPolicy": run("*v1.PreemptionPolicy"),
    },
    "v1.Role": {**_HEAD, "rules": stored("[]v1.Unread")},
    "v1.ClusterRole": {**_HEAD, "rules": stored("[]v1.Unread"), "aggregationRule": stored("v1.Unread")},
    "v1.RoleBinding": {**_HEAD, "subjects": stored("[]v1.Unread"), "roleRef": stored("v1.Unread")},
    "v1.ClusterRoleBinding": {**_HEAD, "subjects": stored("[]v1.Unread"), "roleRef": stored("v1.Unread")},
}
