"""What a card shows of predictions: the cards to be ordered, the order that waits for a run, or the comparison afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lab.insight.moments import first, moments
from lab.insight.predictions import Card, KeptPrediction, Placed, Prediction, compare, read_prediction, shuffled
from lab.lessons import Example
from lab.timeline.run import Run
from lab.web.services import Services

LINE = "line"  # stands for the line below which the cards are that will not happen
State = Literal["open", "kept", "running", "compared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A card after the run, with its time since Run and, when it came after a delete, since that."""

    placed: Placed
    since_run_seconds: float | None
    since_delete_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionView:
    """``cards`` are in the learner's order with None for the line; ``outcomes`` stand there once the run has ended. ``edited``:
    the run's manifest is not the example's, so the cards may not fit. ``changing`` asks to show the form at once."""

    example_id: str
    state: State
    cards: tuple[Card | None, ...]
    outcomes: tuple[Outcome, ...] = ()
    edited: bool = False
    changing: bool = False

    @property
    def right(self) -> int:
        """How many cards were right."""
        return sum(outcome.placed.verdict == "right" for outcome in self.outcomes)


class PredictionViews:
    """Reads what is shown; decides nothing. ``draft`` is an order that a page without scripts brings along, by example."""

    def __init__(self, services: Services, draft: tuple[str, Sequence[str]] = ("", ())) -> None:
        self._services = services
        self._draft = draft

    def of_example(self, cluster: str, example: Example, run: Run | None, *, again: bool = False) -> PredictionView | None:
        """Return what a lesson's card shows: what waits for a run comes before what was compared. ``again`` asks for the form."""
        if not example.cards.every:
            return None
        drafted = self._drafted(example)
        if drafted is not None:
            return self._ordered(example, drafted, "open", changing=True)
        waiting = self._services.predictions.waiting(cluster, example.id)
        if waiting is not None and not again and fits(example, waiting.prediction):
            return self._ordered(example, waiting.prediction, "kept")
        found = self.of_run(run, example) if run is not None and not again else None
        return found or self._ordered(example, _first_order(example), "open", changing=again)

    def of_run(self, run: Run, example: Example | None) -> PredictionView | None:
        """Return the prediction that was made for a run, compared once the run has ended."""
        kept = self._services.predictions.of_run(run.id)
        if kept is None or example is None or not fits(example, kept.prediction):
            return None
        if run.ended is None:
            return self._ordered(example, kept.prediction, "running")
        return PredictionView(
            example_id=example.id,
            state="compared",
            cards=(),
            outcomes=self._outcomes(run, example, kept),
            edited=run.manifest.rstrip() != example.manifest.rstrip(),
        )

    def moving(self, example: Example, prediction: Prediction) -> PredictionView:
        """Return the form with an order that is being changed."""
        return self._ordered(example, prediction, "open", changing=True)

    def _ordered(self, example: Example, prediction: Prediction, state: State, *, changing: bool = False) -> PredictionView:
        cards = {card.key: card for card in example.cards.every}
        shown = (*(cards[key] for key in prediction.order), None, *(cards[key] for key in prediction.never))
        return PredictionView(example_id=example.id, state=state, cards=shown, changing=changing)

    def _drafted(self, example: Example) -> Prediction | None:
        return read_prediction(example.cards.every, self._draft[1], LINE) if self._draft[0] == example.id else None

    def _outcomes(self, run: Run, example: Example, kept: KeptPrediction) -> tuple[Outcome, ...]:
        entries = self._services.runs.entries(run.id)
        happened = tuple(moments(entries))
        opened = entries[0].elapsed_seconds if entries else 0.0
        deleted = first(happened, "deleted")
        return tuple(
            Outcome(
                placed=placed,
                since_run_seconds=placed.moment.elapsed_seconds - opened if placed.moment else None,
                since_delete_seconds=(
                    placed.moment.elapsed_seconds - deleted.elapsed_seconds
                    if placed.moment and deleted and placed.moment.elapsed_seconds >= deleted.elapsed_seconds
                    else None
                ),
            )
            for placed in compare(example.cards.every, kept.prediction, happened)
        )


def fits(example: Example, prediction: Prediction) -> bool:
    """Whether a prediction is about the example's cards as they are now."""
    return read_prediction(example.cards.every, (*prediction.order, LINE, *prediction.never), LINE) is not None


def _first_order(example: Example) -> Prediction:
    return Prediction(order=tuple(card.key for card in shuffled(example.cards.every)))
