"""The pods that are timed: the same ones as a manifest for the lab and as request bodies for the bare Docker API.

Every container has a postStart hook, so that Running means that all of them have been started and their hooks have ended. The
programs stop at once when they are told to, so that a deletion takes what lab and engine take.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from lab.runtime.runtime import ContainerConfig, SandboxConfig

CLUSTER = "benchmark"
HOOK = ("/bin/sh", "-c", "echo Hello from the postStart handler > /tmp/message")
OBEDIENT = ("/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 60 & wait; done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A container of a shape: its image, its command (() for the image's own) and the image's STOPSIGNAL."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a pod is made of."""

    name: str
    programs: tuple[Program, ...]

    def manifest(self, count: int) -> str:
        """Return so many pods as YAML documents."""
        return "---\n".join(self._document(pod_name(number)) for number in range(count))

    def sandbox(self, number: int) -> SandboxConfig:
        """Return the sandbox of one pod, with a uid of its own."""
        name = pod_name(number)
        return SandboxConfig(
            cluster=CLUSTER, namespace="default", pod_name=name, pod_uid=str(uuid.uuid4()), hostname=name, run_id=CLUSTER
        )

    def containers(self, sandbox: SandboxConfig) -> tuple[ContainerConfig, ...]:
        """Return the containers of one pod."""
        return tuple(
            ContainerConfig(
                cluster=CLUSTER,
                namespace=sandbox.namespace,
                pod_name=sandbox.pod_name,
                pod_uid=sandbox.pod_uid,
                name=program.name,
                attempt=0,
                image=program.image,
                entrypoint=program.command or None,
                command=() if program.command else None,
                env=(),
                working_dir="",
                mounts=(),
                run_id=CLUSTER,
            )
            for program in self.programs
        )

    def _document(self, name: str) -> str:
        containers = [
            {
                "name": program.name,
                "image": program.image,
                "imagePullPolicy": "IfNotPresent",
                **({"command": list(program.command)} if program.command else {}),
                "lifecycle": {"postStart": {"exec": {"command": list(HOOK)}}},
            }
            for program in self.programs
        ]
        return f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  containers: {json.dumps(containers)}\n"


def pod_name(number: int) -> str:
    """Return the name of the nth pod of a manifest, and its hostname."""
    return f"bench-{number}"


_NGINX = Program(name="web", image="nginx", stop_signal="SIGQUIT")
ONE = Shape(name="one container", programs=(_NGINX,))
THREE = Shape(
    name="three containers",
    programs=(_NGINX, *(Program(name=name, image="busybox", command=OBEDIENT) for name in ("second", "third"))),
)
