"""What a learner does from outside of Kubernetes: hold points, Continue, one command, the node's files."""

from __future__ import annotations

import os

import pytest

from lab.lessons import LANGUAGES
from lab.timeline.facts import CommandExecuted, ContainerStarted, HoldPointsChosen, KubeletContinued, KubeletHeld
from lab.web.hands import HOLD_POINTS, LONGEST_COMMAND_CHARACTERS, command_words
from tests.web.conftest import EXAMPLE_MANIFEST, Pages

HTMX = {"HX-Request": "true"}


def lesson(pages: Pages, language: str = "en") -> str:
    slug = pages.catalog.examples[0].lesson
    return str(pages.client.get(f"/lessons/{slug}?lang={language}").text)


def held(pages: Pages) -> int:
    """Open a run that is held, and return the hold's seq."""
    run, script = pages.run()
    script.timeline.append(HoldPointsChosen(run_id=run.id, points=("before-pre-stop", "before-sigkill")))
    script.start()
    return script.node(KubeletHeld(point="before-pre-stop", attempt=0)).seq


def test_a_run_is_held_at_the_points_that_were_ticked_in_their_order(pages: Pages) -> None:
    token = pages.token()
    form = {"csrf_token": token, "manifest": EXAMPLE_MANIFEST, "hold": ["before-sigkill", "before-start", "nonsense"]}
    assert pages.client.post(f"/examples/{pages.example}/run", data=form).status_code == 303
    assert pages.runs.hold_points == ("before-start", "before-sigkill")


def test_nothing_is_ticked_beforehand_and_every_point_can_be(pages: Pages) -> None:
    html = lesson(pages)
    key = pages.example.replace("/", "--")
    for point in HOLD_POINTS:
        assert f'<input type="checkbox" name="hold" value="{point}" form="run-{key}">' in html
    assert "The lab still ends a run after 60 minutes, held or not." in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_held_run_says_where_it_is_held_and_that_process_and_hook_go_on(pages: Pages, language: str) -> None:
    seq = held(pages)
    html = lesson(pages, language)
    assert f'<button type="submit" name="held" value="{seq}" class="primary">' in html
    said = {"en": ("Held: before preStop", "Only the kubelet stands still"), "zh": ("已暂停：preStop 之前", "停下的只有 kubelet")}
    assert all(words in html for words in said[language])


def test_a_run_that_was_held_stays_labelled(pages: Pages) -> None:
    seq = held(pages)
    run = next(iter(pages.runs.runs.values()))
    continued = KubeletContinued(point="before-pre-stop", attempt=0, held_seq=seq, held_seconds=3.0, why="learner")
    pages.runs.timeline(run.cluster).append(continued, pod_uid="6f7c2f0e-5a44-4b57-9d1b-0c8f3f7f9a01", container="app")
    assert "The kubelet stops at 2 points. Now it works." in lesson(pages)
    pages.runs.close(run.id)
    html = lesson(pages)
    assert "The kubelet was held in this run" in html
    assert 'name="held"' not in html


def test_continue_ends_the_hold_that_was_shown(pages: Pages) -> None:
    seq = held(pages)
    pages.runs.held = True
    run = next(iter(pages.runs.runs.values()))
    answer = pages.post(f"/examples/{pages.example}/continue", held=str(seq))
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/runs/{run.id}")
    pages.post(f"/runs/{run.id}/continue", to_the_end="1")
    assert pages.runs.proceeded == [(run.id, seq, False), (run.id, None, True)]


def test_continue_for_a_hold_that_is_over_says_so(pages: Pages) -> None:
    held(pages)
    answer = pages.client.post(
        f"/examples/{pages.example}/continue", data={"csrf_token": pages.token(), "held": "1"}, headers=HTMX
    )
    assert "That hold is over already." in answer.text
    assert pages.post(f"/examples/{pages.example}/continue", held="x" * 50).status_code == 409


def test_somebody_else_s_run_is_not_touched(pages: Pages) -> None:
    run = pages.runs.open("another", pages.example, EXAMPLE_MANIFEST)
    for action in ("continue", "command"):
        assert pages.post(f"/runs/{run.id}/{action}", command="ps").status_code == 403
        assert pages.post(f"/runs/nothing/{action}").status_code == 404
        assert pages.post(f"/examples/{pages.example}/{action}").status_code == 404
    assert (pages.runs.proceeded, pages.runs.commands) == ([], [])


