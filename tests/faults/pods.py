"""The pod that crashes meet: it writes to a node directory and an emptyDir's, and its hooks take as long as a test wants."""

from __future__ import annotations

from tests.served_lab import Stream

EXAMPLE = "pre-stop/pre-stop-blocks"

_POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: held
spec:
  terminationGracePeriodSeconds: 30
  containers:
  - name: app
    image: busybox
    command: [sh, -c, "trap 'exit 0' TERM; echo running; while :; do sleep 1 & wait $!; done"]
    volumeMounts:
    - {{name: node, mountPath: /node}}
    - {{name: scratch, mountPath: /scratch}}
    lifecycle:
      postStart:
        exec: {{command: [sh, -c, "echo begins > /node/postStart; sleep {post_start}"]}}
      preStop:
        exec: {{command: [sh, -c, "echo begins > /node/preStop; sleep {pre_stop}"]}}
  volumes:
  - {{name: node, hostPath: {{path: /tmp}}}}
  - {{name: scratch, emptyDir: {{}}}}
"""


def pod(*, post_start: int = 0, pre_stop: int = 0) -> str:
    """Return the manifest; the hooks take so many seconds."""
    return _POD.format(post_start=post_start, pre_stop=pre_stop)


def running(stream: Stream) -> bool:
    """Whether the kubelet has published the status that follows the end of postStart."""
    facts = stream.facts()
    return "HookFinished" in facts and "ObjectWritten" in facts[facts.index("HookFinished") :]
