"""What a class had wrong, counted: exchanged cards once, whatever the order in which a learner was compared."""

from __future__ import annotations

from itertools import permutations

from lab.insight.misconceptions import Answer, misconceptions
from lab.insight.predictions import Prediction, compare
from tests.insight.test_predictions import BEGAN, EXITED, FINISHED, ORDERLY, SIGKILL, SIGTERM, STOP, words


def answer(who: str, *order: str, never: tuple[str, ...] = (SIGKILL,)) -> Answer:
    return Answer(who=who, placed=compare(STOP, Prediction(order=order, never=never), ORDERLY))


def test_cards_that_many_exchanged_are_one_mistake_of_theirs_and_the_commonest_is_first() -> None:
    found = misconceptions(
        [
            answer("a", BEGAN, SIGTERM, FINISHED, EXITED),
            answer("b", BEGAN, SIGTERM, FINISHED, EXITED),
            answer("c", BEGAN, FINISHED, SIGTERM, EXITED),
            answer("d", BEGAN, FINISHED, SIGTERM, SIGKILL, EXITED, never=()),
        ]
    )
    assert (found.of, found.right) == (4, 1)
    assert [(len(mistake.who), mistake.who) for mistake in found.mistakes] == [(2, ("a", "b")), (1, ("d",))]
    told = found.mistakes[0].words
    assert told.values["later"].english == "app SIGTERM sent"
    assert told.values["earlier"].english == "app preStop finished"
    assert "SIGTERM was sent 1.0 s after the hook had ended" in words(found.mistakes[0].why)


def test_each_card_is_counted_at_every_place_in_the_order_of_what_happened() -> None:
    found = misconceptions(
        [
            answer("a", SIGTERM, BEGAN, FINISHED, EXITED),
            answer("b", BEGAN, FINISHED, SIGTERM, EXITED),
            answer("c", BEGAN, FINISHED, EXITED, never=(SIGTERM, SIGKILL)),
        ]
    )
    assert [counts.card.key for counts in found.cards] == [BEGAN, FINISHED, SIGTERM, EXITED, SIGKILL]
    signal, kill = found.cards[2], found.cards[4]
    assert (signal.actual, signal.places, signal.never, signal.wrong) == (3, (1, 0, 1, 0, 0), 1, ("a", "c"))
    assert (kill.actual, kill.never, kill.wrong) == (None, 3, ())
    assert all(sum(counts.places) + counts.never == 3 for counts in found.cards)


def test_whatever_the_order_nobody_makes_a_mistake_twice_and_every_wrong_order_makes_one() -> None:
    for order in permutations((BEGAN, FINISHED, SIGTERM, EXITED)):
        found = misconceptions([answer("a", *order)])
        assert all(mistake.who == ("a",) for mistake in found.mistakes)
        assert bool(found.mistakes) == (found.right == 0)


def test_nobody_has_nothing_wrong() -> None:
    assert misconceptions([]).mistakes == ()
