"""The clocks: what a thread may rely on when it waits, in virtual time and in the machine's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from lab.clock import Clock, Deadlock, SystemClock, VirtualClock


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


def test_a_sleep_takes_virtual_time_only(clock: VirtualClock) -> None:
    clock.sleep(300.5)
    assert clock.monotonic() == 300.5
    assert clock.now() == datetime(2026, 1, 1, 0, 5, 0, 500_000, tzinfo=UTC)


def test_threads_that_sleep_wake_in_the_order_of_their_deadlines(clock: VirtualClock) -> None:
    woken: list[tuple[str, float]] = []

    def sleeper(name: str, seconds: float) -> None:
        clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    for name, seconds in (("slow", 30.0), ("fast", 10.0), ("middle", 20.0)):
        clock.spawn(name, sleeper, name, seconds)
    clock.sleep(60)
    assert woken == [("fast", 10.0), ("middle", 20.0), ("slow", 30.0)]


def test_threads_with_the_same_deadline_wake_in_the_order_they_began_to_wait(clock: VirtualClock) -> None:
    woken: list[int] = []

    def sleeper(number: int) -> None:
        clock.sleep(5)
        woken.append(number)

    for number in range(20):
        clock.spawn(f"sleeper {number}", sleeper, number)
    clock.sleep(5)  # the owner was here first
    assert woken == []
    clock.settle()
    assert woken == list(range(20))


def test_only_one_thread_runs_at_a_time_and_the_order_is_always_the_same() -> None:
    def trace() -> list[tuple[int, int, float]]:
        seen: list[tuple[int, int, float]] = []
        running: list[int] = []
        with VirtualClock() as clock:
            condition = clock.condition()

            def worker(number: int) -> None:
                for turn in range(5):
                    running.append(number)
                    sum(range(2_000))
                    assert running == [number]
                    seen.append((number, turn, clock.monotonic()))
                    running.clear()
                    if (number + turn) % 3 == 0:
                        with condition:
                            condition.notify_all()
                    else:
                        with condition:
                            condition.wait_for(lambda: False, timeout=number % 2 + 1)

            threads = [clock.spawn(f"worker {number}", worker, number) for number in range(8)]
            for thread in threads:
                thread.join()
        return seen

    first = trace()
    assert len(first) == 40
    assert all(trace() == first for _ in range(20))


def test_a_spawned_thread_starts_when_its_parent_waits(clock: VirtualClock) -> None:
    order: list[str] = []
    clock.spawn("child", lambda: order.append("child"))
    order.append("parent")
    clock.sleep(0)
    assert order == ["parent", "child"]


def test_settling_lets_every_thread_run_until_it_waits_and_no_time_passes(clock: VirtualClock) -> None:
    order: list[str] = []

    def parent() -> None:
        order.append("parent")
        clock.spawn("child", child)

    def child() -> None:
        order.append("child")
        clock.sleep(1)
        order.append("too late")

    clock.spawn("parent", parent)
    clock.settle()
    assert order == ["parent", "child"]
    assert clock.monotonic() == 0


def test_a_wait_returns_as_soon_as_its_predicate_is_true(clock: VirtualClock) -> None:
    condition = clock.condition()
    state: list[str] = []

    def writer() -> None:
        clock.sleep(2)
        with condition:
            condition.notify_all()  # not yet
        clock.sleep(3)
        with condition:
            state.append("written")
            condition.notify_all()

    clock.spawn("writer", writer)
    with condition:
        assert condition.wait_for(lambda: bool(state), timeout=60)
    assert clock.monotonic() == 5


def test_a_wait_that_times_out_returns_the_predicate_and_takes_exactly_its_time(clock: VirtualClock) -> None:
    condition = clock.condition()

    def noise() -> None:
        while True:
            clock.sleep(0.3)
            with condition:
                condition.notify_all()

    clock.spawn("noise", noise)
    with condition:
        assert not condition.wait_for(lambda: False, timeout=1.0)
    assert clock.monotonic() == 1.0


def test_a_notification_wakes_only_those_who_wait_on_that_condition(clock: VirtualClock) -> None:
    mine, other = clock.condition(), clock.condition()
    looked: list[str] = []

    def look(name: str) -> bool:
        looked.append(name)
        return False

    def wait_on(condition: object, name: str) -> None:
        with condition:  # type: ignore[attr-defined] # both are conditions of the clock
            condition.wait_for(lambda: look(name))  # type: ignore[attr-defined] # as above

    clock.spawn("mine", wait_on, mine, "mine")
    clock.spawn("other", wait_on, other, "other")
    clock.settle()
    looked.clear()
    with mine:
        mine.notify_all()
    clock.settle()
    assert looked == ["mine"]


def test_the_lock_of_a_condition_keeps_others_out_while_its_holder_sleeps(clock: VirtualClock) -> None:
    condition = clock.condition()
    order: list[str] = []

    def holder() -> None:
        with condition, condition:  # re-entrant
            clock.sleep(10)
            order.append("holder")

    def comer() -> None:
        with condition:
            order.append("comer")

    clock.spawn("holder", holder)
    clock.spawn("comer", comer)
    clock.sleep(11)
    assert order == ["holder", "comer"]


def test_waiting_gives_up_the_whole_lock_and_takes_it_back(clock: VirtualClock) -> None:
    condition = clock.condition()
    state: list[str] = []

    def writer() -> None:
        with condition:
            state.append("written")
            condition.notify_all()
            clock.sleep(5)
            state.append("released")

    clock.spawn("writer", writer)
    with condition, condition:
        condition.wait_for(lambda: bool(state))
        assert state == ["written", "released"]


def test_waiting_or_notifying_without_the_lock_is_an_error(clock: VirtualClock) -> None:
    condition = clock.condition()
    with pytest.raises(RuntimeError, match="cannot wait on a condition whose lock is not held"):
        condition.wait_for(lambda: True)
    with pytest.raises(RuntimeError, match="cannot notify a condition whose lock is not held"):
        condition.notify_all()


def test_a_deadlock_is_raised_in_the_owner_and_names_who_waits_and_where(clock: VirtualClock) -> None:
    condition = clock.condition()

    def wait_for_ever() -> None:
        with condition:
            condition.wait_for(lambda: False)

    clock.spawn("pod worker nginx", wait_for_ever)
    with pytest.raises(Deadlock) as raised, condition:
        condition.wait_for(lambda: False)
    message = str(raised.value)
    assert message.startswith("cannot go on at 0 s: every thread waits for another")
    assert "MainThread: test_a_deadlock_is_raised" in message
    assert "pod worker nginx: wait_for_ever (test_clock.py:" in message
    clock.sleep(1)  # the clock still works


def test_two_threads_that_want_each_others_lock_are_a_deadlock(clock: VirtualClock) -> None:
    one, two = clock.condition(), clock.condition()

    def worker() -> None:
        with two:
            clock.sleep(1)
            with one:
                pass

    thread = clock.spawn("worker", worker)
    with one:
        clock.sleep(1)
        with pytest.raises(Deadlock, match="worker: worker"):
            two.__enter__()
    thread.join()


def test_an_owner_that_waits_for_days_while_others_go_round_in_circles_is_told(clock: VirtualClock) -> None:
    condition = clock.condition()

    def crash_loop() -> None:
        while True:
            clock.sleep(300)
            with condition:
                condition.notify_all()

    clock.spawn("crash loop", crash_loop)
    with pytest.raises(Deadlock, match="nobody woke the owner in 86400 s"), condition:
        condition.wait_for(lambda: False)


def test_an_owner_may_sleep_for_days_while_others_go_round_in_circles(clock: VirtualClock) -> None:
    rounds: list[float] = []

    def crash_loop() -> None:
        while True:
            clock.sleep(3600)
            rounds.append(clock.monotonic())

    clock.spawn("crash loop", crash_loop)
    clock.sleep(timedelta(days=7).total_seconds())
    assert len(rounds) in (167, 168)


def _fail() -> None:
    raise ValueError("the worker is broken")


def test_an_exception_that_ends_a_thread_is_raised_in_the_owners_wait(clock: VirtualClock) -> None:
    def fail_later() -> None:
        clock.sleep(5)
        _fail()

    clock.spawn("worker", fail_later)
    with pytest.raises(ValueError, match="the worker is broken") as raised:
        clock.sleep(60)
    assert raised.value.__notes__ == ["in thread worker"]
    assert clock.monotonic() == 5
    clock.sleep(60)  # told once


def test_an_exception_that_ends_a_thread_is_raised_where_it_is_joined(clock: VirtualClock) -> None:
    thread = clock.spawn("worker", _fail)
    with pytest.raises(ValueError, match="the worker is broken"):
        thread.join()
    assert not thread.is_alive()
    clock.sleep(60)  # whoever joined has been told; the owner's waits go on
    with pytest.raises(ValueError, match="the worker is broken"):
        thread.join()


def test_a_wait_that_ends_with_an_exception_leaves_the_lock_free(clock: VirtualClock) -> None:
    condition = clock.condition()
    clock.spawn("worker", _fail)
    with pytest.raises(ValueError, match="the worker is broken"), condition:
        condition.wait_for(lambda: False)
    got: list[bool] = []

    def take() -> None:
        with condition:
            got.append(True)

    clock.spawn("other", take).join()
    assert got == [True]


def test_closing_raises_the_exception_of_a_thread_that_nobody_has_been_told_of() -> None:
    clock = VirtualClock()

    def fail_when_ended() -> None:
        try:
            clock.sleep(1000)
        finally:
            _fail()

    clock.spawn("worker", fail_when_ended)
    clock.settle()
    with pytest.raises(ValueError, match="the worker is broken"):
        clock.close()


def test_a_failed_test_also_tells_of_the_threads_that_failed() -> None:
    def fail_test() -> None:
        with VirtualClock() as clock:
            for name in ("one", "two"):
                clock.spawn(name, _fail)
            clock.settle()

    with pytest.raises(ValueError, match="the worker is broken") as raised:
        fail_test()
    assert raised.value.__notes__ == [
        "in thread one",
        "and a thread failed too: ValueError('the worker is broken'), in thread two",
    ]


def test_closing_ends_threads_where_they_wait_and_runs_their_finally_blocks() -> None:
    ended: list[str] = []
    before = threading.active_count()
    with VirtualClock() as clock:
        condition = clock.condition()

        def worker(name: str) -> None:
            try:
                with condition:
                    condition.wait_for(lambda: False)
            finally:
                ended.append(name)

        for number in range(3):
            clock.spawn(f"worker {number}", worker, f"worker {number}")
        clock.spawn("sleeper", clock.sleep, 1000)
        clock.settle()
        clock.spawn("never had a turn", ended.append, "it ran all the same")
    assert ended == ["worker 0", "worker 1", "worker 2"]
    assert threading.active_count() == before


def test_a_join_with_a_timeout_returns_when_it_has_passed(clock: VirtualClock) -> None:
    thread = clock.spawn("sleeper", clock.sleep, 10)
    thread.join(3)
    assert (clock.monotonic(), thread.is_alive()) == (3, True)
    thread.join()
    assert (clock.monotonic(), thread.is_alive()) == (10, False)


def test_a_thread_that_the_clock_did_not_spawn_may_read_the_time_and_nothing_else(clock: VirtualClock) -> None:
    answers: list[object] = []

    def stranger() -> None:
        answers.append(clock.monotonic())
        try:
            clock.sleep(1)
        except RuntimeError as error:
            answers.append(str(error))

    thread = SystemClock().spawn("stranger", stranger)
    thread.join()
    assert answers[0] == 0
    assert str(answers[1]).startswith("cannot use a virtual clock from thread stranger")


def test_the_system_clock_tells_the_time_in_utc_and_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    earlier = clock.monotonic()
    clock.sleep(-1)
    assert clock.monotonic() >= earlier


def test_a_system_thread_that_fails_is_reported_at_once_and_raises_when_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[str] = []
    hook: Callable[[threading.ExceptHookArgs], None] = lambda args: reported.append(str(args.exc_value))  # noqa: E731 - typed
    monkeypatch.setattr(threading, "excepthook", hook)
    thread = SystemClock().spawn("worker", _fail)
    with pytest.raises(ValueError, match="the worker is broken"):
        thread.join()
    assert reported == ["the worker is broken"]


@pytest.mark.parametrize("make", [SystemClock, VirtualClock])
def test_a_producer_and_a_consumer_meet_on_either_clock(make: Callable[[], Clock]) -> None:
    clock = make()
    condition = clock.condition()
    queue: list[int] = []
    taken: list[int] = []

    def consume() -> None:
        while len(taken) < 50:
            with condition:
                condition.wait_for(lambda: bool(queue))
                taken.extend(queue)
                queue.clear()

    consumer = clock.spawn("consumer", consume)
    for number in range(50):
        with condition:
            queue.append(number)
            condition.notify_all()
    consumer.join()
    assert taken == list(range(50))


@pytest.mark.parametrize("make", [SystemClock, VirtualClock])
def test_no_clock_waits_with_a_timeout_that_is_for_ever(make: type[SystemClock] | type[VirtualClock]) -> None:
    clock = make()
    condition = clock.condition()
    with condition, pytest.raises(OverflowError):
        condition.wait_for(lambda: False, float("inf"))
