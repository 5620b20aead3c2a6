"""The volumes of v1.36: every source, where it is mounted, and what this lab does with it and why.

Source: staging/src/k8s.io/api/core/v1/types.go (v1.36).
"""

from __future__ import annotations

from lab.pods.schema import Field, only, refused, required, run, without_effect

_NO_VOLUME = "the lab runs emptyDir, hostPath, configMap, secret, downwardAPI and projected volumes; use one of these"

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
_RUN_VOLUMES = ("hostPath", "emptyDir", "configMap", "secret", "downwardAPI", "projected")

_FILES = {"items": run("[]v1.KeyToPath"), "defaultMode": run("*int32"), "optional": run("*bool")}
_PROJECTED_KEYS = {"items": run("[]v1.KeyToPath"), "optional": run("*bool")}

VOLUME_STRUCTS: dict[str, dict[str, Field]] = {
    "v1.VolumeMount": {
        "name": required("string"),
        "mountPath": required("string"),
        "readOnly": run("bool"),
        "subPath": run("string"),
        "subPathExpr": run("string"),
        "mountPropagation": without_effect("*v1.MountPropagationMode", "mounts of the lab do not propagate", ("None",)),
        "recursiveReadOnly": without_effect(
            "*v1.RecursiveReadOnlyMode", "volumes of the lab have no mounts below them", ("Disabled",)
        ),
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
    "v1.ConfigMapVolumeSource": {"name": run("string"), **_FILES},
    "v1.SecretVolumeSource": {"secretName": run("string"), **_FILES},
    "v1.KeyToPath": {"key": required("string"), "path": required("string"), "mode": run("*int32")},
    "v1.DownwardAPIVolumeSource": {"items": run("[]v1.DownwardAPIVolumeFile"), "defaultMode": run("*int32")},
    "v1.DownwardAPIVolumeFile": {
        "path": required("string"),
        "fieldRef": run("v1.ObjectFieldSelector"),
        "resourceFieldRef": run("v1.ResourceFieldSelector"),
        "mode": run("*int32"),
    },
    "v1.ProjectedVolumeSource": {"sources": run("[]v1.VolumeProjection"), "defaultMode": run("*int32")},
    "v1.VolumeProjection": {
        "configMap": run("v1.ConfigMapProjection"),
        "secret": run("v1.SecretProjection"),
        "downwardAPI": run("v1.DownwardAPIProjection"),
        "serviceAccountToken": without_effect(
            "v1.ServiceAccountTokenProjection", "the lab has no API that a token could be used on; the file is missing"
        ),
        "clusterTrustBundle": refused("v1.ClusterTrustBundleProjection", "the lab has no certificates; leave it out"),
        "podCertificate": refused("v1.PodCertificateProjection", "the lab has no certificates; leave it out"),
    },
    "v1.ConfigMapProjection": {"name": run("string"), **_PROJECTED_KEYS},
    "v1.SecretProjection": {"name": run("string"), **_PROJECTED_KEYS},
    "v1.DownwardAPIProjection": {"items": run("[]v1.DownwardAPIVolumeFile")},
}
