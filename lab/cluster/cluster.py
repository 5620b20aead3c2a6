"""One learner's cluster: a timeline, the API server over it, kubectl, and one node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lab.clock import Clock
from lab.cluster.kubectl import Kubectl
from lab.cluster.node import Node, NodeParts
from lab.cluster.registry import Registry
from lab.limits import Limits
from lab.runtime.node_files import NodeFiles
from lab.runtime.runtime import Runtime
from lab.timeline.folds import ClusterView
from lab.timeline.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """``feature_gates`` names the Kubernetes gates that are on against upstream's default; ``limits`` bound its
    containers and their logs; ``witness_problem`` says why received signals cannot be witnessed on this host, if they cannot;
    ``max_pods`` bounds how many pods may be stored at a time."""

    feature_gates: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
    witness_problem: str | None = None
    max_pods: int | None = None


class Cluster:
    """A running cluster. Its parts are public: what happens in it goes through them, and everything is on ``timeline``."""

    def __init__(
        self,
        timeline: Timeline,
        clock: Clock,
        runtime: Runtime,
        files: NodeFiles,
        *,
        view: ClusterView | None = None,
        options: ClusterOptions | None = None,
        cleared: Callable[[str, str], None] = lambda pod_uid, run_id: None,
        engine_lost: Callable[[str], None] = lambda message: None,
        failed: Callable[[str, str], None] = lambda run_id, message: None,
        left_behind: Callable[[str], None] = lambda pod_uid: None,
        started: Callable[[str], None] = lambda pod_uid: None,
    ) -> None:
        """Start a node on a timeline; ``view`` is the timeline's fold so far. The callbacks are `Node`'s."""
        options = options or ClusterOptions()
        self.id = timeline.cluster
        self.timeline = timeline
        self.registry = Registry(timeline, clock, view=view, max_pods=options.max_pods)
        self.kubectl = Kubectl(timeline, self.registry, clock, options.feature_gates)
        parts = NodeParts(
            cluster=self.id,
            timeline=timeline,
            clock=clock,
            runtime=runtime,
            files=files,
            registry=self.registry,
            limits=options.limits,
            witness_problem=options.witness_problem,
        )
        self.node = Node(parts, cleared=cleared, engine_lost=engine_lost, failed=failed, left_behind=left_behind, started=started)

    def close(self) -> None:
        """End every pod and the node; the timeline stays readable."""
        self.node.close()
