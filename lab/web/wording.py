"""Words in the learner's language: which language it is, and how sentences, numbers and times are written in it.

A sentence stands once, in the template, in both languages side by side: ``say("English", "中文")``. Backticks mark code;
values are put in by name and are always escaped, so a learner's text can never become markup. Nothing here knows Flask.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from lab.insight.phrase import Phrase
from lab.lessons import LANGUAGES, Language
from lab.timeline.facts import HoldPoint

HTML_LANG: dict[Language, str] = {"en": "en", "zh": "zh-CN"}

HOLD_POINTS: dict[HoldPoint, tuple[str, str]] = {
    "before-start": ("before the container is started", "启动容器之前"),
    "after-start": ("after the container’s start", "启动容器之后"),
    "before-post-start-result": ("before postStart’s result is published", "发布 postStart 的结果之前"),
    "before-pre-stop": ("before preStop", "preStop 之前"),
    "before-stop-signal": ("before the stop signal", "发送停止信号之前"),
    "before-sigkill": ("before SIGKILL", "发送 SIGKILL 之前"),
}

_CODE = re.compile(r"`([^`]+)`")
_KIBIBYTE = 1024


class Wording:
    """How one language says things. Templates know it as ``say``."""

    __slots__ = ("_compiled", "language")

    def __init__(self, language: Language) -> None:
        self.language = language
        self._compiled: dict[str, Markup] = {}

    def __call__(self, english: str, chinese: str, **values: object) -> Markup:
        """Return the sentence of this language with ``{name}`` replaced by escaped values and backticks made code."""
        text = chinese if self.language == "zh" else english
        sentence = self._compiled.get(text)
        if sentence is None:
            sentence = self._compiled[text] = Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped
        return sentence.format(**values) if values else sentence

    def phrase(self, words: Phrase | str) -> Markup:
        """Return a sentence that was made before the language was known; text that is no phrase is escaped."""
        if isinstance(words, str):
            return escape(words)
        return self(words.english, words.chinese, **{name: self._value(value) for name, value in words.values.items()})

    def plain(self, words: Phrase | str) -> str:
        """Return the same as plain text, for whoever escapes it: a picture, a screen reader."""
        if isinstance(words, str):
            return words
        return self.text(words).replace("`", "")

    def text(self, words: Phrase) -> str:
        """Return a sentence as text whose backticks mark code still."""
        text = words.chinese if self.language == "zh" else words.english
        return text.format(**{name: self.plain(v) if isinstance(v, Phrase) else v for name, v in words.values.items()})

    def _value(self, value: object) -> object:
        return self.phrase(value) if isinstance(value, Phrase) else value

    def seconds(self, value: float) -> str:
        """Write a duration: ``3.04 s``, ``12 ms`` below a tenth of a second, ``75.2 s`` from ten seconds on."""
        if 0 < abs(value) < 0.1:
            return f"{value * 1000:.0f} {'毫秒' if self.language == 'zh' else 'ms'}"
        digits = 2 if abs(value) < 10 else 1
        return f"{value:.{digits}f} {'秒' if self.language == 'zh' else 's'}"

    def whole_seconds(self, value: float) -> str:
        """Write a grace period as it stands in the manifest: ``30 s``; fractions only when there are any."""
        return f"{value:g} {'秒' if self.language == 'zh' else 's'}"

    def offset(self, value: float) -> str:
        """Write a point in time relative to another: ``+3.04 s``."""
        return f"{'−' if value < 0 else '+'}{abs(value):.2f} {'秒' if self.language == 'zh' else 's'}"

    def hold_point(self, point: HoldPoint) -> str:
        """Name a point at which the kubelet can be held."""
        english, chinese = HOLD_POINTS[point]
        return chinese if self.language == "zh" else english

    def size(self, value: int) -> str:
        """Write a size: ``37 B``, ``1.2 KiB``, ``54.1 MiB``."""
        amount = float(value)
        for unit in ("B", "KiB", "MiB"):
            if amount < _KIBIBYTE:
                return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
            amount /= _KIBIBYTE
        return f"{amount:.1f} GiB"


WORDINGS: dict[Language, Wording] = {language: Wording(language) for language in LANGUAGES}


def language_of(wanted: str | None, accepted: str | None) -> Language:
    """Choose the language: ``wanted`` (a query's or cookie's ``en``/``zh``) when it is one of ours, else the best of an
    Accept-Language header, else English."""
    if wanted in LANGUAGES:
        return "zh" if wanted == "zh" else "en"
    best: tuple[float, Language] = (0.0, "en")
    for part in (accepted or "").split(","):
        tag, _, parameter = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        quality = _quality(parameter)
        if primary in LANGUAGES and quality > best[0]:
            best = (quality, "zh" if primary == "zh" else "en")
    return best[1]


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
