"""Fair share, without time: what is held never goes beyond the limits, the order is fair, and nobody waits for ever."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cluster.admission import Admission
from lab.cluster.demand import Demand, demands_in, limit_of_all, together
from lab.cluster.run_queue import MOST_OVERTAKEN, RunQueue
from lab.cluster.run_refused import RunRefused
from lab.limits import MEBIBYTE, Limits
from tests.kubelet.stage import container, pod

LIMITS = Limits(all_pods=4, all_memory_bytes=1000 * MEBIBYTE)
SANDBOX = Demand(pods=1, memory_bytes=16 * MEBIBYTE, pids=8)
LEARNERS = ("ann", "bob", "cy")


def small(memory: int = 1) -> Demand:
    return Demand(pods=1, memory_bytes=memory * MEBIBYTE)


def only(manifest: str, limits: Limits | None = None) -> Demand:
    ((_, demand),) = demands_in(manifest, limits or Limits())
    return demand


def test_a_container_counts_with_what_it_is_allowed_and_a_pod_with_its_sandbox() -> None:
    plain = Demand(containers=1, memory_bytes=128 * MEBIBYTE, cpu_millis=1000, pids=128)
    assert only(pod(container())) == plain + SANDBOX
    lower = container(resources={"limits": {"memory": "32Mi", "cpu": "250m"}})
    assert only(pod(lower)) == Demand(containers=1, memory_bytes=32 * MEBIBYTE, cpu_millis=250, pids=128) + SANDBOX
    higher = container(resources={"limits": {"memory": "32Gi", "cpu": "64"}})
    assert only(pod(higher)) == plain + SANDBOX


def test_of_init_containers_the_largest_counts_and_sidecars_count_with_the_others() -> None:
    sidecar = container("side", restartPolicy="Always")
    large = container("large", resources={"limits": {"memory": "100Mi"}})
    app = container("app", resources={"limits": {"memory": "10Mi"}})
    found = only(pod(app, initContainers=[sidecar, large]))
    assert (found.containers, found.memory_bytes) == (2, (128 + 100 + 16) * MEBIBYTE)


def test_a_manifest_that_is_refused_needs_nothing() -> None:
    assert demands_in("kind: Pod", Limits()) == demands_in("{", Limits()) == ()


def test_whoever_has_fewer_runs_goes_first_then_whoever_came_first() -> None:
    queue = RunQueue()
    for ticket, learner in (("a1", "ann"), ("a2", "ann"), ("b1", "bob"), ("c1", "cy"), ("b2", "bob")):
        queue.join(ticket, learner, small())
    assert [waiting.ticket for waiting in queue.in_order({"ann": 1})] == ["b1", "c1", "a1", "b2", "a2"]


def test_a_small_run_does_not_slip_past_a_large_one() -> None:
    admission = Admission(LIMITS)
    admission.join("first", "ann", small(800))
    assert admission.admit(Counter()) == ["first"]
    admission.join("large", "bob", small(500))
    admission.join("small", "cy", small(1))
    assert admission.admit(Counter(ann=1)) == []
    admission.settle("first", "ann", "ann", {})
    assert admission.admit(Counter(ann=1)) == ["large", "small"]


def test_no_more_runs_are_being_started_at_a_time_than_the_limit() -> None:
    admission = Admission(Limits(all_starting=2))
    for number in range(5):
        admission.join(f"{number}/0", f"learner {number}", small())
    assert admission.admit(Counter()) == ["0/0", "1/0"]
    admission.started("early")  # before anybody knows that it is 0's
    admission.settle("0/0", "learner 0", "c0", {"early": small(), "late": small()})
    assert admission.admit(Counter()) == []
    admission.started("late")
    assert admission.admit(Counter()) == ["2/0"]
    admission.settle("1/0", "learner 1", "c1", {})  # it created no pod
    assert admission.admit(Counter()) == ["3/0"]
    admission.give_up_starting("2")
    assert admission.admit(Counter()) == ["4/0"]
    admission.settle("3/0", "learner 3", "c3", {"gone": small()})
    admission.let_go("gone")
    admission.join("5/0", "learner 5", small())
    assert admission.admit(Counter()) == ["5/0"]


def test_a_run_holds_what_it_reserved_and_then_what_it_created_until_that_is_gone() -> None:
    admission = Admission(LIMITS)
    admission.join("r/1", "ann", together([small(300), small(300)]))
    admission.admit(Counter())
    assert admission.usage({}).all == together([small(300), small(300)])
    admission.settle("r/1", "ann", "ann", {"uid": small(300)})
    assert admission.usage({}).learners == {"ann": small(300)}
    admission.release("ann", ["uid"])
    admission.release("another", [])
    assert admission.usage({}).learners == {"ann": small(300)}
    admission.release("ann", [])
    assert admission.usage({}).all == Demand()


def test_a_place_moves_up_when_somebody_leaves() -> None:
    admission = Admission(LIMITS)
    admission.join("big", "ann", small(1000))
    admission.admit(Counter())
    admission.join("x/1", "bob", small())
    admission.join("y/1", "cy", small())
    assert admission.places({}) == {"x/1": 0, "y/1": 1}
    assert admission.usage({}).ahead == {"x": 0, "y": 1}
    admission.leave("x/1")
    assert admission.places({}) == {"y/1": 0}


@pytest.mark.parametrize(
    ("limits", "english", "chinese"),
    [
        (Limits(learner_containers=3), "needs 2 of containers, and you use 2 of 3", "需要容器 2，而你已使用 2，上限为 3"),
        (
            Limits(learner_memory_bytes=400 * MEBIBYTE),
            "needs 272Mi of memory, and you use 272Mi of 400Mi",
            "内存 272Mi，而你已使用 272Mi",
        ),
        (Limits(learner_cpus=2.5), "needs 2 of CPU, and you use 2 of 2.5", "CPU 2，而你已使用 2"),
        (Limits(all_memory_bytes=200 * MEBIBYTE), "the lab has 200Mi for all learners together", "为所有学员总共只有 200Mi"),
    ],
)
def test_a_refusal_says_in_both_languages_what_is_used_and_what_to_do(limits: Limits, english: str, chinese: str) -> None:
    admission = Admission(limits)
    two = Demand(pods=1, containers=2, memory_bytes=272 * MEBIBYTE, cpu_millis=2000, pids=264)
    admission.join("r/1", "ann", two)
    with pytest.raises(RunRefused) as raised:
        admission.require("ann", two)
    assert english in str(raised.value)
    assert "fewer or smaller containers" in str(raised.value)
    assert chinese in raised.value.words.chinese.format(
        **{name: getattr(value, "chinese", value) for name, value in raised.value.words.values.items()}
    )


Action = tuple[str, int, int]
ACTIONS = st.lists(
    st.tuples(st.sampled_from(("run", "run", "end", "cancel")), st.integers(0, 9), st.integers(1, 1000)), max_size=120
)


@given(ACTIONS)
def test_never_more_is_held_than_there_is_and_nobody_waits_for_ever(actions: list[Action]) -> None:
    admission, whole = Admission(LIMITS), limit_of_all(LIMITS)
    learner_by: dict[str, str] = {}
    running: list[str] = []
    waiting: list[str] = []  # by arrival
    overtaken: Counter[str] = Counter()

    def go_on() -> None:
        live = Counter(learner_by[ticket] for ticket in running)
        for ticket in admission.admit(live):
            overtaken.update(waiting[: waiting.index(ticket)])
            waiting.remove(ticket)
            admission.settle(ticket, learner_by[ticket], learner_by[ticket], {ticket: demands[ticket]})
            admission.started(ticket)
            running.append(ticket)
        assert admission.usage({}).all.beyond(whole) is None

    demands: dict[str, Demand] = {}
    for number, (action, which, memory) in enumerate(actions):
        if action == "run":
            ticket = f"{number}/0"
            learner_by[ticket], demands[ticket] = LEARNERS[which % len(LEARNERS)], small(memory)
            admission.join(ticket, learner_by[ticket], demands[ticket])
            waiting.append(ticket)
        elif action == "end" and running:
            admission.let_go(running.pop(which % len(running)))
        elif action == "cancel" and waiting:
            assert admission.leave(waiting.pop(which % len(waiting)))
        go_on()
    while running:  # whoever runs ends some time
        admission.let_go(running.pop(0))
        go_on()
    assert waiting == []
    assert max(overtaken.values(), default=0) <= MOST_OVERTAKEN
    assert admission.usage({}).all == Demand()


def test_a_run_that_was_overtaken_often_goes_first_whatever_its_learner_has() -> None:
    queue = RunQueue()
    queue.join("patient", "ann", small())
    for number in range(MOST_OVERTAKEN):
        queue.join(str(number), f"newcomer {number}", small())
        first = queue.in_order({"ann": 1})[0]
        assert first.ticket == str(number)
        queue.admit(first)
    queue.join("last", "another newcomer", small())
    assert queue.in_order({"ann": 1})[0].ticket == "patient"
