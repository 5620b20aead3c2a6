"""A terminal at the scenario's cluster: runs kubectl command lines there and leaves every answer on the timeline.

apply, create and delete are `lab.cluster.kubectl`'s; the reading verbs are answered from the cluster view; exec runs in the
container. What a command says is a fact, whoever words it.
Source of exec's words: staging/src/k8s.io/kubectl/pkg/cmd/exec/exec.go (v1.36).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.clock import Clock
from lab.cluster.cluster import Cluster
from lab.errors import ApiError, ContainerGone, EngineError
from lab.scenarios.deletion import DELETE_FLAGS, Deletion
from lab.scenarios.kubectl_line import KubectlLine
from lab.scenarios.kubectl_reads import Answer, Reader, choose_container, not_found
from lab.timeline.facts import CommandAnswered

_ONE_POD = (("pod",), ("pods",), ("po",))


class Terminal:
    """Where the scenario's kubectl runs. Safe to use from several threads at once."""

    def __init__(self, cluster: Cluster, clock: Clock, *, namespace: str, manifests: Mapping[str, str], run_id: str) -> None:
        """Sit down at ``cluster``; ``manifests`` are the files that ``-f`` can name."""
        self._cluster = cluster
        self._clock = clock
        self._namespace = namespace
        self._manifests = manifests
        self._run_id = run_id

    def run(self, argv: Sequence[str]) -> CommandAnswered | None:
        """Run a line without its leading ``kubectl`` as kubectl does, blocking as long; None when the lab does not do it."""
        line = KubectlLine.parse(argv)
        if line.flags.get("namespace", self._namespace) != self._namespace:
            return None
        match line.verb:
            case "apply" | "create":
                return self._submit(line)
            case "delete":
                return self._delete(line, argv)
            case "exec" if len(line.names) == 1 and line.command and line.only_flags({"container", "namespace"}):
                return self.execute(line.names[0], line.flags.get("container", ""), line.command)
            case "get" | "describe" | "logs":
                return self._read(line, argv)
            case _:
                return None

    def reader(self) -> Reader:
        """Return what kubectl's reading verbs answer now."""
        timeline = self._cluster.timeline
        return Reader(
            view=self._cluster.registry.view(),
            entries=timeline.read(timeline.horizon),
            namespace=self._namespace,
            now=self._clock.now(),
        )

    def execute(self, pod: str, container: str, command: Sequence[str]) -> CommandAnswered:
        """Run ``kubectl exec``; ``container`` "" is the pod's first."""
        began = self._clock.monotonic()
        chosen = ("-c", container) if container else ()
        return self._answered(("exec", pod, *chosen, "--", *command), self._executed(pod, container, tuple(command)), began)

    def _submit(self, line: KubectlLine) -> CommandAnswered | None:
        text = self._manifests.get(line.flags.get("filename", ""))
        if text is None or line.names or not line.only_flags({"filename", "namespace"}):
            return None
        submit = self._cluster.kubectl.apply if line.verb == "apply" else self._cluster.kubectl.create
        return submit(text, filename=line.flags["filename"], namespace=self._namespace, run_id=self._run_id)

    def _delete(self, line: KubectlLine, argv: Sequence[str]) -> CommandAnswered | None:
        if line.names[:1] in _ONE_POD and len(line.names) == 2 and line.only_flags(DELETE_FLAGS):
            return self._cluster.kubectl.delete(line.names[1], namespace=self._namespace, args=line.options, run_id=self._run_id)
        began = self._clock.monotonic()
        deletion = Deletion(self._cluster, namespace=self._namespace, run_id=self._run_id)
        answer = deletion.run(line, self._manifests)
        return None if answer is None else self._answered(argv, answer, began)

    def _read(self, line: KubectlLine, argv: Sequence[str]) -> CommandAnswered | None:
        began, reader = self._clock.monotonic(), self.reader()
        verbs = {"get": reader.get, "describe": reader.describe, "logs": reader.logs}
        answer = verbs[line.verb](line)
        return None if answer is None else self._answered(argv, answer, began)

    def _executed(self, pod: str, container: str, command: tuple[str, ...]) -> Answer:
        value = self._cluster.registry.view().get("Pod", self._namespace, pod)
        if value is None:
            return Answer(rc=1, stderr=f"{not_found(pod)}\n")
        chosen = choose_container(value, container)
        if isinstance(chosen, Answer):
            return chosen
        phase = value["status"].get("phase")
        if phase in ("Succeeded", "Failed"):
            completed = f"error: cannot exec into a container in a completed pod; current phase is {phase}\n"
            return Answer(rc=1, stderr=chosen.notice + completed)
        try:
            result = self._cluster.node.exec(self._namespace, pod, chosen.name, command)
        except (ContainerGone, ApiError):
            gone = f'error: unable to upgrade connection: container not found ("{chosen.name}")\n'
            return Answer(rc=1, stderr=chosen.notice + gone)
        except EngineError as error:
            return Answer(rc=1, stderr=f"{chosen.notice}error: Internal error occurred: {error.runtime_message}\n")
        code = result.exit_code or 0
        ended = f"command terminated with exit code {code}\n" if code else ""
        stdout, stderr = (output.decode(errors="replace") for output in (result.stdout, result.stderr))
        return Answer(rc=code, stdout=stdout, stderr=chosen.notice + stderr + ended)

    def _answered(self, argv: Sequence[str], answer: Answer, began: float) -> CommandAnswered:
        fact = CommandAnswered(
            argv=("kubectl", *argv),
            rc=answer.rc,
            stdout=answer.stdout,
            stderr=answer.stderr,
            took_seconds=self._clock.monotonic() - began,
            run_id=self._run_id,
        )
        self._cluster.timeline.append(fact)
        return fact
