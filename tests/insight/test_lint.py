from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.insight.lint import LintNote
from lab.insight.lint_rules import lint_review
from lab.pods.review import review

HEAD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n"
CONTENT = Path(__file__).parents[2] / "content"


def lint_of(text: str) -> tuple[LintNote, ...]:
    found = review(text)
    assert all(document.refusal is None for document in found.documents), found
    return lint_review(text, found)


def manifest(*containers: str, spec: str = "") -> str:
    return HEAD + spec + "  containers:\n" + "".join(f"  - {body}\n" for body in containers)


def app(more: str = "", image: str = "busybox", name: str = "app") -> str:
    return f"name: {name}\n    image: {image}\n" + "".join(f"    {line}\n" for line in more.splitlines())


def shell(script: str, **more: str) -> str:
    return manifest(app(f"command: [sh, -c, {script!r}]", image=more.pop("image", "busybox")), **more)


def hook(kind: str, handler: str, more: str = "") -> str:
    return app(f"{more}lifecycle:\n  {kind}:\n    {handler}")


def hook_command(kind: str, *argv: str, **more: str) -> str:
    return manifest(hook(kind, f"exec: {{command: {list(argv)!r}}}", more.pop("container", "")), **more)


def rules(notes: Iterable[LintNote]) -> list[str]:
    return [note.rule for note in notes]


GRACE_5 = "  terminationGracePeriodSeconds: 5\n"
NEVER = "  restartPolicy: Never\n"

FIRING = [
    ("empty-program", hook_command("preStop", "")),
    ("line-as-program", hook_command("preStop", "nginx -s quit")),
    ("line-as-program", manifest(app("command: ['sleep 3600']"))),
    ("operator-without-shell", hook_command("postStart", "echo", "hi", ">", "/tmp/x")),
    ("operator-without-shell", hook_command("preStop", "nginx", "-s", "quit", "&&", "sleep", "3")),
    ("variable-without-shell", hook_command("preStop", "echo", "$HOME")),
    ("variable-without-shell", manifest(app("env: [{name: PORT, value: '80'}]\ncommand: [httpd, -p, '${PORT}']"))),
    ("parenthesised-variable-in-hook", hook_command("preStop", "echo", "$(HOME)")),
    ("parenthesised-variable-in-hook", hook_command("preStop", "sh", "-c", "echo $(NAME)", container="env: [{name: NAME}]\n")),
    ("tcp-socket-hook", manifest(hook("preStop", "tcpSocket: {port: 80}"))),
    ("pre-stop-fills-grace", hook_command("preStop", "sleep", "8", spec=GRACE_5)),
    ("pre-stop-fills-grace", hook_command("preStop", "sh", "-c", "echo x; sleep 3 && sleep 2", spec=GRACE_5)),
    ("pre-stop-fills-grace", hook_command("preStop", "sh", "-c", "while true; do sleep 1; done")),
    ("pre-stop-fills-grace", manifest(hook("preStop", "sleep: {seconds: 5}"), spec=GRACE_5)),
    ("post-start-never-ends", hook_command("postStart", "tail", "-f", "/dev/null")),
    ("post-start-never-ends", hook_command("postStart", "sh", "-c", "while :; do echo; sleep 5; done")),
    ("http-post-start-races", manifest(hook("postStart", "httpGet: {port: 80}"))),
    (
        "http-post-start-races",
        manifest(hook("postStart", "httpGet: {port: web}", "ports: [{name: web, containerPort: 80}]\n"), app(name="b")),
    ),
    (
        "post-start-needs-later-container",
        manifest(hook("postStart", "httpGet: {port: 8080}"), app("ports: [{containerPort: 8080}]", name="b")),
    ),
    (
        "post-start-needs-later-container",
        manifest(
            hook("postStart", "exec: {command: [sh, -c, 'until nc -z localhost 8080; do sleep 1; done']}"),
            app("ports: [{containerPort: 8080}]", name="b"),
        ),
    ),
    ("background-child", hook_command("postStart", "sh", "-c", "sleep 60 & echo started")),
    ("pre-stop-of-a-job", hook_command("preStop", "true", spec=NEVER)),
    ("deaf-program", manifest(app("command: [sleep, '3600']"))),
    ("deaf-program", manifest(app("command: [tail]\nargs: [-f, /dev/null]"))),
    ("deaf-shell", shell("sleep 3600; echo never")),
    ("deaf-shell", shell("sleep 3600")),
    ("deaf-shell", shell("echo up && sleep infinity")),
    ("last-command-without-exec", shell("echo up; nginx -g daemon-off")),
    ("last-command-without-exec", shell("my-server --port 80")),
    ("deaf-shell", shell("work | tee log")),
    ("deaf-shell", shell("while true; do date; sleep 60; done", spec=GRACE_5)),
    ("trap-behind-foreground", shell("trap 'exit 0' TERM; sleep infinity")),
    ("trap-behind-foreground", shell("trap 'exit 0' TERM\nwhile :; do sleep 60; done")),
    ("trap-behind-foreground", shell("trap cleanup TERM INT; my-server --port 80")),
    ("stop-signal-not-trapped", shell("trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done", image="nginx:1.27")),
]

