"""Pages over a real timeline and the real catalog, without an engine: a script appends what a run of example 2 looks like."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lab.clock import SystemClock
from lab.cluster.admission import Usage
from lab.cluster.demand import NOTHING, Demand
from lab.cluster.repeats import RepeatOrder
from lab.errors import LabError
from lab.lessons import Catalog
from lab.runtime.node_files import NodeFiles
from lab.store.bundles import Bundles
from lab.store.database import Database
from lab.store.predictions import Predictions
from lab.store.progress import ProgressMarks
from lab.timeline.bundle import Versions
from lab.timeline.facts import (
    CommandAnswered,
    ContainerCreated,
    ContainerExited,
    ContainerStarted,
    Entry,
    Fact,
    FileChanged,
    HoldPoint,
    HookFinished,
    HookStarted,
    ImageLookedUp,
    KillStarted,
    LogChunk,
    ObjectWritten,
    ProcessObserved,
    RunAborted,
    RunClosed,
    RunOpened,
    SandboxStarted,
    SandboxStopped,
    SignalReceived,
    SignalSent,
    Verb,
    Writer,
)
from lab.timeline.folds import concerns, pods_created_by
from lab.timeline.repeat import Repeat
from lab.timeline.run import Run
from lab.timeline.timeline import MemoryJournal, Timeline
from lab.web import Services, WebSettings, create_blueprint

CONTENT = Path(__file__).parents[2] / "content"
UID = "6f7c2f0e-5a44-4b57-9d1b-0c8f3f7f9a01"
CONTAINER = "app"
EXAMPLE_MANIFEST = """apiVersion: v1
kind: Pod
metadata:
  name: demo
spec:
  terminationGracePeriodSeconds: 6
  containers:
  - name: app
    image: busybox
    command: [sh, -c, "sleep 3600; true"]
    lifecycle:
      preStop:
        exec:
          command: [sh, -c, "echo draining; sleep 3"]
