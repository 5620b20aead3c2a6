"""What a learner is told at a limit, in both languages: the queue, refusals, runs that the lab ended, too many requests."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from lab.clock import VirtualClock
from lab.cluster import run_refused
from lab.cluster.demand import Demand
from lab.timeline.facts import RunAborted, RunAdmitted, RunQueued
from lab.web.pace import MOST_BUCKETS, Pace
from tests.web.room import Room

Pages = Any  # the fixture's type lives in conftest, which tests cannot import


def page_of(pages: Pages, run_id: str, language: str = "en") -> str:
    return unescape(pages.client.get(f"/runs/{run_id}?lang={language}").text)


def test_a_run_that_waits_says_so_in_its_status_its_headline_and_its_steps(pages: Pages) -> None:
    run = pages.runs.open(pages.cluster(), pages.example, "text")
    timeline = pages.runs.timeline(run.cluster)
    timeline.append(RunQueued(run_id=run.id, ahead=2))
    english, chinese = page_of(pages, run.id), page_of(pages, run.id, "zh")
    assert "waits for its turn: 2 before it" in english.split('data-part="status"')[1].split("</div>")[0]
    assert "The run waits for its turn: 2 before it. The machine is busy with other pods now." in english
    assert "kubectl and the API server know nothing of it. The queue is the lab’s, outside Kubernetes." in english
    assert "正在排队：前面还有 2 个" in chinese
    timeline.append(RunQueued(run_id=run.id, ahead=0))
    assert "waits for its turn: next" in page_of(pages, run.id)
    timeline.append(RunAdmitted(run_id=run.id, waited_seconds=12.0))
    later = page_of(pages, run.id)
    assert "It is the run’s turn, after 12.0 s." in later
    assert "waits for its turn: next" not in later


@pytest.mark.parametrize(
    ("by", "english", "chinese"),
    [
        (
            "limit",
            "as long as the lab lets a run live. That limit is the lab’s, outside Kubernetes",
            "这是实验室的限制，与 Kubernetes 无关",
        ),
        (
            "idle",
            "nobody had acted on it, and no page showed it. That limit is the lab’s, outside Kubernetes",
            "很长时间没有人操作它",
        ),
        ("disk", "written more to the disk than the lab gives one learner. That limit is the lab’s", "写入磁盘的数据超过了"),
        ("instructor", "The instructor ended this run.", "讲师结束了这次运行。"),
    ],
)
def test_a_run_that_a_limit_ended_says_that_it_is_the_lab_s_and_outside_kubernetes(
    pages: Pages, by: str, english: str, chinese: str
) -> None:
    run, script = pages.run()
    script.start()
    pages.runs.timeline(run.cluster).append(RunAborted(run_id=run.id, why="In detail.", by=by))
    assert english in page_of(pages, run.id).split('data-part="headline"')[1].split("</dl>")[0]
    assert chinese in page_of(pages, run.id, "zh")
    assert "In detail." in page_of(pages, run.id)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "it needs 3 of containers, and you use 23 of 24; delete a pod of yours first"),
        ("zh", "它需要容器 3，而你已使用 23，上限为 24；请先删除你的一个 Pod"),
    ],
)
def test_a_refusal_is_said_in_the_learner_s_language_with_and_without_scripts(pages: Pages, language: str, words: str) -> None:
    pages.client.get(f"/?lang={language}")
    needed, used, limit = (Demand(containers=n) for n in (3, 23, 24))
    pages.runs.refuse = run_refused.over_quota("containers", needed, used, limit)
    form = {"csrf_token": pages.token(), "manifest": "text"}
    path = f"/examples/{pages.example}/run"
    assert words in pages.client.post(path, data=form, headers={"HX-Request": "true"}).text
    plain = pages.client.post(path, data=form)
    assert (plain.status_code, words in plain.text) == (409, True)


def test_in_a_lab_for_one_nobody_counts_requests(pages: Pages) -> None:
    assert {pages.client.get("/glossary").status_code for _ in range(100)} == {200}


def room_of(pages: Pages, requests_per_minute: int) -> Room:
    return Room(pages, settings=replace(pages.services.settings, requests_per_minute=requests_per_minute))


def test_who_asks_too_often_is_told_when_to_come_back_and_others_are_not_held_up(pages: Pages) -> None:
    room = room_of(pages, 60)
    ann, _ = room.join("Ann")
    bob, _ = room.join("Bob")
    answers = [ann.get("/glossary") for _ in range(70)]
    assert [answer.status_code for answer in answers].count(429) >= 5
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 2
    assert "Too many requests in a short time." in answers[-1].text
    assert "短时间内请求过多" in ann.get("/glossary?lang=zh").text
    fragment = ann.get("/glossary", **{"HX-Request": "true"})
    assert (fragment.status_code, "<html" in fragment.text) == (429, False)
    assert "Retry-After" in fragment.headers
    assert answers[-1].headers["Content-Security-Policy"]
    assert bob.get("/glossary").status_code == 200
    assert ann.client.get("/healthz").status_code == 200


def test_what_a_page_asks_for_by_itself_is_bounded_and_keeps_its_learner_from_nothing(pages: Pages) -> None:
    room = room_of(pages, 60)
    ann, _ = room.join("Ann")
    codes = [ann.client.head("/stream").status_code for _ in range(70)]
    assert codes[:60] == [200] * 60
    assert codes.count(429) >= 5
    assert ann.get("/glossary").status_code == 200


def test_strangers_are_counted_by_where_they_come_from(pages: Pages) -> None:
    room = room_of(pages, 30)
    codes = [room.app.test_client().get("/join").status_code for _ in range(40)]
    assert codes.count(429) >= 5
    elsewhere = room.app.test_client().get("/join", environ_base={"REMOTE_ADDR": "192.0.2.9"})
    assert elsewhere.status_code == 200


def test_a_bucket_fills_again_and_holds_no_more_than_a_minute() -> None:
    with VirtualClock() as clock:
        pace = Pace(clock, 60)
        assert [pace.take("ann") for _ in range(60)] == [0.0] * 60
        assert pace.take("ann") == pytest.approx(1.0)
        clock.sleep(1.0)
        assert pace.take("ann") == 0.0
        assert pace.take("ann") > 0
        clock.sleep(3600)
        assert sum(pace.take("ann") == 0.0 for _ in range(100)) == 60


def test_buckets_of_those_who_do_not_come_again_are_forgotten() -> None:
    with VirtualClock() as clock:
        pace = Pace(clock, 60)
        for number in range(MOST_BUCKETS):
            pace.take(str(number))
        clock.sleep(60)
        pace.take("another")
        assert len(pace._buckets) == 1
