"""Sentences, numbers and the choice of language."""

from __future__ import annotations

import pytest

from lab.web.wording import WORDINGS, language_of

ENGLISH, CHINESE = WORDINGS["en"], WORDINGS["zh"]


def test_a_sentence_is_said_in_the_language_of_its_wording() -> None:
    assert ENGLISH("Run", "运行") == "Run"
    assert CHINESE("Run", "运行") == "运行"


def test_backticks_are_code_and_values_are_escaped_even_inside_it() -> None:
    assert ENGLISH("PID 1 is `{name}`.", "", name="<b>`x`") == "PID 1 is <code>&lt;b&gt;`x`</code>."


def test_a_template_text_with_angle_brackets_is_escaped_too() -> None:
    assert ENGLISH("a < b", "") == "a &lt; b"


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [(0.0, "0.00 s", "0.00 秒"), (0.012, "12 ms", "12 毫秒"), (3.04, "3.04 s", "3.04 秒"), (75.24, "75.2 s", "75.2 秒")],
)
def test_a_duration_has_the_digits_that_matter(value: float, english: str, chinese: str) -> None:
    assert ENGLISH.seconds(value) == english
    assert CHINESE.seconds(value) == chinese


def test_an_offset_always_has_a_sign() -> None:
    assert ENGLISH.offset(3.041) == "+3.04 s"
    assert ENGLISH.offset(-1.5) == "−1.50 s"


def test_sizes_are_binary() -> None:
    assert [ENGLISH.size(n) for n in (37, 1229, 41_522_984)] == ["37 B", "1.2 KiB", "39.6 MiB"]


@pytest.mark.parametrize(
    ("wanted", "accepted", "language"),
    [
        ("zh", None, "zh"),
        ("en", "zh-CN", "en"),
        ("fr", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "en;q=0.2, zh-TW;q=0.7", "zh"),
        (None, "de, en;q=0.5", "en"),
        (None, "zh;q=broken", "en"),
        (None, None, "en"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_browsers_else_english(
    wanted: str | None, accepted: str | None, language: str
) -> None:
    assert language_of(wanted, accepted) == language