SILENT = [
    hook_command("preStop", "nginx", "-s", "quit"),
    hook_command("preStop", "sh", "-c", "nginx -s quit && sleep 3 > /dev/null"),
    hook_command("preStop", "sh", "-c", "echo $HOME $(hostname)"),
    hook_command("preStop", "sh", "-c", "echo 'not expanded: $(NAME)'", container="env: [{name: NAME}]\n"),
    manifest(app("command: [awk, '{print $HOME}']")),
    manifest(app("command: [envsubst, '$HOME']")),
    manifest(app("env: [{name: PORT, value: '80'}]\ncommand: [httpd, -p, $(PORT)]")),
    manifest(app("command: [find, /tmp, -name, '&x']")),
    hook_command("preStop", "sleep", "4", spec=GRACE_5),
    hook_command("preStop", "sh", "-c", "sleep 8 || true", spec="  terminationGracePeriodSeconds: 9\n"),
    hook_command("preStop", "sh", "-c", "if busy; then sleep 60; fi", spec=GRACE_5),
    hook_command("preStop", "sh", "-c", "sleep 60 > /dev/null 2>&1 &", spec=GRACE_5),
    hook_command("preStop", "sh", "-c", "cat <<E\nsleep 60\nE", spec=GRACE_5),
    manifest(hook("preStop", "sleep: {seconds: 4}"), spec=GRACE_5),
    hook_command("postStart", "sh", "-c", "until nc -z localhost 80; do sleep 1; done"),
    hook_command("postStart", "sh", "-c", "while :; do check && break; sleep 1; done"),
    manifest(hook("postStart", "httpGet: {port: 80, host: example.org}")),
    manifest(app("ports: [{containerPort: 80}]", name="a"), hook("postStart", "httpGet: {port: 80}")),
    manifest(
        app("ports: [{containerPort: 8080}]", name="b"),
        hook("postStart", "exec: {command: [sh, -c, 'until nc -z localhost 8080; do sleep 1; done']}"),
    ),
    manifest(hook("preStop", "httpGet: {port: 80}")),
    hook_command("postStart", "sh", "-c", "sleep 60 & wait"),
    hook_command("preStop", "true"),
    manifest(app("command: [sleep, '3']")),
    manifest(app("command: [sleep, '3600']"), spec="  terminationGracePeriodSeconds: 7200\n"),
    manifest(app("args: [sleep, '3600']")),
    hook_command("preStop", "sh", "-c", "if [ -e /skip ]; then exit 0; fi; sleep 30"),
    hook_command("preStop", "sh", "-c", "[ -e /slow ] && sleep 60"),
    hook_command("preStop", "sh", "-c", "grep -q x /y && echo slow && sleep 60"),
    shell("sleep 3600", spec="  terminationGracePeriodSeconds: 1\n"),
    shell("echo I am; id -u"),
    shell("exec sleep 3600"),
    shell("echo up; exec nginx"),
    shell("trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"),
    shell("trap 'exit 0' TERM; sleep 3600 & wait"),
    shell("trap 'exit 0' TERM; while :; do sleep 1; done"),
    shell("for s in TERM QUIT; do trap 'exit 0' $s; done; sleep 3600"),
    shell("echo one; sleep 3; echo two", spec=NEVER),
    shell("echo one; work", spec=NEVER),
    shell("echo up; . /start.sh"),
    shell("eval $CMD; sleep 3600"),
    shell("trap 'exit 0' QUIT; while :; do sleep 1 & wait $!; done", image="nginx"),
    manifest(app("command: [tini, --, sh, -c, 'a; sleep 3600']")),
]


