"""The page that searches the course, without scripts."""

from __future__ import annotations

from typing import Any

import pytest

Pages = Any  # the fixture's type lives in conftest, which tests cannot import


@pytest.mark.parametrize(
    ("language", "query", "none"), [("en", "grace period", "Nothing was found."), ("zh", "宽限期", "没有找到。")]
)
def test_a_search_leads_to_places_in_the_course_and_marks_what_was_asked_for(
    pages: Pages, language: str, query: str, none: str
) -> None:
    html = pages.client.get("/search", query_string={"q": query, "lang": language}).text
    assert 'href="/lessons/graceful-deletion' in html
    assert "<mark>" in html
    assert f'value="{query}"' in html
    missing = pages.client.get("/search", query_string={"q": "xyzzy", "lang": language}).text
    assert f">{none}" in missing
    assert "<mark>" not in missing


def test_a_query_is_text_and_never_markup(pages: Pages) -> None:
    html = pages.client.get("/search", query_string={"q": '"><script>x</script>'}).text
    assert "<script>x" not in html


def test_an_empty_search_asks_for_words_and_says_nothing(pages: Pages) -> None:
    html = pages.client.get("/search").text
    assert 'role="search"' in html
    assert "Nothing was found." not in html.split("</form>")[1].split("data-none")[1].split(">", 1)[1]
