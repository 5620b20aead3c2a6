from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given as with_any
from hypothesis import strategies as st

from lab.insight.moments import Moment, moments
from lab.insight.orderings import kind, missing, reason
from lab.insight.phrase import Phrase, phrase
from lab.insight.predictions import (
    Card,
    Placed,
    Prediction,
    card_key,
    compare,
    moved,
    read_prediction,
    shuffled,
)
from tests.kubelet.stage import Stage, container, deaf, pod, polite, takes

Given = Callable[..., Stage]
LINE = "line"


def card(moment: str) -> Card:
    return Card(key=card_key(moment), moment=moment, words=phrase(moment, moment))


STOP = tuple(card(m) for m in ("app preStop began", "app preStop finished", "app SIGTERM sent", "app SIGKILL sent", "app exited"))
BEGAN, FINISHED, SIGTERM, SIGKILL, EXITED = (c.key for c in STOP)


def happened(*what: str) -> list[Moment]:
    return [
        Moment(what=text.removeprefix("app "), container="app", pod_uid="u", seq=seq, elapsed_seconds=float(seq))
        for seq, text in enumerate(what, start=1)
    ]


def words(told: Phrase | None) -> str:
    return told.english.format(**told.values) if told else ""


def verdicts(placed: tuple[Placed, ...]) -> list[tuple[str, str]]:
    return [(one.card.moment.removeprefix("app "), one.verdict) for one in placed]


ORDERLY = happened("app preStop began", "app preStop finished 0", "app SIGTERM sent 7", "app exited 0")


def test_an_order_that_came_true_is_right_in_every_card() -> None:
    placed = compare(STOP, Prediction(order=(BEGAN, FINISHED, SIGTERM, EXITED), never=(SIGKILL,)), ORDERLY)
    assert {one.verdict for one in placed} == {"right"}
    assert [one.actual for one in placed] == [1, 2, 3, 4, None]
    assert all(one.why is None for one in placed)


def test_a_card_out_of_order_is_explained_by_the_one_that_it_belongs_behind() -> None:
    placed = compare(STOP, Prediction(order=(SIGTERM, BEGAN, FINISHED, EXITED), never=(SIGKILL,)), ORDERLY)
    assert verdicts(placed) == [
        ("preStop began", "right"),
        ("preStop finished", "right"),
        ("SIGTERM sent", "misplaced"),
        ("exited", "right"),
        ("SIGKILL sent", "right"),
    ]
    assert (placed[2].predicted, placed[2].actual) == (1, 3)
    assert "SIGTERM was sent 1.0 s after the hook had ended" in words(placed[2].why)


def test_what_did_not_happen_is_explained_from_what_did() -> None:
    placed = compare(STOP, Prediction(order=(BEGAN, FINISHED, SIGTERM, SIGKILL, EXITED)), ORDERLY)
    (lost,) = [one for one in placed if one.verdict != "right"]
    assert (lost.card.moment, lost.verdict, lost.actual) == ("app SIGKILL sent", "did-not-happen", None)
    assert "ended 1.0 s after SIGTERM, within the 7 s" in words(lost.why)


def test_what_happened_although_it_was_not_to_is_explained_too() -> None:
    story = happened("app preStop began", "app preStop finished 0", "app SIGTERM sent 3", "app SIGKILL sent 0", "app exited 137")
    placed = compare(STOP, Prediction(order=(BEGAN, FINISHED, SIGTERM, EXITED), never=(SIGKILL,)), story)
    (surprise,) = [one for one in placed if one.verdict != "right"]
    assert (surprise.verdict, surprise.predicted, surprise.actual) == ("happened", None, 4)
    assert words(surprise.why)


def test_the_facts_of_a_real_stop_prove_the_order_right(given: Given) -> None:
    stage = given(app=polite(hook=takes(3.0)))
    story = stage.run(pod(container(pre_stop="hook"), grace=10)).delete_to_the_end()
    placed = compare(STOP, Prediction(order=(BEGAN, FINISHED, SIGTERM, EXITED), never=(SIGKILL,)), moments(story.entries()))
    assert {one.verdict for one in placed} == {"right"}


