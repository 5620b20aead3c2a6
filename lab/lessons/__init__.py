"""Content folders read as lessons: prose in every language, and examples that run.

Start at `Catalog.load`. May not run anything, and knows nothing of Flask or the engine.
"""

from __future__ import annotations

from lab.lessons.blocks import Block, ExampleRef, Judgement, OutputRef, Prose, ReferenceCard
from lab.lessons.catalog import Catalog
from lab.lessons.example import Example, Expectation, SuggestedDelete
from lab.lessons.fields import LANGUAGES, Language
from lab.lessons.lesson import Lesson
from lab.lessons.prose import Heading

__all__ = [
    "LANGUAGES",
    "Block",
    "Catalog",
    "Example",
    "ExampleRef",
    "Expectation",
    "Heading",
    "Judgement",
    "Language",
    "Lesson",
    "OutputRef",
    "Prose",
    "ReferenceCard",
    "SuggestedDelete",
]
