from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given as with_any
from hypothesis import strategies as st

from lab.cluster.cluster import ClusterOptions
from lab.insight.comparison import Aligned, Pair, align, aligned
from lab.insight.differences import Difference, differences
from lab.insight.phrase import Phrase
from lab.runtime.scripted import ContainerScript
from lab.timeline.facts import Entry
from tests.kubelet.stage import Stage, container, deaf, pod, polite, takes

Played = Callable[..., Sequence[Entry]]


@pytest.fixture
def played(tmp_path: Path) -> Played:
    def play(manifest: str, *delete: str, **scripts: ContainerScript) -> Sequence[Entry]:
        stage = Stage(tmp_path / "nodes", scripts, ClusterOptions(), None)
        try:
            story = stage.run(manifest)
            story.delete_to_the_end(*delete)
            return stage.timeline.read(0)
        finally:
            stage.close()

    return play


def said(found: Sequence[Difference]) -> dict[str, tuple[str, str]]:
    def words(told: Phrase) -> str:
        values = {n: words(v) if isinstance(v, Phrase) else v for n, v in told.values.items()}
        return told.english.format(**values)

    return {f"{words(d.name)} of {d.place}".removesuffix(" of "): (words(d.left), words(d.right)) for d in found}


def steps(*kinds: str) -> tuple[Aligned, ...]:
    return tuple(Aligned(seq=seq, kind=kind.partition("=")[0], detail=kind.partition("=")[2]) for seq, kind in enumerate(kinds))


def test_the_same_run_twice_is_the_same_in_every_step_and_differs_in_nothing(played: Played) -> None:
    manifest = pod(container(post_start="hook", pre_stop="hook"), container("side"), grace=6)
    one = played(manifest, app=polite(hook=takes(1.0)), side=polite())
    other = played(manifest, app=polite(hook=takes(1.0)), side=polite())
    pairs = align(aligned(one), aligned(other))
    assert pairs == tuple(Pair(left=n, right=n) for n in range(len(one)))
    assert differences(one, other) == ()


def test_a_renamed_pod_and_container_are_still_the_same_steps(played: Played) -> None:
    one = played(pod(container("app", pre_stop="hook")), app=polite(hook=takes(1.0)))
    other = played(pod(container("web", pre_stop="hook"), name="q"), web=polite(hook=takes(1.0)))
    pairs = align(aligned(one), aligned(other))
    assert [pair for pair in pairs if pair.left is None or pair.right is None] == []
    assert differences(one, other) == ()


def test_a_deaf_process_differs_in_its_signals_fate_its_exit_and_the_time_it_takes(played: Played) -> None:
    manifest = pod(container(), grace=5)
    found = said(differences(played(manifest, app=polite()), played(manifest, app=deaf())))
    assert found["Stop signal"] == ("SIGTERM: taken by a handler", "SIGTERM: dropped")
    assert found["SIGKILL"] == ("–", "sent")
    assert found["Exit code"] == ("0", "137")
    assert found["Grace period left"] == ("5.00 s", "0.00 s")
    assert found["stop signal sent → container exits"] == ("0.00 s", "5.00 s")


def test_hooks_differ_by_how_they_ended(played: Played) -> None:
    manifest = pod(container(pre_stop="hook"), grace=4)
    good = played(manifest, app=polite(hook=takes(1.0)))
    bad = played(manifest, app=polite(hook=takes(1.0, exit_code=3)))
    long = played(manifest, app=polite(hook=takes(60)))
    assert said(differences(good, bad))["preStop"] == ("succeeded (0)", "failed (3)")
    assert said(differences(good, long))["preStop"] == ("succeeded (0)", "used the grace period up")
    assert said(differences(good, good)) == {}


def test_one_of_several_containers_is_named_by_its_place(played: Played) -> None:
    manifest = pod(container(), container("side"), grace=5)
    one, other = played(manifest, app=polite(), side=polite()), played(manifest, app=polite(), side=polite(exit_code=2))
    assert said(differences(one, other)) == {
        "Exit code of side": ("0", "2"),
        "STATUS that kubectl showed": (
            "Pending → ContainerCreating → Running → Terminating → Completed",
            "Pending → ContainerCreating → Running → Terminating → Error",
        ),
    }


def test_the_steps_of_a_forced_delete_meet_those_of_a_graceful_one_at_the_delete(played: Played) -> None:
    manifest = pod(container(pre_stop="hook"), grace=6)
    one = played(manifest, app=polite(hook=takes(0.5)))
    other = played(manifest, "--grace-period=0", "--force", app=polite(hook=takes(0.5)))
    left, right = aligned(one), aligned(other)
    cuts = tuple(next(n for n, s in enumerate(steps) if "user delete Pod" in s.kind) for steps in (left, right))
    pairs = align(left, right, (cuts[0], cuts[1]))
    assert Pair(left=cuts[0], right=cuts[1], changed=True) in pairs


def test_what_is_in_one_run_alone_stands_alone_and_a_detail_makes_a_pair_changed() -> None:
    assert align(steps("a", "b=1", "c"), steps("a", "b=2", "d", "c")) == (
        Pair(left=0, right=0),
        Pair(left=1, right=1, changed=True),
        Pair(left=None, right=2),
        Pair(left=2, right=3),
    )


KINDS = st.lists(st.sampled_from("abc"), max_size=8)


@with_any(KINDS, KINDS, st.integers(0, 8), st.integers(0, 8))
def test_every_step_of_both_runs_is_there_once_and_in_order(one: list[str], other: list[str], a: int, b: int) -> None:
    cuts = (min(a, len(one)), min(b, len(other)))
    pairs = align(steps(*one), steps(*other), cuts)
    assert [pair.left for pair in pairs if pair.left is not None] == list(range(len(one)))
    assert [pair.right for pair in pairs if pair.right is not None] == list(range(len(other)))
    for pair in pairs:
        if pair.left is not None and pair.right is not None:
            assert one[pair.left] == other[pair.right]
            assert (pair.left < cuts[0]) == (pair.right < cuts[1])
