"""Why something happened: one line, derived from the facts that came before it, or nothing.

Each rule is a function from an entry and what was known with it to a sentence. The first rule that is sure speaks. A rule says
nothing when a fact is missing that would make it sure; that is worth more than a guess that is mostly right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.insight.knowledge import Knowledge
from lab.insight.phrase import Phrase
from lab.insight.why_hooks import HOOK_RULES
from lab.insight.why_pods import POD_RULES
from lab.insight.why_signals import SIGNAL_RULES
from lab.timeline.facts import Entry

Say = Callable[[Entry, Knowledge], Phrase | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule and its name."""

    name: str
    say: Say


RULES: tuple[Rule, ...] = tuple(Rule(name=say.__name__, say=say) for say in (*SIGNAL_RULES, *HOOK_RULES, *POD_RULES))


def why(entry: Entry, known: Knowledge) -> Phrase | None:
    """Return why an entry's fact came about; ``known`` has taken the entry in. None when nothing is sure."""
    return next((phrase for rule in RULES if (phrase := rule.say(entry, known)) is not None), None)
