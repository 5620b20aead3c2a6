"""Manifests that are made to cost: every one is answered, in words, within bounds of time and memory.

They are reviewed in a process whose processor time and address space the kernel limits: a text that gets the better of the lab
ends that process, and not the suite.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.pods.composer import MAX_CHARACTERS
from lab.pods.manifest import MAX_TEXT_BYTES
from lab.pods.review import review
from lab.web import line_match
from lab.web.diagnosis import diagnose
from lab.web.manifest_diff import manifest_diff
from lab.web.texts import patch, patched

MOST_SECONDS = 20  # of processor time for all, where they take six
MOST_MEMORY_BYTES = 1 << 30
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n    image: busybox\n"
LIST = "apiVersion: v1\nkind: List\nitems:\n"
REVIEW = """
import json, sys
from lab.insight.own_pod import adopt
from lab.pods.review import review
from lab.web.diagnosis import diagnose
for line in sys.stdin:
    what, text = json.loads(line)
    print(json.dumps(what), end=": ", flush=True)
    found = diagnose(text)
    adopt(text)
    sizes = [len(json.dumps(document.object)) for document in review(text).documents if document.object]
    print(json.dumps({"answer": found.answer, "by_lab": found.by_lab, "sizes": sizes}), flush=True)
"""


def laughs(levels: int, width: int, leaf: str, of: str) -> str:
    """Return lines of which each holds the one before ``width`` times; ``of`` makes a value of the references."""
    lines = [f"a0: &a0 {leaf}"]
    lines += [f"a{n}: &a{n} {of % ', '.join([f'*a{n - 1}'] * width)}" for n in range(1, levels)]
    return "\n".join(lines)


REFUSED_BY_THE_LAB = {
    "a billion laughs": laughs(40, 10, "lol", "[%s]"),
    "a billion laughs of nothing, merged": laughs(40, 10, "{}", "{<<: [%s]}"),
    "a long value, repeated": POD + f"    command: [&long {'x' * 30_000}, {', '.join(['*long'] * 9_000)}]\n",
    "many values below a long key": f"list: &list [{', '.join('0' * 9_000)}]\n? {'k' * 30_000}\n: *list\n",
    "deep lists": "[" * 60_000,
    "deep maps": "\n".join(" " * depth + "a:" for depth in range(340)),
    "deep JSON": '{"a":' * 9_000,
    "a megabyte": POD + "#" * (1 << 20),
    "a thousand containers": POD + "".join(f"  - {{name: c{n}, image: busybox}}\n" for n in range(1_000)),
}
ANSWERED = {
    "numbers without end": POD + f"    ports: [{{containerPort: {'9' * 60_000}}}]\n",
    "an amount without end": POD + "    resources: {limits: {memory: 1e999999999}}\n",
    "times without end": POD + f"    ports: [{{containerPort: {':'.join(['59'] * 20_000)}}}]\n",
    "thousands of empty containers": POD + "  - {}\n" * 9_000,
    "thousands of unknown fields": POD + "".join(f"    x{n}: 1\n" for n in range(5_000)),
    "thousands of the same variable": POD + "    env:\n" + "    - {name: A}\n" * 3_900,
    "thousands of documents": "a: 1\n---\n" * 7_000,
    "thousands of keys that stand twice": LIST
    + "- &p {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, metadata: {name: b}}\n"
    + "- *p\n" * 2_500,
    "substitutions that never close": POD + f"    lifecycle: {{postStart: {{exec: {{command: [sh, -c, '{'$(' * 20_000}']}}}}}}\n",
    "a script of conditions that never close": POD + f'    command: [sh, -c, "{"if true; then " * 4_000}"]\n',
    "a script of signals": POD + f'    command: [sh, -c, "{"sleep 1 & trap : TERM; kill -9 1; " * 1_500}"]\n',
    "a script of braces": POD + f'    command: [sh, -c, "{"{ ( " * 14_000}"]\n',
    "variables that double": POD
    + "    env:\n    - {name: A0, value: xxxxxxxxxx}\n"
    + "".join(f"    - {{name: A{n}, value: $(A{n - 1})$(A{n - 1})}}\n" for n in range(1, 64)),
    "tabs": "\t" * 60_000,
    "control characters": "a: \x00\x01\x1b[2J\n",
    "half a surrogate": "a: \ud800\n",
    "a Python object": "!!python/object/apply:os.system [id]\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said to a text: kubectl's answer, whether it is the lab's own, and the sizes of the objects that were taken."""

    answer: str
    by_lab: bool
    sizes: tuple[int, ...]


