"""Reading a content folder: what a lesson becomes, and what an author is told about mistakes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.errors import ContentError
from lab.lessons import Catalog, ExampleRef, Prose

LESSON = """---
title: {title}
summary: One sentence.
minutes: 5
---
A question?
{{: .question }}

## First {{#first}}

{{{{ example: small }}}}

After the card.
"""
EXAMPLE = """label: {en: Small, zh: 小}
look_for: {en: Nothing, zh: 无}
"""
POD = "apiVersion: v1\nkind: Pod\n"


@pytest.fixture
def content(tmp_path: Path) -> Path:
    for number, slug in (("01", "one"), ("02", "two")):
        write(tmp_path, f"{number}-{slug}/lesson.en.md", LESSON.format(title=f"Lesson {slug}"))
        write(tmp_path, f"{number}-{slug}/lesson.zh.md", LESSON.format(title=f"第{slug}课"))
        write(tmp_path, f"{number}-{slug}/examples/small/pod.yaml", POD)
        write(tmp_path, f"{number}-{slug}/examples/small/example.yaml", EXAMPLE)
    return tmp_path


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def append(root: Path, path: str, text: str) -> None:
    write(root, path, (root / path).read_text(encoding="utf-8") + text)


def append_to_both(root: Path, text: str) -> None:
    for language in ("en", "zh"):
        append(root, f"01-one/lesson.{language}.md", text)


def problems(content: Path) -> list[str]:
    with pytest.raises(ContentError) as caught:
        Catalog.load(content)
    return str(caught.value).splitlines()


def html(content: Path, language: str = "en") -> str:
    lesson = Catalog.load(content).lessons[0]
    blocks = lesson.blocks("zh" if language == "zh" else "en")
    return "\n".join(block.html for block in blocks if isinstance(block, Prose))


def test_lessons_come_in_the_order_of_their_numbers_and_are_called_by_their_slugs(content: Path) -> None:
    catalog = Catalog.load(content)
    assert [(lesson.number, lesson.slug, lesson.minutes) for lesson in catalog.lessons] == [(1, "one", 5), (2, "two", 5)]
    assert catalog.lessons[0].titles == {"en": "Lesson one", "zh": "第one课"}
    assert catalog.lesson("two") is catalog.lessons[1]
    assert catalog.lesson("three") is None


def test_a_lesson_is_prose_and_cards_in_the_order_of_its_text(content: Path) -> None:
    first, card, last = Catalog.load(content).lessons[0].blocks("en")
    assert isinstance(first, Prose)
    assert first.html.startswith('<p class="question">A question?</p>')
    assert first.html.endswith('<h2 id="first">First</h2>')
    assert isinstance(card, ExampleRef)
    assert card.example.id == "one/small"
    assert card.example.manifest == POD
    assert last == Prose(html="<p>After the card.</p>")


def test_an_example_is_found_by_its_id(content: Path) -> None:
    catalog = Catalog.load(content)
    assert catalog.example("two/small") is catalog.lessons[1].examples[0]
    assert catalog.example("two/large") is None
    assert [example.id for example in catalog.examples] == ["one/small", "two/small"]


def test_a_lesson_knows_its_neighbours(content: Path) -> None:
    catalog = Catalog.load(content)
    one, two = catalog.lessons
    assert catalog.neighbours("one") == (None, two)
    assert catalog.neighbours("two") == (one, None)


def test_code_keeps_its_lines_and_says_its_language(content: Path) -> None:
    append(content, "01-one/lesson.en.md", "\n```yaml\nkind: Pod\n\n  {{ example: small }}\n一\n二 <b>\n```\n")
    expected = (
        '<pre tabindex="0"><code class="language-yaml">kind: Pod\n\n  {{ example: small }}\n一\n二 &lt;b&gt;\n</code></pre>'
    )
    assert expected in html(content)


def test_a_callout_without_a_title_is_titled_in_its_language(content: Path) -> None:
    append_to_both(content, "\n!!! correction\n    It does not.\n")
    assert '<div class="admonition correction">\n<p class="admonition-title">Correction</p>' in html(content)
    assert '<div class="admonition correction">\n<p class="admonition-title">更正</p>' in html(content, "zh")


def test_a_link_between_lessons_leads_to_the_lesson_page(content: Path) -> None:
    append_to_both(content, "\nSee [two](lesson:two#first).\n")
    assert '<a href="/lessons/two#first">two</a>' in html(content)


def test_a_line_broken_between_two_chinese_characters_is_joined(content: Path) -> None:
    append(content, "01-one/lesson.zh.md", "\n一行到这里，\n**又一行**，\n接着 `code`\n结束。\n")
    assert "一行到这里，<strong>又一行</strong>，接着 <code>code</code>\n结束。" in html(content, "zh")


def test_a_catalog_is_read_again_only_when_a_file_has_changed(content: Path) -> None:
    catalog = Catalog.load(content)
    assert catalog.refreshed() is catalog
    append(content, "01-one/lesson.en.md", "\nMore.\n")
    os.utime(content / "01-one/lesson.en.md", ns=(1, 1))
    refreshed = catalog.refreshed()
    assert refreshed is not catalog
    assert "<p>More.</p>" in html(content)


def test_all_mistakes_are_told_at_once_with_file_and_line(content: Path) -> None:
    append_to_both(content, "\n[away](lesson:nowhere)\n\n!!! danger\n    No.\n")
    write(content, "02-two/examples/small/example.yaml", EXAMPLE + "dellete: force\n")
    kinds = 'run, correction, note, true "…" {#name}, false "…" {#name}, reference'
    fields = "after_delete, before_delete, delete, expect, label, look_for, node, predict, refused, submit"
    assert problems(content) == [
        "01-one/lesson.en.md:15: cannot link to the lesson nowhere; the lessons are one, two",
        f"01-one/lesson.en.md:17: cannot show a callout of the kind danger; use one of {kinds}",
        "01-one/lesson.zh.md:15: cannot link to the lesson nowhere; the lessons are one, two",
        f"01-one/lesson.zh.md:17: cannot show a callout of the kind danger; use one of {kinds}",
        f"02-two/examples/small/example.yaml:3: cannot use the unknown field dellete; known are {fields}",
    ]


def test_a_heading_that_is_not_there_is_a_mistake(content: Path) -> None:
    append(content, "01-one/lesson.en.md", "\n[there](lesson:two#last)\n")
    assert problems(content) == ["01-one/lesson.en.md:15: cannot link to #last in the lesson two; it has no heading of that id"]


def test_languages_that_differ_in_structure_are_a_mistake(content: Path) -> None:
    append(content, "01-one/lesson.zh.md", "\n## 多出来的 {#more}\n")
    assert problems(content) == [
        "01-one/lesson.zh.md:1: cannot differ from 01-one/lesson.en.md in its headings; give them the same levels and {#ids}"
    ]


def test_a_missing_language_is_a_mistake(content: Path) -> None:
    (content / "02-two/lesson.zh.md").unlink()
    assert [line.split(": cannot")[0] for line in problems(content)] == ["02-two/lesson.zh.md:1"]


def test_an_example_that_no_lesson_shows_is_a_mistake(content: Path) -> None:
    write(content, "01-one/examples/spare/pod.yaml", POD)
    write(content, "01-one/examples/spare/example.yaml", EXAMPLE)
    assert problems(content)[0] == (
        "01-one/examples/spare:1: cannot reach this example; place it in 01-one/lesson.en.md with {{ example: spare }}"
    )


def test_an_example_that_is_shown_and_not_there_is_a_mistake(content: Path) -> None:
    append_to_both(content, "\n{{ example: large }}\n")
    assert problems(content)[0] == ("01-one/lesson.en.md:15: cannot find the example large; add the folder examples/large")


@pytest.mark.parametrize(
    ("front", "line", "message"),
    [
        ("title: T\nsummary: S", 2, "cannot do without the field minutes; add it"),
        ("title: T\nsummary: S\nminutes: soon", 4, "cannot use the field minutes; write a whole number from 1 to 30"),
        ("title: T\nsummary: 'S\nminutes: 5", 5, "cannot read this as YAML: found unexpected end of stream; correct the line"),
        ("title: T\nsummary: 2026-13-01\nminutes: 5", 2, "cannot read this as YAML: month must be in 1..12; correct the line"),
        ("title: [T]\nsummary: S\nminutes: 5", 2, "cannot use the field title; write text"),
        ("title: T\nsummary: S\nminutes: 5\nminutes: 6", 5, "cannot use the field minutes twice; keep one"),
        (
            "title: T\nsummary: S\nminutes: 5\nauthor: A",
            5,
            "cannot use the unknown field author; known are minutes, prerequisites, summary, title",
        ),
    ],
)
def test_a_mistake_in_front_matter_is_told_at_its_line(content: Path, front: str, line: int, message: str) -> None:
    text = (content / "01-one/lesson.en.md").read_text(encoding="utf-8").split("---\n")[2]
    write(content, "01-one/lesson.en.md", f"---\n{front}\n---\n{text}")
    assert f"01-one/lesson.en.md:{line}: {message}" in problems(content)


@pytest.mark.parametrize(
    ("delete", "arguments"),
    [("graceful", ()), ("force", ("--grace-period=0", "--force")), ("7", ("--grace-period=7",))],
)
def test_a_suggested_delete_is_what_kubectl_would_be_given(content: Path, delete: str, arguments: tuple[str, ...]) -> None:
    write(content, "01-one/examples/small/example.yaml", EXAMPLE + f"delete: {delete}\n")
    assert Catalog.load(content).examples[0].delete.kubectl_arguments == arguments


def test_an_example_plays_as_the_lesson_tells_it(content: Path) -> None:
    described = EXAMPLE + "node: [/tmp]\ndelete: 3\nexpect:\n  files: {/a: x}\n  node_files: {/tmp/b: null}\n"
    write(content, "01-one/examples/small/example.yaml", described)
    assert [action["do"] for action in Catalog.load(content).examples[0].actions()] == [
        "hostdir",
        "apply",
        "wait",
        "wait",
        "readfile",
        "delete",
        "wait",
        "hostfile",
    ]


def test_a_content_folder_without_lessons_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="cannot find lessons in"):
        Catalog.load(tmp_path)
