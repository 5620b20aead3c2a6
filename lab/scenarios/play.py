"""Plays a scenario's actions on a cluster, in order, and brings back what is not on the timeline: files, descriptions, notes.

A learner's failure (a refused manifest, a command that is not there) is an answer in the trace; only the lab's own raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from lab.clock import Clock
from lab.cluster.cluster import Cluster
from lab.cluster.requests import Request
from lab.errors import ApiError, ContainerGone, LabError
from lab.pods.object_yaml import object_yaml
from lab.pods.review import review
from lab.scenarios.answers import Answer
from lab.scenarios.kubectl_logs import choose_container
from lab.scenarios.scenario import Scenario
from lab.scenarios.steps import (
    Action,
    ApiCall,
    Delete,
    Describe,
    Exec,
    HostDirectory,
    HostFile,
    KubectlCall,
    Logs,
    ReadFile,
    Submit,
    Unsupported,
    Wait,
)
from lab.scenarios.terminal import Terminal
from lab.scenarios.trace import AnsweredCall, Gathered
from lab.scenarios.waits import wait_until
from lab.timeline.facts import JSON, CommandAnswered
from lab.timeline.tables import pods_table

# What a kubectl of its own process takes before the server hears of it, so that what follows a command at once comes as late as
# it does in life: a node has published a pod's first status by then.
KUBECTL_SECONDS = 0.05
COMMAND_LIMIT_SECONDS = 150.0  # the recorder on the real node gave up on a command after as long
ABSENT = "No such file or directory"

OnAction = Callable[[Action], None]


class Player:
    """One playing of one scenario."""

    def __init__(
        self, scenario: Scenario, cluster: Cluster, clock: Clock, *, run_id: str, on_action: OnAction | None = None
    ) -> None:
        """Prepare to play; ``on_action`` is told each action as it begins."""
        self._scenario = scenario
        self._cluster = cluster
        self._clock = clock
        self._on_action = on_action
        self._terminal = Terminal(cluster, clock, namespace=scenario.namespace, manifests=scenario.manifests, run_id=run_id)
        self._files: dict[str, object] = {}
        self._describe: dict[str, JSON] = {}
        self._calls: list[AnsweredCall] = []
        self._notes: list[str] = []
        self._background: list[_Command] = []

    def play(self) -> Gathered:
        """Play every action and wait for the background commands. Blocks; raises LabError when the lab itself fails."""
        for action in self._scenario.actions:
            if self._on_action is not None:
                self._on_action(action)
            self._play(action)
        for command in self._background:
            self._finish(command)
        return self.gathered()

    def gathered(self) -> Gathered:
        """Return what has been brought back so far."""
        return Gathered(
            files=dict(self._files), describe=dict(self._describe), calls=tuple(self._calls), notes=tuple(self._notes)
        )

    def _play(self, action: Action) -> None:
        match action:
            case Submit():
                self._run((action.verb, "-f", action.file, *action.args))
                self._note_what_has_no_effect(action)
            case Wait():
                self._wait(action)
            case Delete():
                self._on_pod(action.pod, lambda pod: self._delete(pod, action))
            case Describe():
                self._on_pod(action.pod, lambda pod: self._keep_description(pod, action.name))
            case Logs():
                container = ("-c", action.container) if action.container else ()
                self._on_pod(action.pod, lambda pod: self._run(("logs", pod, "--timestamps", *container, *action.args)))
            case Exec():
                self._on_pod(action.pod, lambda pod: self._exec(pod, action))
            case ReadFile():
                self._on_pod(action.pod, lambda pod: self._read_file(pod, action))
            case HostDirectory():
                self._cluster.node.host_directory(action.path)
            case HostFile():
                self._files[action.name or f"host:{action.path}"] = _kept(self._cluster.node.read_host_file(action.path))
            case KubectlCall():
                self._kubectl(action)
            case ApiCall():
                self._request(action)
            case Unsupported():
                self._note_unsupported(action.what)
            case _:
                assert_never(action)

    def _wait(self, action: Wait) -> None:
        namespace, timeout = self._scenario.namespace, action.timeout_seconds
        if not wait_until(action.condition, self._cluster.timeline, self._clock, namespace, timeout):
            self._notes.append(f"wait {action.condition.text} timed out")

    def _delete(self, pod: str, action: Delete) -> None:
        self._run(("delete", "pod", pod, *action.args), settle_seconds=action.settle_seconds if action.background else None)

    def _kubectl(self, action: KubectlCall) -> None:
        argv = action.argv[1:] if action.argv[0] == "kubectl" else action.argv
        self._run(argv, settle_seconds=action.settle_seconds if action.background else None)

    def _request(self, action: ApiCall) -> None:
        began = self._cluster.timeline.elapsed_seconds()
        path = action.path.replace("$NS", self._scenario.namespace)
        request = Request(method=action.method, path=path, body=action.body, content_type=action.content_type)
        response = self._terminal.requests().answer(request)
        if response is None:
            self._note_unsupported(f"api {action.method} {action.path}")
            return
        deletes = action.method == "DELETE" or path.endswith("/eviction")
        self._calls.append(
            AnsweredCall(
                request=f"{action.method} {action.path}",
                body=action.body,
                began_at=began,
                code=response.code,
                response=response.body,
                deletes=deletes,
            )
        )

    def _run(self, argv: tuple[str, ...], *, settle_seconds: float | None = None) -> None:
        """Run a command line to its end, or only start it and give it ``settle_seconds``."""
        command = _Command(argv, self._terminal, self._clock)
        if settle_seconds is None:
            self._finish(command)
        else:
            self._background.append(command)
            self._clock.sleep(settle_seconds)

    def _finish(self, command: _Command) -> None:
        words = f"kubectl {' '.join(command.argv)}"
        if not command.ended_within(COMMAND_LIMIT_SECONDS):
            self._notes.append(f"{words} had not returned after {COMMAND_LIMIT_SECONDS:g} s")
        elif command.failure is not None:
            raise command.failure
        elif command.answer is None:
            self._note_unsupported(words)

    def _exec(self, pod: str, action: Exec) -> None:
        answer = self._terminal.execute(pod, action.container or "", action.argv)
        if action.name:
            self._files[action.name] = answer.stdout if answer.rc == 0 else {"error": answer.stderr.strip()}

    def _read_file(self, pod: str, action: ReadFile) -> None:
        key, value = action.name or action.path, self._object(pod)
        chosen = choose_container(value, action.container or "") if value else Answer(stderr=f'pods "{pod}" not found')
        if isinstance(chosen, Answer):
            self._files[key] = {"error": chosen.stderr.strip()}
            return
        try:
            read = self._cluster.node.read_file(self._scenario.namespace, pod, chosen.name, action.path)
        except (ApiError, ContainerGone) as error:
            self._files[key] = {"error": str(error)}
        else:
            self._files[key] = _kept(read)

    def _keep_description(self, pod: str, name: str) -> None:
        value = self._object(pod)
        if value is None:
            self._notes.append(f'{name}: pods "{pod}" not found')
            return
        now = self._clock.now()
        self._describe[name] = {
            "at": now.isoformat().replace("+00:00", "Z"),
            "text": self._terminal.reader().describe_text(value),
            "yaml": object_yaml(value),
            "get": pods_table([value], now=now, wide=True),
        }

    def _on_pod(self, name: str | None, act: Callable[[str], None]) -> None:
        """Call ``act`` with the named pod, else with the scenario's first."""
        live = self._cluster.registry.view().list("Pod", self._scenario.namespace)
        pods = [name] if name else [*self._scenario.pod_names, *(pod["metadata"]["name"] for pod in live)]
        if pods:
            act(pods[0])
        else:
            self._notes.append("an action needs a pod, and there is none")

    def _object(self, pod: str) -> JSON | None:
        return self._cluster.registry.view().get("Pod", self._scenario.namespace, pod)

    def _note_what_has_no_effect(self, action: Submit) -> None:
        text = self._scenario.manifests.get(action.file, "")
        documents = review(text, namespace=self._scenario.namespace, verb=action.verb).documents
        remarks = [note for document in documents if document.object for note in document.warnings if note.kind == "NoEffect"]
        notes = (f"{action.file}, line {note.line}: {note.path} {note.message}" for note in remarks)
        self._notes += [note for note in notes if note not in self._notes]

    def _note_unsupported(self, what: str) -> None:
        self._notes.append(f"not supported by this lab: {what}")


class _Command:
    """A kubectl command that runs in a thread of its own; its failure is raised by whoever waits for it."""

    def __init__(self, argv: tuple[str, ...], terminal: Terminal, clock: Clock) -> None:
        self.argv = argv
        self.answer: CommandAnswered | None = None
        self.failure: LabError | None = None
        self._terminal = terminal
        self._clock = clock
        self._thread = clock.spawn(f"kubectl {argv[0]}", self._run)

    def ended_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._clock.sleep(KUBECTL_SECONDS)
        try:
            self.answer = self._terminal.run(self.argv)
        except LabError as error:
            self.failure = error


def _kept(content: bytes | None) -> object:
    return {"error": ABSENT} if content is None else content.decode(errors="replace")
