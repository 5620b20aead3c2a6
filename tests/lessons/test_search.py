"""What a search of the course finds, in both languages."""

from __future__ import annotations

import pytest

from lab.lessons import LANGUAGES, Catalog, Language
from lab.lessons.search import Passage, find, passages, plain, terms
from lab.share import CONTENT


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load(CONTENT)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("preStop hook", ("prestop", "hook")),
        ("宽限期", ("宽限", "限期")),
        ("preStop钩子", ("prestop", "钩子")),
        ("钩", ("钩",)),
        ("ＳＩＧＴＥＲＭ", ("sigterm",)),
        ("hook, hook!", ("hook",)),
        (" ?! ", ()),
    ],
)
def test_a_query_is_cut_into_words_and_pairs_of_chinese_characters(query: str, wanted: tuple[str, ...]) -> None:
    assert terms(query) == wanted


def passage(heading: str, text: str) -> Passage:
    return Passage(url=f"/{heading}", title="", heading=heading, text=text)


def test_what_holds_more_of_the_query_comes_first_and_a_heading_counts_more_than_text() -> None:
    every = (
        passage("One", "signal, signal, signal, signal"),
        passage("Signal", "once"),
        passage("Two", "a signal after the hook"),
        passage("Nothing", "else"),
    )
    assert [hit.passage.heading for hit in find(every, "signal hook")] == ["Two"]
    assert [hit.passage.heading for hit in find(every, "signal")] == ["Signal", "One", "Two"]
    assert find(every, "?") == ()


def test_an_excerpt_marks_what_was_asked_for_and_says_where_text_is_left_out() -> None:
    (hit,) = find((passage("A", "x" * 100 + " 然后钩子失败了 " + "y" * 300),), "钩子失败")
    assert [text for text, wanted in hit.excerpt if wanted] == ["钩子失败"]
    assert hit.excerpt[0] == ("…", False)
    assert hit.excerpt[-1] == ("…", False)
    assert len("".join(text for text, _ in hit.excerpt)) < 170


def test_html_becomes_text_in_which_blocks_are_apart_and_words_are_whole() -> None:
    assert plain("<h2>A</h2><p>b<code>c</code>d &lt;e&gt;</p><ul><li>f</li><li>g</li></ul>") == "A bcd <e> f g"


@pytest.mark.parametrize(
    ("language", "query", "url"),
    [
        ("en", "STOPSIGNAL", "/lessons/"),
        ("zh", "宽限期", "/lessons/graceful-deletion"),
        ("en", "grace period", "/glossary#grace-period"),
        ("zh", "强制删除", "/lessons/force-deletion"),
    ],
)
def test_the_course_is_found_by_what_it_is_about(catalog: Catalog, language: Language, query: str, url: str) -> None:
    assert any(hit.passage.url.startswith(url) for hit in find(passages(catalog, language), query)[:8])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_lesson_and_every_challenge_is_found_by_its_title(catalog: Catalog, language: Language) -> None:
    every = passages(catalog, language)
    for lesson in catalog.lessons:
        assert any(hit.passage.url == f"/lessons/{lesson.slug}" for hit in find(every, lesson.titles[language]))
        for example in lesson.examples:
            if example.challenge:
                assert any(hit.passage.url == f"/challenges/{example.id}" for hit in find(every, example.labels[language]))