@pytest.mark.parametrize(("rule", "text"), FIRING)
def test_a_rule_finds_what_it_is_for_and_no_other_does(rule: str, text: str) -> None:
    assert rules(lint_of(text)) == [rule]


@pytest.mark.parametrize("text", SILENT)
def test_nothing_is_said_where_nothing_is_sure(text: str) -> None:
    assert lint_of(text) == ()


def test_a_second_document_of_the_same_pod_is_pointed_at() -> None:
    text = manifest(app()) + "---\n" + manifest(app(name="other")) + "---\n" + manifest(app()).replace("name: p", "name: q")
    (note,) = lint_of(text)
    assert (note.rule, note.line) == ("same-pod-twice", 12)
    assert note.phrase.values["line"] == 1


def test_a_note_stands_at_the_line_of_the_script_that_it_is_about() -> None:
    text = manifest(app("command:\n- sh\n- -c\n- |\n  echo up\n  sleep 3600\n  echo never"))
    (note,) = lint_of(text)
    assert text.splitlines()[note.line - 1].strip() == "sleep 3600"


def test_objects_of_other_kinds_are_left_alone() -> None:
    other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p}\ndata: {command: sleep 3600}\n---\n"
    text = other + manifest(app())
    assert lint_review(text, review(text)) == ()


def test_what_the_api_refuses_is_left_to_the_api() -> None:
    text = manifest(app("command: [sleep, '3600']\nlifecycle: {preStopHook: {}}"))
    found = review(text)
    assert lint_review(text, found) == ()


LESSON_MANIFESTS = [path for path in sorted(CONTENT.glob("*/examples/*/pod.yaml")) if not (path.parent / "check.yaml").exists()]


@pytest.mark.parametrize("path", LESSON_MANIFESTS, ids=lambda path: path.parent.name)
def test_the_lessons_manifests_get_the_notes_that_are_their_point_and_no_other(path: Path) -> None:
    meant = {
        "hung-pre-stop": ["pre-stop-fills-grace"],
        "force": ["pre-stop-fills-grace"],
        "own-exit": ["pre-stop-of-a-job"],
        "side-by-side": ["pre-stop-of-a-job", "pre-stop-of-a-job", "pre-stop-of-a-job"],
        "deaf-shell": ["deaf-shell"],
        "both-documents": ["same-pod-twice"],
    }
    text = path.read_text(encoding="utf-8")
    assert rules(lint_review(text, review(text))) == meant.get(path.parent.name, [])


@given(
    st.lists(st.text(alphabet=st.sampled_from(list("ab $(){}'\";&|<>#=!0HOME\n")), max_size=20), min_size=1, max_size=4),
    st.sampled_from(["command", "postStart", "preStop"]),
)
def test_no_command_makes_the_lint_fail(argv: list[str], where: str) -> None:

    words = json.dumps(argv)
    body = app(f"command: {words}") if where == "command" else hook(where, f"exec: {{command: {words}}}")
    text = manifest(body)
    for note in lint_review(text, review(text)):
        assert 1 <= note.line <= text.count("\n")
        assert note.phrase.english.format(**note.phrase.values)
        assert note.phrase.chinese.format(**note.phrase.values)
