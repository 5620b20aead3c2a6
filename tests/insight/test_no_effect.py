"""Notes on what has no effect, in both languages."""

from __future__ import annotations

from lab.insight.no_effect import CHINESE, PREFIX, words_of
from lab.insight.phrase import Phrase
from lab.pods.kinds import KEPT_KINDS
from lab.pods.notes import FieldNote
from lab.pods.pod_fields import STRUCTS


def test_every_reason_is_worded_in_chinese_and_no_other() -> None:
    reasons = {field.no_effect for fields in STRUCTS.values() for field in fields.values()}
    reasons |= {kept.no_effect for kept in KEPT_KINDS.values()}
    assert set(CHINESE) == reasons - {""}


def test_capabilities_that_are_not_given_are_named_in_both_languages() -> None:
    words = words_of(FieldNote("spec", f"{PREFIX}it gives no container ALL, {{NET}}_RAW", 1, "NoEffect"))
    assert isinstance(words, Phrase)
    assert words.english.format(**words.values) == f"{PREFIX}it gives no container ALL, {{NET}}_RAW"
    assert words.chinese.format(**words.values).endswith("ALL, {NET}_RAW")


def test_what_the_api_says_stays_as_it_is() -> None:
    assert words_of(FieldNote("spec", "Required value", 1, "FieldValueRequired")) == "Required value"
