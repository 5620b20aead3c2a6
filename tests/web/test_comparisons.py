from __future__ import annotations

import json
import re

import pytest

from lab.web.manifest_diff import manifest_diff
from tests.web.conftest import EXAMPLE_MANIFEST, Pages, PodScript


def played(pages: Pages, manifest: str = EXAMPLE_MANIFEST, *, deleted: bool = True, cluster: str = "") -> str:
    run = pages.runs.open(cluster or pages.cluster(), pages.example, manifest, fresh=True)
    script = PodScript(pages.runs.timeline(run.cluster), run.id)
    script.start()
    if deleted:
        script.stop()
        script.end()
    pages.runs.close(run.id)
    return run.id


def compare(pages: Pages, a: str, b: str, **more: str) -> str:
    html: str = pages.client.get("/compare", query_string={"a": a, "b": b, **more}).text
    return html


def test_one_chooses_from_the_runs_one_has(pages: Pages) -> None:
    assert "You have no run to compare yet" in pages.client.get("/compare").text
    first, second = played(pages), played(pages)
    html = pages.client.get(f"/compare?a={first}").text
    assert f'<option value="{first}" selected>' in html
    assert html.count(f'<option value="{second}">') == 2
    assert f'href="/compare?a={first}"' in pages.client.get(f"/runs/{first}").text


@pytest.mark.parametrize(("language", "words"), [("en", "Nothing: exit codes"), ("zh", "没有不同：退出码")])
def test_two_runs_that_went_the_same_way_differ_in_nothing(pages: Pages, language: str, words: str) -> None:
    html = compare(pages, played(pages), played(pages, cluster="another"), lang=language)
    assert words in html
    assert "The two manifests are the same" in html or "两份清单相同" in html
    rows = re.findall(r'<tr class="(\w+)">', html.split('<table class="compared-steps">', 1)[1].split("</table>", 1)[0])
    assert set(rows) == {"same"}


def test_what_differs_is_said_before_the_steps(pages: Pages) -> None:
    shorter = EXAMPLE_MANIFEST.replace('sleep 3"', 'sleep 1"')
    html = compare(pages, played(pages), played(pages, shorter, deleted=False, cluster="another"))
    table = html.split('<table class="differences">', 1)[1].split("</table>", 1)[0]
    assert "Exit code" in table
    assert "<td>137</td><td>–</td>" in table
    diff = html.split('<table class="diff mono"', 1)[1].split("</table>", 1)[0]
    assert '<tr class="left">' in diff
    assert "echo draining; sleep 1" in diff
    assert html.index("differences") < html.index("compared-steps")


def test_runs_meet_at_delete_or_at_run(pages: Pages) -> None:
    first, second = played(pages), played(pages)
    at_delete = compare(pages, first, second)
    assert "Times count from Delete" in at_delete
    assert '<span class="sentence">You deleted the pod. It has 6 s.' in at_delete
    deleted = at_delete.split("You deleted the pod", 1)[0].rpartition("#step-")[2]
    assert "+0.00 s" in deleted
    at_run = compare(pages, first, second, align="run")
    assert "Times count from Run" in at_run
    assert '<input type="radio" name="align" value="run" checked>' in at_run


def test_runs_of_which_one_was_not_deleted_meet_at_run(pages: Pages) -> None:
    html = compare(pages, played(pages), played(pages, deleted=False))
    assert "Times count from Run" in html
    assert 'name="align"' not in html


def test_a_run_that_there_is_not_is_named(pages: Pages) -> None:
    html = compare(pages, played(pages), "nowhere<b>")
    assert "There is no run nowhere&lt;b&gt;." in html


def test_the_lifelines_get_their_frames_and_nothing_in_them_ends_the_element(pages: Pages) -> None:
    run, script = pages.run(EXAMPLE_MANIFEST.replace("name: demo", "name: demo # </script><!--<script>"))
    script.start()
    html = compare(pages, run.id, played(pages))
    frames = re.findall(r"<script type=\"application/json\" data-compared-frames>(.*?)</script>", html)
    messages = [json.loads(text) for text in frames]
    assert messages[0]["run"] == run.id
    assert all(any("marks" in frame for frame in message["frames"]) for message in messages)


def test_anybody_may_compare_runs_that_they_have_the_address_of(pages: Pages) -> None:
    first, second = played(pages), played(pages)
    stranger = pages.app.test_client()
    html = stranger.get(f"/compare?a={first}&b={second}").text
    assert "Times count from Delete" in html


def test_the_same_lines_far_from_a_change_are_left_out() -> None:
    left = "\n".join(f"line {n}" for n in range(30))
    found = manifest_diff(left, left.replace("line 15", "LINE"))
    assert [(line.sort, line.count) for line in found if line.sort == "gap"] == [("gap", 12), ("gap", 11)]
    changed = [(line.left, line.right, line.text) for line in found if line.sort in ("left", "right")]
    assert changed == [(16, None, "line 15"), (None, 16, "LINE")]
    assert sum(line.count or 1 for line in found if line.sort != "right") == 30


def test_the_same_text_has_no_diff() -> None:
    assert manifest_diff("a\nb\n", "a\nb") == ()
