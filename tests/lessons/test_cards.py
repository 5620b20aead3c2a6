from __future__ import annotations

import pytest

from lab.errors import ContentError
from lab.lessons.cards import Cards, read_cards
from lab.lessons.fields import Fields
from lab.lessons.problems import Problems

CARD = "{{moment: {moment}, en: {moment} en, zh: {moment} zh}}"
THREE = "predict:\n  cards:\n" + "".join(f"  - {CARD.format(moment=m)}\n" for m in ("app started", "app exited", "removed"))


def read(text: str) -> tuple[Cards, list[str]]:
    problems = Problems()
    cards = read_cards(Fields.parse(text, "example.yaml", problems))
    try:
        problems.check()
    except ContentError as error:
        return cards, str(error).splitlines()
    return cards, []


def test_an_example_without_cards_has_none() -> None:
    assert read("label: x\n") == (Cards(), [])


def test_cards_are_read_in_the_order_in_which_things_happen() -> None:
    cards, problems = read(THREE + f"  never: [{CARD.format(moment='app SIGKILL')}]\n")
    assert problems == []
    assert [card.moment for card in cards.happening] == ["app started", "app exited", "removed"]
    assert [card.moment for card in cards.every] == ["app started", "app exited", "removed", "app SIGKILL"]
    assert cards.never[0].words.english == "app SIGKILL en"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("predict: {cards: [{moment: a, en: b, zh: c}]}\n", "write at least 3 cards"),
        (THREE + f"  never: [{CARD.format(moment='removed')}]\n", "each of another moment"),
        (THREE.replace("zh: removed zh", "de: removed"), "write cards with moment, en and zh"),
        (THREE + "  nevr: []\n", "cannot use the unknown field nevr"),
        ("predict: 3\n", "cannot use the field predict"),
    ],
)
def test_a_mistake_in_the_cards_is_named(text: str, complaint: str) -> None:
    _, problems = read(text)
    assert any(complaint in problem for problem in problems), problems
