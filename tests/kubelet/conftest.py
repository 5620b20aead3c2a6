"""Clusters for the scenarios of the kubelet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.cluster.cluster import ClusterOptions
from lab.runtime.scripted import ContainerScript
from tests.kubelet.stage import Stage

Given = Callable[..., Stage]


@pytest.fixture
def given(tmp_path: Path) -> Iterator[Given]:
    """Return a function that opens the test's cluster: scripts by container name, and what else it is to be like."""
    stages: list[Stage] = []

    def open_stage(*, options: ClusterOptions | None = None, pod_ip: str | None = None, **scripts: ContainerScript) -> Stage:
        stages.append(Stage(tmp_path / "nodes", scripts, options or ClusterOptions(), pod_ip))
        return stages[-1]

    yield open_stage
    for stage in stages:
        stage.close()
