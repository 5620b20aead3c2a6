"""How a class ordered the cards of one example, beside what happened: who put which card where, and what most had wrong.

Every learner counts once. What happened is each learner's own run; where runs differ, a card stands where it stood in most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lab.insight.phrase import Phrase, phrase
from lab.insight.predictions import Card, Placed

MistakeKind = tuple[str, ...]  # what was mistaken and the cards' keys: equal ones are counted together


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One learner's order after their run."""

    who: str
    placed: tuple[Placed, ...]

    @property
    def is_right(self) -> bool:
        """Whether every card was right."""
        return all(one.verdict == "right" for one in self.placed)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardCounts:
    """Where a class put a card. ``places[n]`` is how many put it at place n + 1, ``never`` how many below the line; ``actual`` is
    its place in what happened, None when it did not happen. ``wrong`` are those who had it wrong."""

    card: Card
    actual: int | None
    places: tuple[int, ...]
    never: int
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What some had wrong in the same way, in words; ``why`` explains it from the run of one of them."""

    words: Phrase
    why: Phrase | None
    who: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Misconceptions:
    """A class's answers. Cards are in the order of what happened, those that did not happen last; the commonest mistake is first;
    ``right`` is how many had every card right."""

    of: int
    right: int
    cards: tuple[CardCounts, ...]
    mistakes: tuple[Mistake, ...]


def misconceptions(answers: Sequence[Answer]) -> Misconceptions:
    """Count a class's answers, all about the same cards."""
    by_card: dict[str, list[tuple[str, Placed]]] = {}
    for answer in answers:
        for placed in answer.placed:
            by_card.setdefault(placed.card.key, []).append((answer.who, placed))
    cards = sorted((_counts(found, len(by_card)) for found in by_card.values()), key=_happening)
    return Misconceptions(
        of=len(answers), right=sum(answer.is_right for answer in answers), cards=tuple(cards), mistakes=_mistakes(answers)
    )


def _counts(found: Sequence[tuple[str, Placed]], places: int) -> CardCounts:
    put = Counter(placed.predicted for _, placed in found)
    [(actual, _)] = Counter(placed.actual for _, placed in found).most_common(1)
    return CardCounts(
        card=found[0][1].card,
        actual=actual,
        places=tuple(put[place] for place in range(1, places + 1)),
        never=put[None],
        wrong=tuple(who for who, placed in found if placed.verdict != "right"),
    )


def _happening(counts: CardCounts) -> tuple[bool, int, str]:
    return (counts.actual is None, counts.actual or 0, counts.card.key)


def _mistakes(answers: Sequence[Answer]) -> tuple[Mistake, ...]:
    found: dict[MistakeKind, tuple[Phrase, Phrase | None, list[str]]] = {}
    for answer in answers:
        for placed in answer.placed:
            if placed.verdict != "right":
                kind, words = _mistake(placed, answer.placed)
                who = found.setdefault(kind, (words, placed.why, []))[2]
                if answer.who not in who:  # two cards that were exchanged are one mistake
                    who.append(answer.who)
    mistakes = [Mistake(words=words, why=why, who=tuple(who)) for words, why, who in found.values()]
    return tuple(sorted(mistakes, key=lambda mistake: -len(mistake.who)))


def _mistake(wrong: Placed, others: Sequence[Placed]) -> tuple[MistakeKind, Phrase]:
    """Say what was wrong with a card: of a misplaced one, the nearest that it was exchanged with."""
    card = wrong.card.words
    if wrong.verdict == "happened":
        return ("never", wrong.card.key), phrase("“{card}” will not happen", "“{card}”不会发生", card=card)
    if wrong.verdict == "did-not-happen":
        return ("expected", wrong.card.key), phrase("“{card}” will happen", "“{card}”会发生", card=card)
    place, predicted = wrong.actual or 0, wrong.predicted or 0
    exchanged = [
        (abs(other.actual - place), other)
        for other in others
        if other.actual and other.predicted and (other.actual < place) != (other.predicted < predicted)
    ]
    _, nearest = min(exchanged, key=lambda pair: pair[0])
    earlier, later = sorted((wrong, nearest), key=lambda one: one.actual or 0)
    return ("exchanged", earlier.card.key, later.card.key), phrase(
        "“{later}” before “{earlier}”", "“{later}”在“{earlier}”之前", later=later.card.words, earlier=earlier.card.words
    )