"""


NO_USAGE = Usage(learners={}, all=NOTHING, learners_limit=NOTHING, limit_of_all=NOTHING, ahead={})


class PageRuns:
    """The part of `lab.cluster.runs.Runs` that pages use, over real timelines; a test appends the facts itself."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.timelines: dict[str, Timeline] = {}
        self.runs: dict[str, Run] = {}
        self.deletions: list[tuple[str, int | None, bool]] = []
        self.refuse: str | LabError | None = None
        self.followed: list[tuple[str, str]] = []
        self.hold_points: tuple[HoldPoint, ...] = ()
        self.held = False
        self.proceeded: list[tuple[str, int | None, bool]] = []
        self.commands: list[tuple[str, ...]] = []
        self.running = True
        self.cleaned: list[str] = []
        self.discarded: list[str] = []
        self.ahead: dict[str, int] = {}

    def open(
        self,
        cluster_id: str,
        example: str,
        manifest: str,
        *,
        verb: Literal["apply", "create"] = "apply",
        fresh: bool = False,
        hold_points: tuple[HoldPoint, ...] = (),
    ) -> Run:
        self.hold_points = hold_points
        if self.refuse:
            raise self.refuse if isinstance(self.refuse, LabError) else LabError(self.refuse)
        live = self.latest(cluster_id, example)
        if live is not None and live.ended is None and not fresh:
            return live
        run_id = f"run{len(self.runs) + 1}"
        entry = self.timeline(cluster_id).append(RunOpened(run_id=run_id, example=example, manifest=manifest))
        self.runs[run_id] = Run(
            id=run_id, cluster=cluster_id, example=example, manifest=manifest, first_seq=entry.seq, opened_at=entry.at
        )
        return self.runs[run_id]

    def delete(
        self, run_id: str, *, pod: str | None = None, grace_period_seconds: int | None = None, force: bool = False
    ) -> None:
        self.deletions.append((run_id, grace_period_seconds, force))

    def proceed(self, run_id: str, *, held_seq: int | None = None, to_the_end: bool = False) -> bool:
        self.proceeded.append((run_id, held_seq, to_the_end))
        return self.held

    def run_command(self, run_id: str, pod: str, container: str, command: tuple[str, ...]) -> bool:
        self.commands.append((run_id, pod, container, *command))
        return self.running

    def clean_node(self, cluster_id: str) -> None:
        if self.refuse:
            raise LabError(str(self.refuse))
        self.cleaned.append(cluster_id)

    def get(self, run_id: str) -> Run | None:
        return self.runs.get(run_id)

    def latest(self, cluster_id: str, example: str) -> Run | None:
        found = [run for run in self.runs.values() if (run.cluster, run.example) == (cluster_id, example)]
        return found[-1] if found else None

    def recent(self, cluster_id: str, count: int) -> tuple[Run, ...]:
        found = [run for run in self.runs.values() if run.cluster == cluster_id]
        return tuple(found[::-1][:count])

    def live(self, cluster_id: str) -> tuple[Run, ...]:
        return tuple(run for run in self.runs.values() if run.cluster == cluster_id and run.ended is None)

    def abort(self, run_id: str, *, why: str, by: str) -> None:
        self.end(run_id, RunAborted(run_id=run_id, why=why, by=by))

    def discard(self, cluster_id: str) -> None:
        for run in self.live(cluster_id):
            self.abort(run.id, why="Its cluster was removed.", by="stop")
        self.discarded.append(cluster_id)

    def usage(self) -> Usage:
        pods = {cluster: Demand(pods=len(self.live(cluster))) for cluster in self.timelines}
        return replace(NO_USAGE, learners=pods, ahead=self.ahead)

    def entries(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        run = self.runs[run_id]
        span = self.timeline(run.cluster).read(run.first_seq - 1)
        pods = pods_created_by(span, run_id)
        return tuple(e for e in span if e.seq > after and concerns(e, run_id, pods))

    @contextmanager
    def following(self, cluster_id: str, examples: Collection[str]) -> Iterator[None]:
        self.followed += [(cluster_id, example) for example in examples]
        try:
            yield
        finally:
            for example in examples:
                self.followed.remove((cluster_id, example))

    def timeline(self, cluster_id: str) -> Timeline:
        if cluster_id not in self.timelines:
            self.timelines[cluster_id] = Timeline(cluster_id, self.clock, MemoryJournal())
        return self.timelines[cluster_id]

    def close(self, run_id: str) -> None:
        """Close a run as the lab does once its pods are gone."""
        self.end(run_id, RunClosed(run_id=run_id, why="Its pods are gone."))

    def end(self, run_id: str, how: RunClosed | RunAborted) -> None:
        """Bring a run to its end."""
        run = self.runs[run_id]
        entry = self.timeline(run.cluster).append(how)
        self.runs[run_id] = Run(
            id=run.id,
            cluster=run.cluster,
            example=run.example,
            manifest=run.manifest,
            first_seq=run.first_seq,
            opened_at=run.opened_at,
            last_seq=entry.seq,
            ended=how,
        )


class PageRepeats:
    """The part of `lab.cluster.repeats.Repeats` that pages use; a test says what has become of them."""

    def __init__(self) -> None:
        self.orders: list[RepeatOrder] = []
        self.repeats: dict[str, Repeat] = {}
        self.refuse: str | None = None

    def start(self, order: RepeatOrder) -> Repeat:
        if self.refuse:
            raise LabError(self.refuse)
        self.orders.append(order)
        asked = {name: getattr(order, name) for name in RepeatOrder.__slots__}
        repeat = Repeat(id=f"repeat{len(self.orders)}", opened_at=datetime.now(UTC), **asked)
        self.repeats[repeat.id] = repeat
        return repeat

    def get(self, repeat_id: str) -> Repeat | None:
        return self.repeats.get(repeat_id)

    def latest(self, cluster: str, example: str) -> Repeat | None:
        found = [r for r in self.repeats.values() if (r.cluster, r.example) == (cluster, example)]
        return found[-1] if found else None

    def before(self, repeat_id: str) -> int:
        return 0

    def cancel(self, repeat_id: str) -> None:
        self.repeats[repeat_id] = replace(self.repeats[repeat_id], ended="cancelled", why="Cancelled.")

    def cancel_all(self, cluster: str) -> None:
        for repeat in [repeat for repeat in self.repeats.values() if repeat.cluster == cluster and not repeat.ended]:
            self.cancel(repeat.id)


class PodScript:
    """Appends what happens to one pod, as the kubelet would."""

    def __init__(self, timeline: Timeline, run_id: str) -> None:
        self.timeline = timeline
        self.run_id = run_id
        self.now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def node(self, fact: Fact, container: str | None = CONTAINER) -> Entry:
        """Append a node fact about the pod."""
        return self.timeline.append(fact, pod_uid=UID, container=container)

    def pod(self, verb: Verb, writer: Writer, state: dict[str, Any] | None, *, phase: str = "Pending", **metadata: Any) -> Entry:
        """Append a write of the pod."""
        status: dict[str, Any] = {
            "phase": phase,
            "podIP": "10.231.0.2",
            "podIPs": [{"ip": "10.231.0.2"}],
            "qosClass": "BestEffort",
        }
        if state is not None:
            ready = "running" in state
            status["conditions"] = [{"type": "Ready", "status": str(ready)}, {"type": "PodScheduled", "status": "True"}]
            status["containerStatuses"] = [
                {
                    "name": CONTAINER,
                    "image": "busybox",
                    "imageID": "",
                    "ready": ready,
                    "started": ready,
                    "restartCount": 0,
                    "state": state,
                    "lastState": {},
                }
            ]
        value = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "demo",
                "namespace": "default",
                "uid": UID,
                "creationTimestamp": self.now,
                "generation": 1,
                **metadata,
            },
            "spec": {
                "nodeName": "lab-node",
                "terminationGracePeriodSeconds": 6,
                "containers": [{"name": CONTAINER, "image": "busybox"}],
            },
            "status": status,
        }
        run_id = self.run_id if writer == "user" else None
        return self.timeline.append(
            ObjectWritten(
                verb=verb, kind="Pod", namespace="default", name="demo", uid=UID, object=value, writer=writer, run_id=run_id
            ),
            pod_uid=UID,
        )

    def event(self, reason: str, message: str, *, type: str = "Normal", component: str = "kubelet") -> Entry:
        """Append an event about the pod's container."""
        name = f"demo.{reason.lower()}"
        involved = {
            "kind": "Pod",
            "namespace": "default",
            "name": "demo",
            "uid": UID,
            "fieldPath": f"spec.containers{{{CONTAINER}}}",
        }
        value = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}", "creationTimestamp": self.now},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "source": {"component": component},
            "firstTimestamp": self.now,
            "lastTimestamp": self.now,
            "count": 1,
            "type": type,
        }
        writer: Writer = "scheduler" if component == "default-scheduler" else "kubelet"
        return self.timeline.append(
            ObjectWritten(
                verb="create", kind="Event", namespace="default", name=name, uid=f"uid-{name}", object=value, writer=writer
            ),
            pod_uid=UID,
        )

    def start(self) -> None:
        """From apply to Running."""
        self.pod("create", "user", None)
        self.timeline.append(
            CommandAnswered(
                argv=("kubectl", "apply", "-f", "pod.yaml"),
                rc=0,
                stdout="pod/demo created\n",
                stderr="",
                took_seconds=0.02,
                run_id=self.run_id,
            )
        )
        self.pod("status", "scheduler", None)
        self.event("Scheduled", "Successfully assigned default/demo to lab-node", component="default-scheduler")
        self.pod("status", "kubelet", {"waiting": {"reason": "ContainerCreating"}})
        self.node(SandboxStarted(sandbox_id="5f" * 32, ip="10.231.0.2", took_seconds=0.21), None)
        self.node(ImageLookedUp(image="busybox", image_id="sha256:" + "7a" * 32, size_bytes=1_980_000, took_seconds=0.004))
        self.event("Pulled", 'Successfully pulled image "busybox" in 4ms (4ms including waiting). Image size: 1980000 bytes.')
        argv = ("sh", "-c", "sleep 3600; true")
        self.node(ContainerCreated(container_id="c1" * 32, attempt=0, image="busybox", argv=argv, stop_signal=""))
        self.event("Created", "Container created")
        self.node(ContainerStarted(container_id="c1" * 32, attempt=0, pid=4242, started_at="2026-11-24T18:00:00.123456Z"))
        self.event("Started", "Container started")
        written_at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self.node(LogChunk(attempt=0, offset=0, lines=((written_at, "stdout", "ready <b>now</b>"),)))
        self.pod("status", "kubelet", {"running": {"startedAt": self.now}}, phase="Running")

    def stop(self) -> None:
        """From a graceful delete to the end of the hook and the dropped SIGTERM."""
        self.pod(
            "delete",
            "user",
            {"running": {"startedAt": self.now}},
            phase="Running",
            deletionTimestamp=self.now,
            deletionGracePeriodSeconds=6,
        )
        self.event("Killing", "Stopping container app")
        self.node(KillStarted(attempt=0, reason="Stopping container app", grace_period_seconds=6, has_pre_stop=True))
        action = ("sh", "-c", "echo draining; sleep 3")
        self.node(HookStarted(hook="preStop", handler="exec", action=action, attempt=0))
        self.node(
            HookFinished(
                hook="preStop",
                handler="exec",
                attempt=0,
                exit_code=0,
                http_status=None,
                stdout="draining\n",
                stderr="",
                took_seconds=3.01,
            )
        )
        self.node(
            FileChanged(
                path="/usr/share/message",
                change="added",
                text="Hello from the preStop Handler\n",
                size_bytes=31,
                volume="message",
                node_path="/tmp/message",
                attempt=0,
            )
        )
        self.node(
            ProcessObserved(
                attempt=0,
                command="sh -c sleep 3600; true",
                sig_blocked="0" * 16,
                sig_ignored="0" * 16,
                sig_caught="0000000000010002",
                others=((7, "sleep 3600"),),
            )
        )
        self.node(SignalSent(signal="SIGTERM", number=15, why="stop-signal", source="default", timeout_seconds=3, attempt=0))
        self.node(self.received("SIGTERM", 15, "ignored"))

    def end(self) -> None:
        """From SIGKILL to the removal of the object."""
        self.node(SignalSent(signal="SIGKILL", number=9, why="grace-period-over", source="kill", timeout_seconds=0, attempt=0))
        self.node(self.received("SIGKILL", 9, "default"))
        times = {"started_at": "2026-11-24T18:00:00.123456Z", "finished_at": "2026-11-24T18:00:18.223456Z"}
        self.node(ContainerExited(container_id="c1" * 32, attempt=0, exit_code=137, signal=9, oom_killed=False, **times))
        terminated = {"terminated": {"exitCode": 137, "reason": "Error", "startedAt": self.now, "finishedAt": self.now}}
        gone = {"deletionTimestamp": self.now, "deletionGracePeriodSeconds": 0}
        self.pod("status", "kubelet", terminated, phase="Failed", **{**gone, "deletionGracePeriodSeconds": 6})
        self.node(SandboxStopped(sandbox_id="5f" * 32), None)
        self.pod("delete", "kubelet", terminated, phase="Failed", **gone)
        self.pod("remove", "kubelet", terminated, phase="Failed", **gone)
        self.timeline.append(
            CommandAnswered(
                argv=("kubectl", "delete", "pod", "demo"),
                rc=0,
                stdout='pod "demo" deleted from default namespace\n',
                stderr="",
                took_seconds=6.1,
                run_id=self.run_id,
            )
        )

    def received(self, signal: str, number: int, result: Literal["ignored", "default"]) -> SignalReceived:
        """Return the kernel's word on a signal from the runtime to PID 1."""
        return SignalReceived(
            signal=signal,
            number=number,
            sender="runc",
            sender_pid=4300,
            target="sh",
            target_pid=1,
            result=result,
            witness="tracepoint",
            attempt=0,
        )