def test_somebody_else_s_held_run_is_read_and_not_moved(pages: Pages) -> None:
    held(pages)
    run = next(iter(pages.runs.runs.values()))
    html = pages.app.test_client().get(f"/runs/{run.id}").text
    assert "Held: before preStop" in html
    assert f"/runs/{run.id}/continue" not in html
    assert f"/runs/{run.id}/command" not in html
    assert f"/runs/{run.id}/continue" in pages.client.get(f"/runs/{run.id}").text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ps", ("ps",)),
        ("  cat   /usr/share/message ", ("cat", "/usr/share/message")),
        ("""sh -c 'echo "a b" > /tmp/x'""", ("sh", "-c", 'echo "a b" > /tmp/x')),
        (r"ls a\ b", ("ls", "a b")),
        ("echo $HOME && ps", ("echo", "$HOME", "&&", "ps")),
        ("", "no-command"),
        ("   ", "no-command"),
        ("echo 'open", "quotes"),
        ("a\0b", "no-command"),
        ("x" * (LONGEST_COMMAND_CHARACTERS + 1), "no-command"),
    ],
)
def test_a_line_is_cut_into_words_and_nothing_else_is_done_with_it(line: str, words: tuple[str, ...] | str) -> None:
    assert command_words(line) == words


def test_a_command_goes_to_the_container_that_was_chosen(pages: Pages) -> None:
    run, _ = pages.run()
    form = {"command": "cat '/usr/share/message'", "in": "demo/app"}
    assert pages.post(f"/examples/{pages.example}/command", **form).status_code == 303
    assert pages.runs.commands == [(run.id, "demo", "app", "cat", "/usr/share/message")]


@pytest.mark.parametrize(("line", "said"), [("", "Write a command"), ("'", "A quote is not closed."), ("ps", "does not run now")])
def test_a_command_that_cannot_be_run_is_answered(pages: Pages, line: str, said: str) -> None:
    pages.run()
    pages.runs.running = False
    form = {"csrf_token": pages.token(), "command": line, "in": "demo/app"}
    assert said in pages.client.post(f"/examples/{pages.example}/command", data=form, headers=HTMX).text


def test_the_card_offers_the_containers_that_run_and_shows_the_last_command(pages: Pages) -> None:
    _, script = pages.run()
    assert "No container runs now." in lesson(pages)
    script.start()
    script.node(
        CommandExecuted(
            command=("cat", "/x"),
            attempt=0,
            result="exited",
            exit_code=1,
            stdout="<b>",
            stderr="no",
            message="",
            took_seconds=0.1,
        )
    )
    html = lesson(pages)
    assert '<input type="hidden" name="in" value="demo/app">' in html
    assert "&lt;b&gt;" in html
    assert "exit 1" in html
    script.node(ContainerStarted(container_id="c2", attempt=0, pid=7, started_at=""), "other")
    assert '<option value="demo/other">demo/other</option>' in lesson(pages)


def test_the_node_s_files_are_shown_to_their_learner_alone(pages: Pages) -> None:
    pages.files.prepare(pages.cluster())
    directory = pages.files.host_path(pages.cluster(), "/tmp/hook", "DirectoryOrCreate")
    (directory / "message").write_text("Hello <from> preStop\n")
    os.symlink("/etc/passwd", directory / "out")
    listed = pages.client.get("/node?path=/tmp/hook").text
    assert 'href="/node?path=/tmp/hook/message"' in listed
    assert "→ /etc/passwd" in listed
    assert "Hello &lt;from&gt; preStop" in pages.client.get("/node?path=/tmp/hook/message").text
    assert "root:" not in pages.client.get("/node?path=/tmp/hook/out").text
    another = pages.app.test_client()
    assert "Hello" not in another.get("/node?path=/tmp/hook/message").text


@pytest.mark.parametrize("path", ["/nowhere", "/../../../../etc/passwd", "/" + "x" * 9000, "/a\0b", "", "relative"])
def test_a_path_that_leads_nowhere_is_answered_plainly(pages: Pages, path: str) -> None:
    pages.files.prepare(pages.cluster())
    answer = pages.client.get("/node", query_string={"path": path})
    assert answer.status_code == 200
    assert "root:" not in answer.text


def test_a_file_that_is_no_text_or_too_long_is_said_to_be(pages: Pages) -> None:
    pages.files.prepare(pages.cluster())
    directory = pages.files.host_path(pages.cluster(), "/tmp")
    (directory / "binary").write_bytes(b"a\0b")
    (directory / "long").write_text("x" * 70_000)
    assert "Not text." in pages.client.get("/node?path=/tmp/binary").text
    assert "its beginning is shown" in pages.client.get("/node?path=/tmp/long").text


def test_the_node_is_cleaned_on_demand_and_not_while_pods_are_on_it(pages: Pages) -> None:
    assert "The node is clean" in pages.post("/node/clean").text
    assert pages.runs.cleaned == [pages.cluster()]
    pages.runs.refuse = "cannot clean the node"
    assert "Pods are still on it. Delete them first." in pages.post("/node/clean").text
    pages.client.get("/?lang=zh")
    assert "上面还有 Pod" in pages.post("/node/clean").text
    assert len(pages.runs.cleaned) == 1
