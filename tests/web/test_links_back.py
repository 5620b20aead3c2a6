"""A learner who lost their browser comes back with a link: once, in time, on one browser at a time."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

import pytest

from lab.web.classroom import links
from tests.web.conftest import Pages
from tests.web.room import Browser, Room


@pytest.fixture
def room(pages: Pages) -> Room:
    return Room(pages)


def link_for(room: Room, learner_id: str) -> str:
    """Have a link made; return its path."""
    html = room.instructor.post(f"{room.path}/learners/{learner_id}/link").text
    address = unescape(re.findall(r'id="link-address"[^>]* value="([^"]+)"', html)[0])
    assert address.startswith("http://localhost/back/")
    return urlsplit(address).path


def test_a_link_seats_another_browser_on_the_same_place_and_the_old_one_is_out(room: Room) -> None:
    old, learner = room.join("Grace")
    old.post("/lessons/pre-stop/finished")
    new = Browser(room.app)
    path = link_for(room, learner.id)
    page = new.get(path).text
    assert "Grace" in page
    assert "Hooks, Monday" in page
    assert new.post(path).headers["Location"] == "/"
    assert "Grace" in new.get("/progress").text
    assert room.pages.services.progress is not None
    assert room.pages.services.progress.of(learner.cluster)
    assert old.get("/").status_code == 303
    assert "moved to another browser" in old.get("/join").text


def test_opening_a_link_changes_nothing(room: Room) -> None:
    old, learner = room.join("Grace")
    path = link_for(room, learner.id)
    for _ in range(3):
        assert Browser(room.app).get(path).status_code == 200
    assert old.get("/").status_code == 200
    assert Browser(room.app).post(path).status_code == 303


def test_a_link_works_once_and_takes_earlier_ones_with_it(room: Room) -> None:
    _, learner = room.join("Grace")
    first, second = link_for(room, learner.id), link_for(room, learner.id)
    assert Browser(room.app).post(second).status_code == 303
    for path in (first, second):
        late = Browser(room.app)
        assert late.get(path).status_code == late.post(path).status_code == 403
        assert "used already" in late.get(path).text


def test_a_link_is_for_fifteen_minutes(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    _, learner = room.join("Grace")
    path = link_for(room, learner.id)
    monkeypatch.setattr(links, "LINK_SECONDS", -1)
    assert Browser(room.app).post(path).status_code == 403


def test_no_link_is_to_be_made_up_or_used_for_somebody_who_was_removed(room: Room) -> None:
    _, learner = room.join("Grace")
    path = link_for(room, learner.id)
    room.register.remove(learner.id)
    assert Browser(room.app).post(path).status_code == 403
    assert Browser(room.app).get("/back/WyJ4IiwwXQ.aaaa.bbbb").status_code == 403
    assert room.instructor.post(f"{room.path}/learners/{learner.id}/link").status_code == 404


def test_the_switch_of_languages_on_a_links_page_leads_to_the_class_and_makes_no_link(room: Room) -> None:
    _, learner = room.join("Grace")
    html = room.instructor.post(f"{room.path}/learners/{learner.id}/link").text
    (switch,) = re.findall(r'href="([^"]+)"[^>]*data-language-switch', html)
    assert room.instructor.get(unescape(switch)).headers["Location"].startswith(room.path)


def test_a_learner_cannot_have_a_link_made(room: Room) -> None:
    browser, _ = room.join("Grace")
    _, other = room.join("Alan")
    assert browser.post(f"{room.path}/learners/{other.id}/link").status_code == 403


def test_an_instructor_who_tries_a_link_stays_signed_in_and_uses_nothing_up(room: Room) -> None:
    _, learner = room.join("Grace")
    path = link_for(room, learner.id)
    assert "signed in as instructor" in room.instructor.post(path).text
    assert room.instructor.get("/class/x/misconceptions").status_code == 404
    assert Browser(room.app).post(path).status_code == 303
