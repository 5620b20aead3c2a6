"""The cards of an example, which a learner puts into an order before the run.

In ``example.yaml``, moments as in `lab.insight.moments`; the order of the file is what a run as the lesson tells it must show:

    predict:
      cards: [{moment: app preStop finished, en: …, zh: …}, …]     what happens, in order
      never: [{moment: app SIGKILL, en: …, zh: …}, …]              what does not happen
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.insight.phrase import phrase
from lab.insight.predictions import Card, card_key
from lab.lessons.fields import LANGUAGES, Fields

FEWEST_CARDS = 3  # fewer have no order worth a thought


@dataclass(frozen=True, slots=True, kw_only=True)
class Cards:
    """``happening`` are in the order of the lesson's run; ``never`` are those that do not happen in it."""

    happening: tuple[Card, ...] = ()
    never: tuple[Card, ...] = ()

    @property
    def every(self) -> tuple[Card, ...]:
        """All cards."""
        return self.happening + self.never


def read_cards(fields: Fields) -> Cards:
    """Read the field ``predict``; an example without it has no cards."""
    if not fields.value("predict", default=None):
        return Cards()
    inner = fields.nested("predict")
    cards = Cards(happening=_cards(inner, "cards"), never=_cards(inner, "never"))
    inner.finish()
    keys = [card.key for card in cards.every]
    if len(cards.happening) < FEWEST_CARDS or len(set(keys)) < len(keys):
        fields.wrong("predict", f"at least {FEWEST_CARDS} cards, each of another moment")
    return cards


def _cards(fields: Fields, name: str) -> tuple[Card, ...]:
    written = fields.list_of(name, dict)
    wanted = {"moment", *LANGUAGES}
    for card in written:
        if set(card) != wanted or not all(isinstance(value, str) and value.strip() for value in card.values()):
            fields.wrong(name, "cards with moment, " + " and ".join(LANGUAGES))
            return ()
    return tuple(
        Card(key=card_key(c["moment"]), moment=c["moment"], words=phrase(c["en"].strip(), c["zh"].strip())) for c in written
    )
