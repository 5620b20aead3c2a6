"""What the kubelet asks the runtime to create, after all expansion.

Source: pkg/kubelet/kuberuntime/kuberuntime_container.go generateContainerConfig (v1.36).
"""

from __future__ import annotations

from lab.errors import LabError
from lab.kubelet.environment import environment, expand_all
from lab.kubelet.node_services import PodOnNode
from lab.kubelet.start_failed import start_failed
from lab.kubelet.volumes import PodVolumes, mounts_of, references_of
from lab.pods.model import Container
from lab.runtime.runtime import ContainerConfig, Image


def container_config(on: PodOnNode, container: Container, number: int, image: Image, volumes: PodVolumes) -> ContainerConfig:
    """Return the configuration of the container's instance ``number``. Raises StartFailed (CreateContainerConfigError)."""
    try:
        _verify_non_root(on, container, image)
        env = environment(container, references_of(on))
        values = dict(env)
        mounts = mounts_of(on, container, number, volumes, values)
        command, args = expand_all(container.command, values), expand_all(container.args, values)
    except LabError as error:
        raise start_failed(on, container, number, "config", "CreateContainerConfigError", str(error)) from error
    security = container.security_context
    return ContainerConfig(
        cluster=on.node.cluster,
        namespace=on.pod.namespace,
        pod_name=on.pod.name,
        pod_uid=on.uid,
        name=container.name,
        attempt=number,
        image=container.image,
        entrypoint=command or None,
        command=args if args or command else None,  # a command drops the image's CMD, args replace it
        env=env,
        working_dir=container.working_dir,
        mounts=mounts,
        run_as_user=security.run_as_user,
        run_as_group=security.run_as_group,
        read_only_root_filesystem=security.read_only_root_filesystem,
        supplemental_groups=(
            *((on.pod.spec.fs_group,) if on.pod.spec.fs_group is not None else ()),
            *on.pod.spec.supplemental_groups,
        ),
        added_capabilities=security.added_capabilities,
        dropped_capabilities=security.dropped_capabilities,
        cpu_limit_cores=container.cpu_limit_cores,
        memory_limit_bytes=container.memory_limit_bytes,
        stdin=container.stdin,
        tty=container.tty,
        run_id=on.run_id,
    )


def _verify_non_root(on: PodOnNode, container: Container, image: Image) -> None:
    """Refuse a root user where runAsNonRoot is set (pkg/kubelet/kuberuntime/security_context.go)."""
    security = container.security_context
    if not security.run_as_non_root:
        return
    which = f'(pod: "{on.pod.full_name}", container: {container.name})'
    if security.run_as_user == 0:
        raise LabError(f"container's runAsUser breaks non-root policy {which}")
    user = image.user.partition(":")[0]
    if security.run_as_user is None and user in ("", "0", "root"):
        raise LabError(f"container has runAsNonRoot and image will run as root {which}")
    if security.run_as_user is None and not user.isdecimal():
        raise LabError(
            f"container has runAsNonRoot and image has non-numeric user ({user}), cannot verify user is non-root {which}"
        )
