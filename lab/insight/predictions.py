"""A learner's prediction of a run: cards put into an order, and what happened beside it.

A card names a moment (`lab.insight.moments`). Cards below the line are those of which the learner says that they will not happen.
Which order is right is never written down: it is what the run's facts show, and each difference is explained from them.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lab.insight.moments import Moment, first
from lab.insight.orderings import missing, reason
from lab.insight.phrase import Phrase, phrase

Verdict = Literal["right", "misplaced", "did-not-happen", "happened"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """``moment`` is what it stands for, ``words`` what the learner reads."""

    key: str
    moment: str
    words: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Keys of cards: those that happen in their order, and those that will not happen."""

    order: tuple[str, ...]
    never: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPrediction:
    """A prediction that a learner stands by; ``run_id`` is the run that it was made for, once there is one."""

    cluster: str
    example: str
    made_at: datetime
    run_id: str | None
    prediction: Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A card after the run. Places count from 1 and are None below the line; ``moment`` is what happened, None when nothing did.
    ``why`` explains a card that is not right."""

    card: Card
    predicted: int | None
    actual: int | None
    moment: Moment | None
    verdict: Verdict
    why: Phrase | None


def card_key(moment: str) -> str:
    """Return a key that says nothing about the order."""
    return hashlib.sha256(moment.encode()).hexdigest()[:8]


def shuffled(cards: Sequence[Card]) -> tuple[Card, ...]:
    """Return the cards in an order that says nothing, the same for everybody; it is not the order given."""
    mixed = tuple(sorted(cards, key=lambda card: card.key))
    return mixed if mixed != tuple(cards) else mixed[::-1]


def read_prediction(cards: Sequence[Card], keys: Sequence[str], line: str) -> Prediction | None:
    """Read a form's keys, ``line`` between the two parts; None when they are not these cards, each once."""
    if sorted(keys) != sorted([line, *(card.key for card in cards)]):
        return None
    at = list(keys).index(line)
    return Prediction(order=tuple(keys[:at]), never=tuple(keys[at + 1 :]))


def moved(prediction: Prediction, key: str, by: int, line: str) -> Prediction:
    """Return the prediction with one card (or the line itself) moved by a place; at an end nothing changes."""
    keys = [*prediction.order, line, *prediction.never]
    at = keys.index(key)
    to = min(len(keys) - 1, max(0, at + by))
    keys.insert(to, keys.pop(at))
    at = keys.index(line)
    return Prediction(order=tuple(keys[:at]), never=tuple(keys[at + 1 :]))


def compare(cards: Sequence[Card], prediction: Prediction, moments: Iterable[Moment]) -> tuple[Placed, ...]:
    """Return every card in the order in which things happened, those that did not happen last.

    Of the cards that happened, the longest row that the learner has in the right order is right; the others are misplaced.
    """
    happened = list(moments)
    by_key = {card.key: card for card in cards}
    found = {key: first(happened, card.moment) for key, card in by_key.items()}
    actual = sorted((key for key in by_key if found[key]), key=lambda key: _time(found[key]))
    in_place = _longest_rising([key for key in prediction.order if found.get(key)], actual)
    placed = []
    for number, key in enumerate(actual, start=1):
        verdict: Verdict = "happened" if key in prediction.never else "right" if key in in_place else "misplaced"
        why = None if verdict == "right" else _why(key, verdict, prediction, actual, by_key, found)
        placed.append(_placed(by_key[key], prediction, number, found[key], verdict, why))
    for key in (k for k in (*prediction.order, *prediction.never) if k in by_key and not found[k]):
        lost: Verdict = "right" if key in prediction.never else "did-not-happen"
        why = missing(by_key[key].moment, happened) if lost == "did-not-happen" else None
        placed.append(_placed(by_key[key], prediction, None, None, lost, why))
    return tuple(placed)


def _placed(
    card: Card, prediction: Prediction, actual: int | None, moment: Moment | None, verdict: Verdict, why: Phrase | None
) -> Placed:
    predicted = prediction.order.index(card.key) + 1 if card.key in prediction.order else None
    return Placed(card=card, predicted=predicted, actual=actual, moment=moment, verdict=verdict, why=why)


def _why(
    key: str,
    verdict: Verdict,
    prediction: Prediction,
    actual: Sequence[str],
    cards: Mapping[str, Card],
    found: Mapping[str, Moment | None],
) -> Phrase | None:
    """Explain by the nearest card on whose other side the learner put this one; of a card below the line, by its neighbour."""
    place = actual.index(key)
    ranks = {other: rank for rank, other in enumerate((*prediction.order, *prediction.never))}
    others = sorted((other for other in actual if other != key), key=lambda other: abs(actual.index(other) - place))
    inverted = [other for other in others if (actual.index(other) < place) != (ranks[other] < ranks[key])]
    for other in inverted if verdict == "misplaced" else others[:1]:
        (before, earlier), (after, later) = sorted(((k, found[k]) for k in (key, other)), key=lambda pair: _time(pair[1]))
        if earlier is not None and later is not None:
            return reason(earlier, later) or phrase(
                "First came “{first}”, {d} s later “{second}”.",
                "先是“{first}”，{d} 秒之后才是“{second}”。",
                first=cards[before].words,
                second=cards[after].words,
                d=f"{max(0.0, later.elapsed_seconds - earlier.elapsed_seconds):.2f}",
            )
    return None


def _time(moment: Moment | None) -> tuple[float, int]:
    return (moment.elapsed_seconds, moment.seq) if moment else (float("inf"), 0)


def _longest_rising(predicted: Sequence[str], actual: Sequence[str]) -> frozenset[str]:
    """Return the most cards that stand in the same order in both."""
    places = [actual.index(key) for key in predicted]
    tails: list[int] = []
    chains: list[tuple[int, ...]] = []
    for place in places:
        at = bisect_left(tails, place)
        chain = (*(chains[at - 1] if at else ()), place)
        tails[at:] = [place] if at == len(tails) else [place, *tails[at + 1 :]]
        chains[at:] = [chain] if at == len(chains) else [chain, *chains[at + 1 :]]
    return frozenset(actual[place] for place in (chains[-1] if chains else ()))