@pytest.fixture(scope="module")
def reviewed() -> dict[str, Said]:
    """What a process of limited means says to each text; nothing to those that got the better of it."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))

    lines = "".join(json.dumps(text) + "\n" for text in (REFUSED_BY_THE_LAB | ANSWERED).items())
    command = [sys.executable, "-c", REVIEW]
    ended = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, preexec_fn=limit, check=False)
    said = (line.partition('": ') for line in ended.stdout.splitlines())
    return {what[1:]: Said(**json.loads(found)) for what, _, found in said if found}


@pytest.mark.parametrize("what", REFUSED_BY_THE_LAB)
def test_a_manifest_beyond_the_labs_bounds_is_refused_and_says_which(what: str, reviewed: dict[str, Said]) -> None:
    found = reviewed[what]
    assert found.by_lab
    assert not found.sizes
    assert any(bound in found.answer for bound in ("64 KiB", "20000 values", "2 MiB", "100 deep", "at most 16", "write it as"))


@pytest.mark.parametrize("what", ANSWERED)
def test_a_costly_manifest_is_answered(what: str, reviewed: dict[str, Said]) -> None:
    assert all(size <= 2 * MAX_CHARACTERS for size in reviewed[what].sizes)


@settings(deadline=None)  # how long is a matter of the machine; how much is the bounds'
@given(
    st.integers(1, 12), st.integers(1, 12), st.sampled_from(["{}", "[]", "x", "{a: 1}"]), st.sampled_from(["[%s]", "{<<: [%s]}"])
)
def test_nothing_grows_by_referring_to_itself(levels: int, width: int, leaf: str, of: str) -> None:
    text = laughs(levels, width, leaf, of)
    assert len(text) < MAX_TEXT_BYTES
    review(text)


lines = st.sampled_from(
    [
        "a: &a",
        "b: *a",
        "<<: *a",
        "- ",
        "-",
        "? ",
        ": ",
        "[",
        "]",
        "{",
        "}",
        "'",
        '"',
        "|",
        ">",
        "---",
        "...",
        "!!binary ",
        "%YAML 2",
    ]
) | st.text(max_size=6)


@given(st.lists(lines, max_size=40), st.sampled_from(["", "\n", " ", "\n  "]))
@settings(max_examples=300, deadline=None)
def test_any_text_is_diagnosed_for_the_editor(pieces: list[str], between: str) -> None:
    found = diagnose(POD + between.join(pieces))
    assert found.accepted or found.answer


SIMILAR = {
    "the same line again and again": ("#\n" * 30_000 + "a: 1", "#\n" * 29_000 + "b: 1"),
    "lines that take turns": ("a\nb\n" * 15_000, "b\na\n" * 15_000),
    "lines that meet one by one": tuple("".join(f"{n}\n{side}{n}\n" for n in range(6_000)) for side in "xy"),
}


@pytest.mark.parametrize("what", SIMILAR)
def test_two_long_texts_are_compared_in_bounded_time(what: str) -> None:
    left, right = SIMILAR[what]
    began = time.process_time()
    diff = manifest_diff(left, right)
    change = patch(left.splitlines(), right.splitlines())
    assert time.process_time() - began < MOST_SECONDS
    assert "\n".join(line.text for line in diff if line.sort in ("same", "right")) != ""
    assert patched(left.splitlines(), change) == tuple(right.splitlines())


@given(
    st.lists(st.sampled_from("abc"), max_size=12),
    st.lists(st.sampled_from("abc"), max_size=12),
    st.sampled_from([0, 9, 4_000_000]),
)
def test_lines_that_are_matched_make_the_one_text_from_the_other(old: list[str], new: list[str], most: int) -> None:
    made: list[str] = []
    at = 0
    with pytest.MonkeyPatch.context() as patched_bound:
        patched_bound.setattr(line_match, "MOST_PAIRS", most)
        for tag, a, a_end, b, b_end in line_match.opcodes(old, new):
            assert a == at
            at = a_end
            assert (tag == "equal") == (old[a:a_end] == new[b:b_end])
            made += old[a:a_end] if tag == "equal" else new[b:b_end]
    assert (at, made) == (len(old), new)
