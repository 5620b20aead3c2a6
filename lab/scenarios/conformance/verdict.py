"""What is made of a comparison: a scenario agrees, differs as is known, or differs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lab.scenarios.conformance.comparison import Difference
from lab.scenarios.conformance.known import KnownDifference
from lab.timeline.facts import JSON

Word = Literal["agrees", "known", "differs", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one scenario came out. ``failure`` says why it was not played to the end; ``notes`` are the lab's own, such as what it
    does not support. ``played`` is how often; the last time counts, and took ``seconds``."""

    scenario: str
    differences: tuple[Difference, ...] = ()
    known: tuple[KnownDifference, ...] = ()
    failure: str = ""
    notes: tuple[str, ...] = ()
    played: int = 1
    seconds: float = 0.0

    @property
    def word(self) -> Word:
        """The verdict in one word."""
        if self.failure:
            return "failed"
        if self.unforeseen:
            return "differs"
        return "known" if self.differences else "agrees"

    @property
    def is_well(self) -> bool:
        """Whether nothing is the matter that is not known."""
        return self.word in ("agrees", "known")

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that differ."""
        return _distinct(difference.part for difference in self.differences)

    @property
    def unforeseen(self) -> tuple[str, ...]:
        """The parts that differ and should agree."""
        foreseen = {part for known in self.known for part in known.parts}
        return tuple(part for part in self.parts if part not in foreseen)

    @property
    def no_longer(self) -> tuple[str, ...]:
        """The parts that are listed as always different, and agree."""
        if self.failure:
            return ()
        listed = _distinct(part for known in self.known if not known.sometimes for part in known.parts)
        return tuple(part for part in listed if part not in self.parts)

    def to_json(self) -> JSON:
        """Return it as plain JSON."""
        return {
            "verdict": self.word,
            "played": self.played,
            "seconds": round(self.seconds, 1),
            "failure": self.failure or None,
            "notes": list(self.notes),
            "differences": [difference.to_json() for difference in self.differences],
            "unforeseen": list(self.unforeseen),
            "noLonger": list(self.no_longer),
        }


def _distinct(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parts))