class Pages:
    """An app with its runs, and a browser-like client that remembers cookies."""

    def __init__(self, catalog: Catalog, nodes: Path) -> None:
        self.runs = PageRuns()
        self.repeats = PageRepeats()
        self.files = NodeFiles(nodes, plain=True)
        self.database = Database(f"sqlite:///{nodes.with_name('lab.sqlite')}")
        self.predictions = Predictions(self.database, self.runs.clock)
        self.catalog = catalog
        self.engine_problem: str | None = None
        self.store_problem: str | None = None
        self.app = Flask("lab", static_folder=None)
        self.services = services = Services(
            runs=self.runs,
            files=self.files,
            repeats=self.repeats,
            predictions=self.predictions,
            bundles=Bundles(self.database, self.runs.clock),
            versions=lambda: Versions(lab="0.0", engine="27.0", kubernetes="v1.36"),
            catalog=catalog,
            settings=WebSettings(
                allowed_hosts=frozenset({"localhost"}),
                secret_key="for tests only",
                embed_ancestors=("https://docs.example.org",),
            ),
            clock=self.runs.clock,
            engine_problem=lambda: self.engine_problem,
            store_problem=lambda: self.store_problem,
            max_run_seconds=3600.0,
            progress=ProgressMarks(self.database, self.runs.clock),
            discard=self.runs.discard,
        )
        self.app.register_blueprint(create_blueprint(services))
        self.client: FlaskClient = self.app.test_client()

    @property
    def example(self) -> str:
        """The id of an example that the pages show."""
        return self.catalog.examples[0].id

    def token(self) -> str:
        """Open a page and return the token of its forms."""
        html = self.client.get("/").text
        return html.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]

    def cluster(self) -> str:
        """Return the cluster id of the client's learner."""
        self.client.get("/")
        with self.client.session_transaction() as session:
            return str(session["cluster"])

    def post(self, path: str, **form: str) -> Any:
        """Submit a form as a page of the lab does."""
        return self.client.post(path, data={"csrf_token": self.token(), **form})

    def run(self, manifest: str = EXAMPLE_MANIFEST, *, example: str | None = None) -> tuple[Run, PodScript]:
        """Open a run for the client's learner."""
        run = self.runs.open(self.cluster(), example or self.example, manifest, fresh=True)
        return run, self.script(run)

    def script(self, run: Run) -> PodScript:
        """Return what appends a run's facts."""
        return PodScript(self.runs.timeline(run.cluster), run.id)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load(CONTENT)


@pytest.fixture
def pages(catalog: Catalog, tmp_path: Path) -> Iterator[Pages]:
    pages = Pages(catalog, tmp_path / "nodes")
    yield pages
    pages.database.close()