def test_a_hook_that_overruns_lets_the_signal_come_without_its_end(given: Given) -> None:
    stage = given(app=deaf(hook=takes(60)))
    story = stage.run(pod(container(pre_stop="hook"), grace=4)).delete_to_the_end()
    placed = compare(STOP, Prediction(order=(BEGAN, FINISHED, SIGTERM, SIGKILL, EXITED)), moments(story.entries()))
    assert ("preStop finished", "did-not-happen") in verdicts(placed)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("started", "postStart began", "side by side"),
        ("log ready", "postStart began", "Nobody promises that order"),
        ("postStart finished 0", "status Running", "only when postStart has ended"),
        ("preStop timed-out", "SIGTERM sent 2", "stopped waiting for it and sent SIGTERM"),
        ("SIGTERM sent 2", "SIGKILL sent 0", "what was left of the grace period"),
        ("SIGKILL sent 0", "exited 137", "Nothing outlives SIGKILL"),
        ("exited 0", "removed", "only when the node has said"),
        ("removed", "preStop began", "removes the object at once"),
    ],
)
def test_pairs_that_the_kubelet_orders_have_a_reason(first: str, second: str, said: str) -> None:
    earlier, later = happened(first, second)
    told = reason(earlier, later)
    assert said in words(told)
    assert told is not None
    assert told.chinese.format(**told.values)


def test_a_pair_without_a_rule_has_no_reason() -> None:
    earlier, later = happened("file /a", "readiness success")
    assert reason(earlier, later) is None


def test_the_next_container_waits_for_the_one_before() -> None:
    first = Moment(what="postStart finished 0", container="one", pod_uid="u", seq=1, elapsed_seconds=1.0)
    second = Moment(what="started", container="two", pod_uid="u", seq=2, elapsed_seconds=1.5)
    assert "`two` had to wait until the postStart of `one`" in words(reason(first, second))


@pytest.mark.parametrize(
    ("wanted", "story", "said"),
    [
        ("app preStop began", ["started", "exited 0"], "belongs to being stopped"),
        ("event FailedPreStopHook", ["killing x", "preStop finished 0"], "this one did not fail"),
        ("app log never", ["started"], "No such thing"),
    ],
)
def test_what_is_missing_has_a_reason_or_is_only_said_to_be_missing(wanted: str, story: list[str], said: str) -> None:
    assert said in words(missing(wanted, happened(*story)))


def test_moments_are_sorted_by_what_they_are() -> None:
    assert [kind(m) for m in happened("SIGTERM sent 3", "SIGKILL sent 0", "SIGTERM received caught", "status Running")] == [
        "signal",
        "SIGKILL",
        "SIGTERM",
        "status Running",
    ]


def test_the_cards_are_offered_in_an_order_that_says_nothing() -> None:
    mixed = shuffled(STOP)
    assert sorted(c.key for c in mixed) == sorted(c.key for c in STOP)
    assert mixed != STOP
    assert shuffled(STOP) == mixed


@pytest.mark.parametrize("keys", [[], [LINE], [BEGAN, LINE], [BEGAN, BEGAN, SIGTERM, SIGKILL, EXITED, LINE], ["x", LINE]])
def test_a_form_that_has_not_these_cards_is_no_prediction(keys: list[str]) -> None:
    assert read_prediction(STOP, keys, LINE) is None


KEYS = st.permutations([LINE, BEGAN, FINISHED, SIGTERM, SIGKILL, EXITED])


@with_any(KEYS, st.sampled_from([LINE, BEGAN, EXITED]), st.sampled_from([-1, 1]))
def test_moving_a_card_moves_it_by_one_place_and_no_other_out_of_order(keys: list[str], key: str, by: int) -> None:
    before = read_prediction(STOP, keys, LINE)
    assert before is not None
    after = moved(before, key, by, LINE)
    now = [*after.order, LINE, *after.never]
    assert [k for k in now if k != key] == [k for k in keys if k != key]
    assert now.index(key) == min(len(keys) - 1, max(0, keys.index(key) + by))


@with_any(KEYS, st.permutations([c.moment for c in STOP]), st.integers(0, 5))
def test_no_order_makes_the_comparison_fail(keys: list[str], story: list[str], count: int) -> None:
    prediction = read_prediction(STOP, keys, LINE)
    assert prediction is not None
    placed = compare(STOP, prediction, happened(*story[:count]))
    assert len(placed) == len(STOP)
    assert [one.actual for one in placed if one.actual] == list(range(1, count + 1))
    wrong = [one for one in placed if one.verdict != "right"]
    assert all(one.why is not None for one in wrong) or count == 1
