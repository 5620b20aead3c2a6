"""The misconception board: what it counts, what it says, whom it names, and that it looks for news without making any."""

from __future__ import annotations

import re

import pytest

from lab.lessons import Example
from tests.web.conftest import Pages
from tests.web.room import Room

EXAMPLE = "pre-stop/pre-stop-blocks"


@pytest.fixture
def room(pages: Pages) -> Room:
    return Room(pages)


@pytest.fixture
def example(pages: Pages) -> Example:
    found = pages.catalog.example(EXAMPLE)
    assert found is not None
    return found


def predict(room: Room, example: Example, nickname: str, *, signal_first: bool, manifest: str | None = None) -> None:
    """Let somebody join, put the cards into an order and run the example."""
    browser, learner = room.join(nickname)
    happening, never = [c.key for c in example.cards.happening], [c.key for c in example.cards.never]
    signal = next(c.key for c in example.cards.happening if "SIGTERM" in c.moment)
    order = [signal, *(key for key in happening if key != signal)] if signal_first else happening
    browser.post(f"/examples/{EXAMPLE}/prediction", card=[*order, "line", *never], keep="1")
    room.run(browser, learner, EXAMPLE, example.manifest if manifest is None else manifest)


def test_it_says_what_most_had_wrong_and_where_every_card_was_put(room: Room, example: Example) -> None:
    predict(room, example, "Barbara", signal_first=True)
    predict(room, example, "Alan", signal_first=True)
    predict(room, example, "Edsger", signal_first=False)
    html = room.instructor.get(f"{room.path}/misconceptions").text
    assert "3 of 3 learners" in html
    assert re.search(r"2 of 3:</strong> “SIGTERM[^”]*” before “", html)
    assert "Barbara" not in html
    (row,) = re.findall(r'<tr><th scope="row">(?:(?!</tr>).)*SIGTERM(?:(?!</tr>).)*</tr>', html, flags=re.DOTALL)
    first = re.findall(r"<td class=\"share-\d( actual)?\">(\d*)", row)[0]
    assert first == ("", "2")
    assert ">1/3<" in row


def test_names_are_shown_only_when_asked_for_and_gone_with_the_next_choice(room: Room, example: Example) -> None:
    predict(room, example, "Barbara", signal_first=True)
    named = room.instructor.get(f"{room.path}/misconceptions?names=1").text
    assert "Barbara" in named
    links = re.findall(rf'href="({room.path}/misconceptions[^"]*)"', named.split('id="misconceptions"')[1])
    assert len(links) > 1
    assert all("names" not in link for link in links)


def test_a_learner_counts_with_the_first_order_only(room: Room, example: Example) -> None:
    predict(room, example, "Barbara", signal_first=True)
    browser, learner = room.join("Alan")
    happening, never = [c.key for c in example.cards.happening], [c.key for c in example.cards.never]
    signal = next(c.key for c in example.cards.happening if "SIGTERM" in c.moment)
    for order in ([signal, *(key for key in happening if key != signal)], happening):
        browser.post(f"/examples/{EXAMPLE}/prediction", card=[*order, "line", *never], keep="1")
        room.run(browser, learner, EXAMPLE, example.manifest)
    html = room.instructor.get(f"{room.path}/misconceptions").text
    assert "2 of 2 learners" in html
    assert re.search(r"2 of 2:</strong> “SIGTERM[^”]*” before “", html)


def test_an_order_for_another_manifest_is_told_and_not_counted(room: Room, example: Example) -> None:
    predict(room, example, "Barbara", signal_first=True)
    predict(room, example, "Alan", signal_first=True, manifest=example.manifest.replace("sleep", "sleep  "))
    html = room.instructor.get(f"{room.path}/misconceptions").text
    assert "1 of 2 learners" in html
    assert "1 not counted" in html


def test_statements_are_counted_with_what_is_right(room: Room) -> None:
    item = next(i for lesson in room.pages.catalog.lessons for i in lesson.judgements("en") if not i.is_true)
    for nickname, answer in (("Barbara", "true"), ("Alan", "false"), ("Edsger", "true")):
        browser, _ = room.join(nickname)
        assert browser.post("/progress/judged", id=item.id, answer=answer).status_code == 204
    html = room.instructor.get(f"{room.path}/misconceptions?show={item.id.partition('/')[0]}").text
    assert re.search(r'<td>2</td>\s*<td class="actual">1', html)
    assert ">1/3<" in html


def test_an_open_board_gets_news_and_nothing_else(room: Room, example: Example) -> None:
    predict(room, example, "Barbara", signal_first=True)
    board = room.instructor.get(f"{room.path}/misconceptions?show={EXAMPLE}").text
    (look,) = re.findall(r'hx-get="([^"]+)"', board)
    look = look.replace("&amp;", "&")
    assert room.instructor.get(look).status_code == 204
    predict(room, example, "Alan", signal_first=False)
    news = room.instructor.get(look)
    assert "2 of 2 learners" in news.text
    assert "<html" not in news.text


@pytest.mark.parametrize(("language", "words"), [("en", "What most had wrong"), ("zh", "最常见的误解")])
def test_it_is_in_both_languages(room: Room, example: Example, language: str, words: str) -> None:
    predict(room, example, "Barbara", signal_first=True)
    assert words in room.instructor.get(f"{room.path}/misconceptions?lang={language}").text


def test_an_empty_class_says_what_to_do_and_learners_have_no_board(room: Room) -> None:
    assert "Nobody in this class has predicted" in room.instructor.get(f"{room.path}/misconceptions").text
    browser, _ = room.join("Barbara")
    assert browser.get(f"{room.path}/misconceptions").status_code == 403
    assert room.instructor.get(f"{room.path}/misconceptions?show=nothing").status_code == 200
