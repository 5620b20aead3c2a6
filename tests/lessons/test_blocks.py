"""Statements to judge, reference cards, outputs, field actions, and terms: what they become, and what an author is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.lessons import Catalog, Judgement, OutputRef, ReferenceCard
from lab.lessons.outputs import Output
from tests.lessons.test_catalog import append, append_to_both, content, html, problems, write

__all__ = ["content"]  # the fixture

STATEMENT = """
!!! false "The hook runs **last**." {#last}
    proof: small: app preStop finished

    The signal comes *after* it.
"""


def test_a_statement_has_its_answer_its_why_and_its_proof(content: Path) -> None:
    append_to_both(content, STATEMENT)
    (found,) = Catalog.load(content).lessons[0].judgements("zh")
    assert isinstance(found, Judgement)
    assert (found.id, found.is_true, found.proof.id, found.moment) == ("one/last", False, "one/small", "app preStop finished")
    assert found.statement == "The hook runs <strong>last</strong>."
    assert found.why == "<p>The signal comes <em>after</em> it.</p>"


def test_a_reference_card_is_kept_apart(content: Path) -> None:
    append_to_both(content, "\n!!! reference\n    - `preStop` first\n\n    - then SIGTERM\n")
    lesson = Catalog.load(content).lessons[0]
    card = lesson.reference("en")
    assert card is not None
    assert isinstance(lesson.blocks("en")[-1], ReferenceCard)
    assert "<code>preStop</code> first" in card.html
    assert "admonition" not in html(content)


def test_the_empty_corner_of_a_table_is_no_heading(content: Path) -> None:
    append_to_both(content, "\n| | then |\n|---|---|\n| hook | signal |\n")
    found = html(content)
    assert found.count("<th") - found.count("<thead") == 1
    assert "<th>then</th>" in found


def test_an_output_names_an_example_of_any_lesson(content: Path) -> None:
    append_to_both(content, "\n{{ output: small logs app }}\n\n{{ output: two/small kubectl is invalid }}\n")
    found = [block for block in Catalog.load(content).lessons[0].blocks("en") if isinstance(block, OutputRef)]
    assert [block.output for block in found] == [
        Output(example_id="one/small", what="logs", words=("app",)),
        Output(example_id="two/small", what="kubectl", words=("is", "invalid")),
    ]


def test_a_field_action_is_a_link_that_says_what_to_type(content: Path) -> None:
    append_to_both(content, '\nNow {{ set: small spec.a[b].c = ["x", "y"] | set\nit so }} and run.\n')
    made = html(content)
    assert '<a class="set-field" href="#one--small" data-set-card="one--small" data-set-path="spec.a[b].c"' in made
    assert 'data-set-value="[&quot;x&quot;, &quot;y&quot;]"' in made
    assert ">set it so</a>" in made
    assert "<code>c: [&quot;x&quot;, &quot;y&quot;]</code>" in made


def test_marks_in_a_fence_stay_as_they_are(content: Path) -> None:
    append_to_both(content, "\n```yaml\n{{ set: small a = 1 | x }}\n{{ output: small logs app }}\n```\n")
    assert "{{ set: small a = 1 | x }}\n{{ output: small logs app }}" in html(content)


def test_a_term_is_linked_where_a_lesson_first_uses_it_and_not_in_code_or_links(content: Path) -> None:
    write(content, "glossary.yaml", "grace:\n  en: {term: grace period, text: Time.}\n  zh: {term: 宽限期, text: 时间。}\n")
    append(content, "01-one/lesson.en.md", "\n`grace period`, [grace period](lesson:two), **a Grace period** or grace period.\n")
    append(content, "01-one/lesson.zh.md", "\n先是宽限期，再是宽限期。\n")
    assert '<strong>a <a class="term" href="/glossary#grace">Grace period</a></strong> or grace period.' in html(content)
    assert html(content).count("/glossary#grace") == 1
    assert '先是<a class="term" href="/glossary#grace">宽限期</a>，再是宽限期。' in html(content, "zh")


def test_a_glossary_is_read_with_its_mistakes(content: Path) -> None:
    write(
        content,
        "glossary.yaml",
        "Grace:\n  en: {term: a, text: b}\nb:\n  en: {term: A, text: b}\n  zh: {term: c, text: d, x: 1}\n",
    )
    assert problems(content) == [
        "glossary.yaml:1: cannot do without the field term; add it",
        "glossary.yaml:1: cannot do without the field text; add it",
        "glossary.yaml:1: cannot use the field Grace; write an id in lower case with hyphens, such as grace-period",
        "glossary.yaml:3: cannot use the field b; write a term that no other entry has; A is there twice",
        "glossary.yaml:3: cannot use the unknown field x; known are also, term, text",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (STATEMENT + STATEMENT, "15: cannot use the name last twice; give each statement its own"),
        (STATEMENT.replace(" {#last}", ""), "15: cannot do without the statement's {#name}; add it"),
        (STATEMENT.replace("proof: small: app preStop finished\n\n", ""), "15: cannot do without the statement's first line"),
        (STATEMENT.replace("proof: small", "proof: large"), "15: cannot find the example one/large; name one of this lesson"),
        ("\n{{ output: small smell }}\n", "15: cannot show the output smell; use one of logs, events, statuses, file, hook"),
        ("\n{{ output: small logs }}\n", "15: cannot show the output logs; use one of"),
        ("\n{{ output: none statuses }}\n", "15: cannot find the example one/none; name one of this lesson, or LESSON/EXAMPLE"),
        ("\n{{ exmaple: small }}\n", "15: cannot read what stands in these braces; write example, output or set as documented"),
        (
            "\nTo {{ set: none a = 1 | x }}.\n",
            "15: cannot change a field of none; name an example of this lesson with a card",
        ),
        ("\n!!! reference\n    a\n\n!!! reference\n    b\n", "18: cannot have two reference cards; keep one"),
        ("\n[x](#nowhere)\n", "15: cannot link to #nowhere in this lesson; it has no heading of that id"),
        ("\n[x](/nowhere)\n", "15: cannot link to /nowhere; write lesson:SLUG#heading, https:… or one of the pages"),
    ],
)
def test_a_mistake_in_a_mark_is_told_at_its_line(content: Path, text: str, message: str) -> None:
    append_to_both(content, text)
    found = problems(content)
    for language in ("en", "zh"):
        assert any(line.startswith(f"01-one/lesson.{language}.md:{message}") for line in found), found


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (STATEMENT, "statements"),
        ("\n{{ output: small statuses }}\n", "outputs"),
        ("\n!!! reference\n    x\n", "reference cards"),
        ("\nTo {{ set: small a = 1 | x }}.\n", "field actions"),
    ],
)
def test_a_mark_in_one_language_only_is_told(content: Path, text: str, what: str) -> None:
    append(content, "01-one/lesson.zh.md", text)
    said = f"01-one/lesson.zh.md:1: cannot differ from 01-one/lesson.en.md in its {what};"
    assert any(line.startswith(said) for line in problems(content))


def test_prerequisites_are_lessons_before_this_one(content: Path) -> None:
    for folder, required in (("02-two", "one"), ("01-one", "two")):
        for language in ("en", "zh"):
            path = f"{folder}/lesson.{language}.md"
            text = (content / path).read_text(encoding="utf-8")
            write(content, path, text.replace("minutes: 5", f"minutes: 5\nprerequisites: [{required}]"))
    said = "cannot require the lesson two; prerequisites are lessons before this one"
    assert problems(content) == [f"01-one/lesson.{language}.md:1: {said}" for language in ("en", "zh")]
