"""The check of a challenge: what a run must show, as data, and what learners are told while it does not.

``check.yaml`` beside a manifest:

    require:                        all must hold once the run has ended; shown to learners in this order
    - name: hook-first
      that: {order: [app preStop finished, app SIGTERM sent]}        a predicate (`lab.insight.predicates`)
      pass: {en: …, zh: …}
      fail: {en: …, zh: …}
    failcheck:                      the run cannot succeed any more, and why
    - when: {seen: app SIGKILL sent}
      say: {en: …, zh: …}
    hints:                          what helps in the present state; the first whose predicate holds is shown
    - when: {not: {seen: app postStart began}}
      say: {en: …, zh: …}

Nothing here runs anything: a check judges the entries it is given, live ones or a recording's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import yaml

from lab.insight.predicates import Evidence, Gathering, Predicate
from lab.lessons.fields import LANGUAGES, Words
from lab.lessons.predicate_reader import Reader
from lab.lessons.problems import Problems
from lab.timeline.facts import Entry, RunAborted, RunClosed


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One thing that the run must show."""

    name: str
    that: Predicate
    passed: Words
    failed: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Words for a state of the run."""

    when: Predicate
    say: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a run stands. ``held`` goes with the check's requirements, ``spoilt`` says why it cannot succeed any more."""

    passed: bool
    ended: bool
    held: tuple[bool, ...]
    spoilt: Words | None
    hint: Words | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A challenge's check."""

    require: tuple[Requirement, ...]
    failcheck: tuple[Rule, ...]
    hints: tuple[Rule, ...]

    def judge(self, entries: Iterable[Entry]) -> Verdict:
        """Judge a run by what it has shown so far."""
        judge = Judge(self)
        for entry in entries:
            judge.add(entry)
        return judge.verdict()


class Judge:
    """Judges a run by a check, entry by entry. Only a run that has ended in the ordinary way can pass: until then, what must not
    happen may still happen."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self._gathering = Gathering()
        self._closed = False
        self._aborted = False
        self._verdict: Verdict | None = None  # of the evidence so far: a page asks at every entry, most bring none

    def add(self, entry: Entry) -> None:
        """Take the run's next entry in."""
        told = self._gathering.add(entry)
        self._closed = self._closed or isinstance(entry.fact, RunClosed)
        self._aborted = self._aborted or isinstance(entry.fact, RunAborted)
        if told or self._closed or self._aborted:
            self._verdict = None

    def verdict(self) -> Verdict:
        """Return how the run stands."""
        if self._verdict is None:
            self._verdict = self._judged()
        return self._verdict

    def _judged(self) -> Verdict:
        evidence = self._gathering.evidence
        held = tuple(requirement.that.holds(evidence) for requirement in self.check.require)
        spoilt = _first(self.check.failcheck, evidence)
        passed = self._closed and not self._aborted and all(held) and spoilt is None
        hint = None if passed else _first(self.check.hints, evidence)
        return Verdict(passed=passed, ended=self._closed or self._aborted, held=held, spoilt=spoilt, hint=hint)


def _first(rules: Iterable[Rule], evidence: Evidence) -> Words | None:
    return next((rule.say for rule in rules if rule.when.holds(evidence)), None)


def read_check(text: str, path: str, problems: Problems) -> Check:
    """Read ``check.yaml``; whatever is wrong is noted with its line."""
    reader = Reader(path, problems)
    try:
        root = yaml.SafeLoader(text).get_single_node()
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        problems.note(path, (mark.line + 1) if mark else 1, f"cannot read this as YAML: {error}; correct the line")
        return Check(require=(), failcheck=(), hints=())
    parts = reader.fields(root, "a mapping with require, failcheck and hints", ("require",), ("failcheck", "hints"))
    check = Check(
        require=tuple(_requirement(reader, node) for node in reader.items(parts.get("require"))),
        failcheck=tuple(_rule(reader, node) for node in reader.items(parts.get("failcheck"))),
        hints=tuple(_rule(reader, node) for node in reader.items(parts.get("hints"))),
    )
    names = [requirement.name for requirement in check.require]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.note(path, 1, f"cannot use the name {name} for two requirements; rename one")
    return check


def _requirement(reader: Reader, node: yaml.Node) -> Requirement:
    parts = reader.fields(node, "name, that, pass and fail", ("name", "that", "pass", "fail"), ())
    return Requirement(
        name=reader.text(parts.get("name")),
        that=reader.predicate(parts.get("that")),
        passed=_words(reader, parts.get("pass")),
        failed=_words(reader, parts.get("fail")),
    )


def _rule(reader: Reader, node: yaml.Node) -> Rule:
    parts = reader.fields(node, "when and say", ("when", "say"), ())
    return Rule(when=reader.predicate(parts.get("when")), say=_words(reader, parts.get("say")))


def _words(reader: Reader, node: yaml.Node | None) -> Words:
    parts = reader.fields(node, "a text for each of " + ", ".join(LANGUAGES), LANGUAGES, ())
    return {language: reader.text(parts.get(language)) for language in LANGUAGES}
