"""What the pages say, with and without runs, in both languages, and how they refuse."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest

from lab.timeline.facts import FileChanged, HookSkipped

Pages = Any  # the fixture's type lives in conftest, which tests cannot import

TABS = {
    "en": ["Files", "Events", "Describe", "Hook output", "Signals", "Logs"],
    "zh": ["文件", "事件", "详情", "钩子输出", "信号", "日志"],
}


def lesson_url(pages: Pages) -> str:
    return f"/lessons/{pages.example.partition('/')[0]}"


def run_whole_life(pages: Pages) -> Any:
    run, script = pages.run()
    script.start()
    script.stop()
    script.end()
    pages.runs.close(run.id)
    return run


def test_the_index_lists_every_lesson_with_its_examples(pages: Pages) -> None:
    html = unescape(pages.client.get("/").text)
    for lesson in pages.catalog.lessons:
        assert lesson.titles["en"] in html
        assert f'href="/lessons/{lesson.slug}"' in html
        assert all(example.labels["en"] in html for example in lesson.examples)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_lesson_shows_its_prose_and_cards_in_both_languages(pages: Pages, language: str) -> None:
    for lesson in pages.catalog.lessons:
        response = pages.client.get(f"/lessons/{lesson.slug}?lang={language}")
        html = unescape(response.text)
        assert response.status_code == 200
        assert lesson.titles[language] in html
        for example in lesson.examples:
            if example.challenge is None:
                assert f'aria-label="{example.name}"' in html
                assert example.manifest in html
            else:
                assert example.challenge.symptom[language] in html
                assert f'href="/challenges/{example.id}"' in html


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_card_carries_the_names_that_people_rely_on(pages: Pages, language: str) -> None:
    html = pages.client.get(f"{lesson_url(pages)}?lang={language}").text
    names = {
        "en": ["Run", "Delete", "Reset", "Graceful", "Grace period…", "Force"],
        "zh": ["运行", "删除", "重置", "优雅删除", "指定宽限期", "强制删除"],
    }[language]
    assert all(f">{name}<" in html for name in [*names, *TABS[language]])
    assert f'aria-label="{"Steps" if language == "en" else "步骤"}"' in html


def test_examples_json_names_lesson_example_and_address_of_every_example(pages: Pages) -> None:
    listed = json.loads(pages.client.get("/examples.json").text)
    assert [(x["lesson"], x["example"]) for x in listed] == [(e.lesson, e.name) for e in pages.catalog.examples]
    for example in listed:
        path, _, anchor = example["url"].partition("#")
        assert f'id="{anchor}"' in pages.client.get(path).text


def test_the_page_of_a_run_tells_everything_after_the_pod_is_gone(pages: Pages) -> None:
    run = run_whole_life(pages)
    html = unescape(pages.client.get(f"/runs/{run.id}").text)
    assert "sleep 3600; true" in html
    assert "Hello from the preStop Handler" in html
    assert "Stopping container app" in html
    assert "dropped by the kernel" in html
    assert "PID 1 was killed by SIGKILL: exit code 137." in html
    assert "draining" in html
    assert "SigCgt: 0000000000010002" in html
    assert re.search(r"Name: +demo\nNamespace: +default", html)
    assert "ready <b>now</b>" in html
    assert "ready <b>now</b>" not in pages.client.get(f"/runs/{run.id}").text


def test_steps_before_the_delete_count_from_run_and_later_ones_from_both(pages: Pages) -> None:
    run = run_whole_life(pages)
    rows = pages.client.get(f"/runs/{run.id}").text.split('<li id="step-')[1:]
    killed = next(row for row in rows if "grace period is over" in row)
    started = next(row for row in rows if "Container started: PID 1 runs" in row)
    assert "delete +" in killed
    assert "delete +" not in started


def test_a_status_that_kubectl_get_would_not_show_is_no_step(pages: Pages) -> None:
    run, script = pages.run()
    script.start()
    script.pod("status", "kubelet", {"running": {"startedAt": script.now}}, phase="Running", annotations={"x": "y"})
    assert pages.client.get(f"/runs/{run.id}").text.count("STATUS is now <code>Running</code>") == 1


def test_without_an_engine_everything_is_readable_and_run_says_why_it_cannot(pages: Pages) -> None:
    pages.engine_problem = "cannot reach a container engine; start dockerd"
    html = pages.client.get(lesson_url(pages)).text
    assert "cannot reach a container engine; start dockerd" in html
    assert " disabled>" in html
    answer = pages.post(f"/examples/{pages.example}/run", manifest="kind: Pod")
    assert answer.status_code == 409
    assert "start dockerd" in answer.text
    assert pages.runs.runs == {}


@pytest.mark.parametrize(
    ("path", "english", "chinese"),
    [
        ("/runs/nothing", "There is no such run.", "没有这次运行。"),
        ("/lessons/nothing", "There is no such lesson.", "没有这一课。"),
        ("/nothing", "There is no such page.", "没有这个页面。"),
    ],
)
def test_what_does_not_exist_is_explained_in_the_learners_language(pages: Pages, path: str, english: str, chinese: str) -> None:
    for language, words in (("en", english), ("zh", chinese)):
        response = pages.client.get(f"{path}?lang={language}")
        assert response.status_code == 404
        assert words in response.text
        assert 'href="/"' in response.text


def test_the_language_asked_for_is_remembered(pages: Pages) -> None:
    assert '<html lang="zh-CN"' in pages.client.get("/?lang=zh").text
    assert '<html lang="zh-CN"' in pages.client.get("/").text
    assert '<html lang="en"' in pages.client.get("/?lang=en").text


def test_the_theme_of_the_cookie_is_there_before_any_script(pages: Pages) -> None:
    pages.client.set_cookie("theme", "dark")
    assert '<html lang="en" data-theme="dark">' in pages.client.get("/").text
    pages.client.set_cookie("theme", '"><script>')
    assert '<html lang="en">' in pages.client.get("/").text


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("container-exited", "It did not run: the container had ended by itself."),
        ("grace-period-zero", "It did not run: there was no grace period."),
        ("never-started", "It did not run: the container was never started."),
    ],
)
def test_a_hook_that_was_skipped_says_because_of_what(pages: Pages, why: str, said: str) -> None:
    run, script = pages.run()
    script.start()
    script.node(HookSkipped(hook="preStop", attempt=0, why=why))
    html = pages.client.get(f"/runs/{run.id}").text
    panel = html.split('data-list="hook-output"', 1)[1].split("</article>", 1)[0]
    assert said in panel


def test_a_file_that_changes_again_shows_what_it_held_before(pages: Pages) -> None:
    run, script = pages.run()
    script.start()
    for text in ("one\n", "two\n"):
        script.node(FileChanged(path="/x", change="added", text=text, size_bytes=4, volume=None, node_path=None, attempt=0))
    panel = pages.client.get(f"/runs/{run.id}").text.split('data-list="files"', 1)[1].split("</article>", 1)[0]
    assert panel.index("Before") < panel.index("one") < panel.index("After") < panel.index("two")


def test_the_panels_say_what_kubernetes_would_hide(pages: Pages) -> None:
    html = unescape(pages.client.get(f"/runs/{run_whole_life(pages).id}").text)
    for said in ("kubectl shows no files", "Kubernetes keeps none of this", "Kubernetes shows no signals"):
        assert said in html


def test_a_step_says_why_and_what_kubectl_has_of_it(pages: Pages) -> None:
    html = unescape(pages.client.get(f"/runs/{run_whole_life(pages).id}").text)
    assert "6 s is the pod’s terminationGracePeriodSeconds." in html
    assert "kubectl shows no signal, neither which nor when." in html


def test_a_pod_that_the_lab_removes_was_not_deleted_by_the_learner(pages: Pages) -> None:
    run, script = pages.run()
    script.start()
    script.pod("delete", "controller", None, deletionGracePeriodSeconds=0)
    html = unescape(pages.client.get(f"/runs/{run.id}").text)
    assert "The lab removes the pod, because it ends the run. Kubernetes would not do this." in html
    assert "You deleted the pod" not in html
