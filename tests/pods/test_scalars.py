from __future__ import annotations

import math

import pytest

from lab.pods.scalars import ScalarError, resolve_plain, resolve_tagged


@pytest.mark.parametrize("word", ["y", "Yes", "on", "TRUE", "true"])
def test_words_for_yes_are_true_as_in_yaml_1_1(word: str) -> None:
    assert resolve_plain(word) is True


@pytest.mark.parametrize("word", ["n", "No", "off", "FALSE"])
def test_words_for_no_are_false_as_in_yaml_1_1(word: str) -> None:
    assert resolve_plain(word) is False


@pytest.mark.parametrize("word", ["", "~", "null", "NULL"])
def test_nothing_has_four_spellings(word: str) -> None:
    assert resolve_plain(word) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("010", 8), ("0o10", 8), ("0x1F", 31), ("0b101", 5), ("-0b11", -3), ("1_000", 1000), ("+7", 7), ("0", 0), ("-12", -12)],
)
def test_integers_are_read_as_go_reads_them(text: str, value: int) -> None:
    assert resolve_plain(text) == value
    assert type(resolve_plain(text)) is int


@pytest.mark.parametrize(
    ("text", "value"), [("1e3", 1000.0), ("1.5", 1.5), (".5", 0.5), ("08", 8.0), ("1.", 1.0), ("1_0.5", 10.5)]
)
def test_floats_are_read_as_go_reads_them(text: str, value: float) -> None:
    assert resolve_plain(text) == value
    assert type(resolve_plain(text)) is float


@pytest.mark.parametrize(
    "text", ["2001-01-01", "2001-01-01T10:00:00Z", "1:30", "1.2.3", "30s", "0x", "1e999", "yEs", "<", "-", ".", "+", "_1"]
)
def test_dates_times_and_versions_stay_text(text: str) -> None:
    assert resolve_plain(text) == text


def test_a_number_of_thousands_of_digits_is_not_worth_computing() -> None:
    assert resolve_plain("9" * 5000) == "9" * 5000


def test_the_three_infinities_and_not_a_number_are_floats() -> None:
    assert resolve_plain(".inf") == math.inf
    assert resolve_plain("-.Inf") == -math.inf
    assert math.isnan(float(resolve_plain(".NaN") or 0))


def test_a_tag_decides_over_the_look_of_a_value() -> None:
    assert resolve_tagged("tag:yaml.org,2002:str", "12") == "12"
    assert resolve_tagged("tag:yaml.org,2002:float", "12") == 12.0
    assert resolve_tagged("tag:yaml.org,2002:binary", "aGk=") == "hi"
    assert resolve_tagged("!own", "12") == "12"


def test_a_value_that_contradicts_its_tag_is_refused_in_the_librarys_words() -> None:
    with pytest.raises(ScalarError, match=r"^cannot decode !!str `x` as a !!int$"):
        resolve_tagged("tag:yaml.org,2002:int", "x")
    with pytest.raises(ScalarError, match=r"^!!binary value contains invalid base64 data$"):
        resolve_tagged("tag:yaml.org,2002:binary", "?")
