"""The lessons that ship with the lab: complete, the same in both languages, and true to the source text's manifests."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from lab.lessons import LANGUAGES, Catalog, Example, ExampleRef, Language, Lesson, Prose
from lab.pods.review import review

CONTENT = Path(__file__).parents[2] / "content"
SEED = Path(__file__).parent / "seed"
CATALOG = Catalog.load(CONTENT)

SEED_EXAMPLES = {
    "post-start.yaml": "post-start/post-start-message",
    "nginx-quit.yaml": "stopping-nginx/nginx-quit",
    "host-path.yaml": "stopping-nginx/host-path",
    "both-documents.yaml": "stopping-nginx/both-documents",
}
SURPRISING = {"force-deletion/zero-in-the-spec"}  # the editor remarks on what the lesson is about
INTERFACE: dict[Language, tuple[str, ...]] = {
    "en": (
        "Run",
        "Delete",
        "Graceful",
        "Grace period…",
        "Force",
        "Reset",
        "Steps",
        "Files",
        "Events",
        "Describe",
        "Hook output",
        "Signals",
        "Logs",
    ),
    "zh": (
        "运行",
        "删除",
        "优雅删除",
        "指定宽限期",
        "强制删除",
        "重置",
        "步骤",
        "文件",
        "事件",
        "详情",
        "钩子输出",
        "信号",
        "日志",
    ),
}
every_lesson = pytest.mark.parametrize("lesson", CATALOG.lessons, ids=lambda lesson: lesson.slug)
every_example = pytest.mark.parametrize("example", CATALOG.examples, ids=lambda example: example.id)
every_language = pytest.mark.parametrize("language", LANGUAGES)


def prose(lesson: Lesson, language: Language) -> str:
    return "\n".join(block.html for block in lesson.blocks(language) if isinstance(block, Prose))


def pressed(lesson: Lesson, language: Language) -> list[list[int]]:
    """The interface names in each `run` callout, as places in INTERFACE, in no particular order."""
    callouts = re.findall(r'<div class="admonition run">(.*?)</div>', prose(lesson, language), re.DOTALL)
    return [sorted(INTERFACE[language].index(name) for name in re.findall(r"<strong>(.*?)</strong>", text)) for text in callouts]


@pytest.mark.parametrize(("file", "example"), SEED_EXAMPLES.items())
def test_a_manifest_of_the_source_text_stands_in_the_content_verbatim(file: str, example: str) -> None:
    found = CATALOG.example(example)
    assert found is not None
    assert found.manifest == (SEED / file).read_text(encoding="utf-8")


def test_the_lessons_are_numbered_from_one_without_a_gap() -> None:
    assert [lesson.number for lesson in CATALOG.lessons] == list(range(1, len(CATALOG.lessons) + 1))


@every_lesson
def test_a_lesson_has_the_same_examples_in_both_languages(lesson: Lesson) -> None:
    names = {
        language: [block.example.name for block in lesson.blocks(language) if isinstance(block, ExampleRef)]
        for language in LANGUAGES
    }
    assert names["en"] == names["zh"] == [example.name for example in lesson.examples]


@every_lesson
def test_a_lesson_has_the_same_headings_in_both_languages(lesson: Lesson) -> None:
    english, chinese = lesson.headings("en"), lesson.headings("zh")
    assert [(heading.level, heading.id) for heading in english] == [(heading.level, heading.id) for heading in chinese]


@every_language
@every_lesson
def test_a_lesson_begins_with_its_question_and_ends_with_what_was_seen(lesson: Lesson, language: Language) -> None:
    first = lesson.blocks(language)[0]
    assert isinstance(first, Prose)
    assert first.html.startswith('<p class="question">')
    assert lesson.headings(language)[-1].id == "what-you-saw"


@every_language
@every_lesson
def test_a_card_is_followed_at_once_by_what_to_press(lesson: Lesson, language: Language) -> None:
    blocks = lesson.blocks(language)
    for card, after in pairwise(blocks):
        if isinstance(card, ExampleRef) and card.example.challenge is None:  # a challenge says itself what is amiss
            assert isinstance(after, Prose), card.example.id
            assert after.html.startswith('<div class="admonition run">'), card.example.id


@every_lesson
def test_a_lesson_names_the_same_buttons_and_tabs_in_both_languages(lesson: Lesson) -> None:
    english = pressed(lesson, "en")
    assert english == pressed(lesson, "zh")
    assert len(english) >= len([example for example in lesson.examples if example.challenge is None])


@every_lesson
def test_a_lesson_links_to_headings_that_are_there(lesson: Lesson) -> None:
    for language in LANGUAGES:
        for slug, anchor in re.findall(r'href="/lessons/([\w-]+)(?:#([\w-]+))?"', prose(lesson, language)):
            target = CATALOG.lesson(slug)
            assert target is not None, slug
            assert not anchor or anchor in [heading.id for heading in target.headings(language)], f"{slug}#{anchor}"


@every_lesson
def test_the_corrections_stand_in_both_languages(lesson: Lesson) -> None:
    counts = [prose(lesson, language).count('class="admonition correction"') for language in LANGUAGES]
    assert counts[0] == counts[1]


def test_every_claim_that_no_longer_holds_is_corrected() -> None:
    corrected = [lesson.slug for lesson in CATALOG.lessons if "admonition correction" in prose(lesson, "en")]
    assert corrected == [
        "what-hooks-are",
        "post-start",
        "where-failures-show",
        "pre-stop",
        "graceful-deletion",
        "stop-signal",
        "stopping-nginx",
        "handlers",
        "force-deletion",
    ]


def test_chinese_lines_are_not_broken_between_two_characters() -> None:
    broken = [
        (lesson.slug, match[0])
        for lesson in CATALOG.lessons
        for match in re.finditer("[\u4e00-\u9fff，。；：、]\n[\u4e00-\u9fff“]", prose(lesson, "zh"))
    ]
    assert broken == []


@every_example
def test_an_example_is_accepted_unless_its_refusal_is_the_point(example: Example) -> None:
    answer = review(example.manifest)
    assert answer.refusal is None
    refused = [document.refusal.message for document in answer.documents if document.refusal is not None]
    assert bool(refused) == example.refused, refused
    warned = any(document.warnings for document in answer.documents)
    assert warned == (example.id in SURPRISING)


@every_example
def test_an_example_uses_the_images_of_the_lab(example: Example) -> None:
    assert set(re.findall(r"image: (\S+)", example.manifest)) <= {"nginx", "busybox"}


@every_example
def test_an_example_says_what_a_run_must_show(example: Example) -> None:
    expect = example.expect
    assert expect.story or expect.events or expect.logs or expect.answers


@every_example
def test_an_example_does_not_keep_a_learner_waiting(example: Example) -> None:
    longest = max((int(seconds) for seconds in re.findall(r"\bsleep (\d+)", example.manifest) if int(seconds) < 3600), default=0)
    assert longest <= 15


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in CONTENT.rglob("*") if path.is_file())
    assert re.findall(r"/(?:home|root|work|Users)/\w*", text) == []
