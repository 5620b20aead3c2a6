from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.insight.commands import argv_seconds, last_program, least_seconds, shell_script, sleep_seconds, trapped
from lab.insight.shell import everything, foreground, read_script

INFINITE = float("inf")


def commands(text: str) -> list[str]:
    script = read_script(text)
    assert script is not None
    return [" ".join(command.words) for command, _ in everything(script)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo 'a b' \"c $d\" e\\ f", ["echo a b c $d e f"]),
        ("a; b && c || d & e", ["a", "b", "c", "d", "e"]),
        ("a | b 2>&1 > out # a comment; x", ["a", "b"]),
        ("if [ -e x ]; then a\nelif b; then c; else d; fi", ["[ -e x ]", "a", "b", "c", "d"]),
        ("while :; do sleep 1 & wait $!; done", [":", "sleep 1", "wait $!"]),
        ("f() { echo $(date; true); }\nf", ["echo $(date; true)", "f"]),
        ("{\n  echo a\n  [ 1 ] && echo b\n} > hook.txt", ["echo a", "[ 1 ]", "echo b"]),
        ('for s in TERM QUIT; do trap "exit" $s; done', ["trap exit $s"]),
        ("tick=$((tick + 1))", ["tick=$((tick + 1))"]),
        ("a \\\n  b", ["a b"]),
        ("", []),
    ],
)
def test_a_script_is_taken_apart_into_simple_commands(text: str, words: list[str]) -> None:
    assert commands(text) == words


@pytest.mark.parametrize(
    "text",
    ["cat <<E\nx\nE", "case $1 in a) b;; esac", "echo 'open", "while :; do a", "a; }", "((", "f() {", "$(", "a && ", "| b"],
)
def test_what_is_not_understood_is_said_to_be_so(text: str) -> None:
    assert read_script(text) is None


@given(st.text(alphabet=st.sampled_from(list("ab '\"\\$(){}`;&|<>#\n=!0")), max_size=40) | st.text(max_size=40))
def test_no_script_makes_the_reader_fail(text: str) -> None:
    script = read_script(text)
    for question in (least_seconds, last_program, trapped):
        question(script or ())


@pytest.mark.parametrize("opening", ["$(", "${", '"$(', "`$(", "(", "{ ", "if a; then ", "! ", "f() ", "a | (", "$((", "a=$(b "])
def test_a_script_that_nests_without_end_is_not_understood(opening: str) -> None:
    assert read_script(opening * 20_000) is None


def test_the_lines_of_commands_are_counted_over_quotes_and_continued_lines() -> None:
    script = read_script("a\nb 'c\nd'\ne \\\n f; g # h\n\ni")
    assert script is not None
    assert [(command.words[0], command.line) for command, _ in everything(script)] == [
        ("a", 0),
        ("b", 1),
        ("e", 3),
        ("g", 4),
        ("i", 6),
    ]


def test_what_runs_behind_the_shell_is_not_in_its_foreground() -> None:
    script = read_script("a && b & c; (d); while e; do f & done; { g; } &")
    assert script is not None
    assert [command.words[0] for command in foreground(script)] == ["c", "d", "e"]


@pytest.mark.parametrize(
    ("argv", "seconds"),
    [
        (("sleep", "3.5"), 3.5),
        (("/bin/sleep", "1m", "5"), 65),
        (("sleep", "infinity"), INFINITE),
        (("sh", "-c", "sleep 1; sleep 2 && sleep 3"), 6),
        (("sh", "-ec", "sleep 4 || sleep 9"), 4),
        (("bash", "-o", "pipefail", "-c", "sleep 4"), 4),
        (("sh", "-c", "sleep 9 &"), 0),
        (("sh", "-c", "if a; then sleep 9; fi"), 0),
        (("sh", "-c", "exit 0; sleep 9"), 0),
        (("sh", "-c", "sleep 1; if a; then exit; fi; sleep 9"), 1),
        (("sh", "-c", "test -e x && sleep 9; sleep 2"), 2),
        (("sh", "-c", "a && echo b && sleep 9"), 0),
        (("sh", "-c", "while :; do echo tick; sleep 1; done"), INFINITE),
        (("sh", "-c", "while true; do a || break; done"), 0),
        (("sh", "-c", "until nc -z localhost 80; do sleep 1; done"), 0),
        (("sh", "-c", "sleep $DELAY"), 0),
        (("tail", "-f", "/dev/null"), INFINITE),
        (("tail", "-n", "5", "x"), 0),
        (("sh", "script.sh"), 0),
        (("echo", "sleep", "9"), 0),
    ],
)
def test_the_least_time_that_a_command_takes_is_read_off_its_sleeps(argv: tuple[str, ...], seconds: float) -> None:
    assert argv_seconds(argv) == seconds


def test_a_sleep_of_unknown_length_is_no_sleep() -> None:
    assert sleep_seconds(("sleep", "soon")) is None
    assert sleep_seconds(("sleep",)) is None


@pytest.mark.parametrize(
    ("text", "signals"),
    [
        ("trap 'exit 0' TERM INT", {"TERM", "INT"}),
        ("trap : SIGTERM", {"TERM"}),
        ("trap '' TERM", {"TERM"}),
        ("trap x TERM; trap - TERM", set()),
        ("(trap x TERM)", set()),
        ("trap x $s", None),
        ("trap x 15", None),
        ("echo trap", set()),
    ],
)
def test_traps_are_known_or_said_to_be_unknown(text: str, signals: set[str] | None) -> None:
    script = read_script(text)
    assert script is not None
    assert trapped(script) == signals


def test_only_a_shell_with_a_script_has_one() -> None:
    assert shell_script(("sh", "-c")) is None
    assert shell_script(("sh", "-x", "file")) is None
    assert shell_script(("tini", "--", "sh", "-c", "a")) is None
    found = shell_script(("/bin/bash", "-x", "-c", "a", "name"))
    assert found is not None
    assert (found.text, found.item) == ("a", 3)
