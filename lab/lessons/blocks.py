"""What a lesson's text is made of: prose, example cards, outputs, judgements, the reference card."""

from __future__ import annotations

from dataclasses import dataclass

from lab.lessons.example import Example
from lab.lessons.outputs import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """A run of HTML without a card in it."""

    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleRef:
    """The place of an example's card."""

    example: Example


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRef:
    """The place of an output of ``example``."""

    example: Example
    output: Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A statement that the reader judges. ``id`` is ``<lesson slug>/<name>``; the run of ``proof``, at ``moment`` unless that is
    empty, proves it; ``statement`` and ``why`` are HTML."""

    id: str
    statement: str
    is_true: bool
    proof: Example
    moment: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCard:
    """What one wants to look up later, as HTML."""

    html: str


Block = Prose | ExampleRef | OutputRef | Judgement | ReferenceCard


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldAction:
    """A change of one field of an example's manifest that a sentence offers."""

    example: str
    path: str
    value: str
    line: int
