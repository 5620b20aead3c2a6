"""A terminal at the scenario's cluster: runs kubectl command lines there and leaves every answer on the timeline.

apply, create, replace and the deletion of one pod are `lab.cluster.kubectl`'s; other verbs read or change what is stored; exec
runs in the container. What a command says is a fact, whoever words it.
Source of exec's words: staging/src/k8s.io/kubectl/pkg/cmd/exec/exec.go (v1.36).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lab.clock import Clock
from lab.cluster.cluster import Cluster
from lab.cluster.kubectl_options import SubmitOptions, delete_options, submit_options
from lab.cluster.requests import Requests, Response
from lab.errors import ApiError, ContainerGone, EngineError
from lab.scenarios.answers import Answer, not_found
from lab.scenarios.deletion import DELETE_FLAGS, Deletion
from lab.scenarios.kubectl_get import Getter
from lab.scenarios.kubectl_line import KubectlLine
from lab.scenarios.kubectl_logs import choose_container
from lab.scenarios.kubectl_reads import Reader
from lab.scenarios.kubectl_run import pod_of_flags
from lab.scenarios.kubectl_waits import Watcher
from lab.scenarios.kubectl_writes import Writer
from lab.timeline.facts import CommandAnswered

_ONE_POD = (("pod",), ("pods",), ("po",))
_PASSED_ON = DELETE_FLAGS - {"dry-run"}
_EXEC_FLAGS = frozenset({"container", "namespace", "stdin", "tty", "quiet", "request-timeout", "pod-running-timeout"})
_RUN_FLAGS = frozenset(
    {"image", "restart", "labels", "env", "port", "command", "dry-run", "output", "namespace", "image-pull-policy", "annotations"}
)
_LOG_QUERY = {"tailLines": "tail", "timestamps": "timestamps", "previous": "previous", "limitBytes": "limit-bytes"}
_NO_DASHES = (
    "error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\n"
    "See 'kubectl exec -h' for help and examples\n"
)


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
        missing = [file for file in line.files if file not in self._manifests and not file.startswith(("-", "http"))]
        if missing:
            absent = Answer(rc=1, stderr=f'error: the path "{missing[0]}" does not exist\n')
            return self._answered(argv, absent, self._clock.monotonic())
        match line.verb:
            case "apply" | "create" | "replace" if line.files and not line.switch("force"):
                return self._submit(line)
            case "delete" if line.names[:1] in _ONE_POD and len(line.names) == 2 and line.only_flags(_PASSED_ON):
                return self._cluster.kubectl.delete(
                    line.names[1], namespace=self._namespace, args=_joined(line), run_id=self._run_id
                )
            case "exec" if len(line.names) == 1 and line.command and line.only_flags(_EXEC_FLAGS):
                pod = line.names[0].removeprefix("pod/").removeprefix("pods/").removeprefix("po/")
                return self.execute(pod, line.flags.get("container", ""), line.command)
            case _:
                began = self._clock.monotonic()
                answer = self._other(line)
                return None if answer is None else self._answered(argv, answer, began)

    def _other(self, line: KubectlLine) -> Answer | None:
        """Answer the verbs that print and need no more than what is stored."""
        match line.verb:
            case "get" if line.switch("watch") or line.switch("watch-only"):
                return self._watcher().watch(line)
            case "get" | "describe" | "events":
                return {"get": self.reader().get, "describe": self.reader().describe, "events": self.reader().events}[line.verb](
                    line
                )
            case "logs":
                return self._logs(line)
            case "wait":
                return self._watcher().wait(line)
            case "patch" | "label" | "annotate" | "set" | "diff":
                return self._written(line)
            case "delete":
                return Deletion(self._cluster, namespace=self._namespace, run_id=self._run_id).run(line, self._manifests)
            case "replace":
                return self._replaced_by_force(line)
            case "run":
                return self._started(line)
            case "exec" if len(line.names) > 1 and not line.command:
                return Answer(rc=1, stderr=_NO_DASHES)
            case "top":
                return Answer(rc=1, stderr="error: Metrics API not available\n")
            case _:
                return None

    def _written(self, line: KubectlLine) -> Answer | None:
        getter = Getter(view=self._cluster.registry.view(), namespace=self._namespace, now=self._clock.now())
        writer = Writer(registry=self._cluster.registry, namespace=self._namespace, run_id=self._run_id, getter=getter)
        if line.verb == "diff":
            return writer.diff(line, self._manifests)
        verbs = {"patch": writer.patch, "label": writer.label, "annotate": writer.annotate, "set": writer.set_image}
        return verbs[line.verb](line)

    def _started(self, line: KubectlLine) -> Answer | None:
        """Create the pod that ``kubectl run`` makes of its flags."""
        options = submit_options({"dry-run": line.flags.get("dry-run", "none"), "output": line.flags.get("output", "")})
        if (
            len(line.names) != 1
            or "image" not in line.flags
            or not line.only_flags(_RUN_FLAGS)
            or not isinstance(options, SubmitOptions)
        ):
            return None
        manifest = json.dumps(pod_of_flags(line))
        created = self._cluster.kubectl.create(
            manifest, filename="", namespace=self._namespace, options=options, run_id=self._run_id, recorded=False
        )
        return Answer(rc=created.rc, stdout=created.stdout, stderr=created.stderr.replace('error when creating "": ', ""))

    def _replaced_by_force(self, line: KubectlLine) -> Answer | None:
        """Delete what the files name, wait, and create it anew (replace.go: forceReplace)."""
        flags = {name: value for name, value in line.flags.items() if name in ("grace-period", "timeout", "cascade")}
        deletion = Deletion(self._cluster, namespace=self._namespace, run_id=self._run_id)
        targets = deletion.of_files(line.files, self._manifests)
        if targets is None or not line.only_flags({"force", "filename", "namespace", *flags}):
            return None
        options = delete_options(("--ignore-not-found=true", *(f"--{name}={value}" for name, value in flags.items())))
        if isinstance(options, str):
            return Answer(rc=1, stderr=f"error: {options}\n")
        deleted = deletion.delete(targets, options)
        if deleted.rc:
            return deleted
        stdout, stderr, rc = deleted.stdout, deleted.stderr, 0
        for file in line.files:
            created = self._cluster.kubectl.create(
                self._manifests[file], filename=file, namespace=self._namespace, run_id=self._run_id, recorded=False
            )
            stdout += created.stdout.replace(" created\n", " replaced\n")
            stderr += created.stderr
            rc = max(rc, created.rc)
        return Answer(rc=rc, stdout=stdout, stderr=stderr)

    def _logs(self, line: KubectlLine) -> Answer | None:
        reader = self.reader()
        answer = reader.logs(line)
        if answer is None or answer.rc or not line.switch("follow") or not line.names:
            return answer
        name = line.names[0].rpartition("/")[2]
        container = line.flags.get("container") or (line.names[1] if len(line.names) == 2 else "")
        self._watcher().until_ended(name, container)
        return replace(reader, entries=self.reader().entries).logs(line)  # the pod itself may be gone by now

    def _watcher(self) -> Watcher:
        return Watcher(cluster=self._cluster, clock=self._clock, namespace=self._namespace)

    def reader(self) -> Reader:
        """Return what kubectl's reading verbs answer now."""
        timeline = self._cluster.timeline
        return Reader(
            view=self._cluster.registry.view(),
            entries=timeline.read(timeline.horizon),
            namespace=self._namespace,
            now=self._clock.now(),
        )

    def requests(self) -> Requests:
        """Return the API server's front door."""
        return Requests(self._cluster.registry, self._clock, run_id=self._run_id, log=self._read_log)

    def _read_log(self, namespace: str, pod: str, container: str, query: Mapping[str, str]) -> Response:
        flags = {"container": container} if container else {}
        flags |= {name: query[given] for given, name in _LOG_QUERY.items() if given in query}
        answer = self.reader().logs(KubectlLine(verb="logs", names=(pod,), flags=flags))
        if answer is None or answer.rc:
            message = "cannot read the log" if answer is None else answer.stderr.partition(": ")[2].strip()
            status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
            return Response(code=400, body={**status, "reason": "BadRequest", "code": 400})
        return Response(code=200, body=answer.stdout)

    def execute(self, pod: str, container: str, command: Sequence[str]) -> CommandAnswered:
        """Run ``kubectl exec``; ``container`` "" is the pod's first."""
        began = self._clock.monotonic()
        chosen = ("-c", container) if container else ()
        return self._answered(("exec", pod, *chosen, "--", *command), self._executed(pod, container, tuple(command)), began)

    def _submit(self, line: KubectlLine) -> CommandAnswered | None:
        flags = {name: value for name, value in line.flags.items() if name not in ("filename", "namespace", "request-timeout")}
        options = submit_options(flags)
        if options is None or line.names or any(file not in self._manifests for file in line.files):
            return None
        if isinstance(options, str):
            return self._answered((line.verb, *line.options), Answer(rc=1, stderr=f"error: {options}\n"), self._clock.monotonic())
        kubectl = self._cluster.kubectl
        submit = {"apply": kubectl.apply, "create": kubectl.create, "replace": kubectl.replace}[line.verb]
        rest = _without_files(line.options)
        answers = [
            submit(
                self._manifests[file],
                filename=file,
                namespace=self._namespace,
                options=options,
                args=rest,
                run_id=self._run_id,
                recorded=len(line.files) == 1,
            )
            for file in line.files
        ]
        if len(answers) == 1:
            return answers[0]
        joined = Answer(
            rc=max(a.rc for a in answers), stdout="".join(a.stdout for a in answers), stderr="".join(a.stderr for a in answers)
        )
        return self._answered((line.verb, *line.options), joined, self._clock.monotonic() - sum(a.took_seconds for a in answers))

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


def _joined(line: KubectlLine) -> tuple[str, ...]:
    """Return the flags each as one word, as `kubectl delete` takes them apart."""
    words, out = list(line.options), []
    while words:
        word = words.pop(0)
        out.append(f"{word}={words.pop(0)}" if words and not words[0].startswith("-") and "=" not in word else word)
    return tuple(out)


def _without_files(options: Sequence[str]) -> tuple[str, ...]:
    words, out = list(options), []
    while words:
        word = words.pop(0)
        if word in ("-f", "--filename", "-n", "--namespace"):
            words.pop(0)
        elif not word.startswith(("-f=", "--filename=", "--namespace=")):
            out.append(word)
    return tuple(out)
