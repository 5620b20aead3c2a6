"""Runs as files: downloaded, opened in another lab, shown as they were, and refused when they are not what they claim."""

from __future__ import annotations

import io
import json
from html import unescape
from typing import Any

import pytest

Pages = Any  # the fixture's type lives in conftest, which tests cannot import

HOSTILE = "<script>alert(1)</script>"


def ended_run(pages: Pages) -> Any:
    run, script = pages.run()
    script.start()
    script.stop()
    script.end()
    pages.runs.close(run.id)
    return pages.runs.get(run.id)


def downloaded(pages: Pages) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(pages.client.get(f"/runs/{ended_run(pages).id}/bundle.json").text)
    return value


def opened(pages: Pages, value: Any) -> Any:
    """Send a value as a page does that a file was dropped on."""
    return pages.client.post("/open", json=value, headers={"X-CSRF-Token": pages.token()})


def frames(pages: Pages, run_id: str) -> list[dict[str, Any]]:
    text = pages.client.get(f"/runs/{run_id}/stream").text
    data = text.split("event: frames\ndata: ", 1)[1].split("\n", 1)[0]
    return list(json.loads(data)["frames"])


def test_a_downloaded_run_names_manifest_actions_facts_and_versions(pages: Pages) -> None:
    run = ended_run(pages)
    response = pages.client.get(f"/runs/{run.id}/bundle.json")
    assert response.headers["Content-Disposition"].startswith("attachment; filename=")
    value = json.loads(response.text)
    assert value["manifest"] == run.manifest
    assert [action["action"] for action in value["actions"]] == ["run", "kubectl", "kubectl"]
    assert value["versions"] == {"lab": "0.0", "engine": "27.0", "kubernetes": "v1.36"}
    assert len(value["entries"]) == len(pages.runs.entries(run.id))


def test_a_live_run_is_not_downloaded_and_its_reader_is_told_when(pages: Pages) -> None:
    run, script = pages.run()
    script.start()
    response = pages.client.get(f"/runs/{run.id}/bundle.json")
    assert response.status_code == 409
    assert "This run is not over yet." in response.text


def test_an_opened_run_has_the_very_frames_of_the_run_it_was_made_from(pages: Pages) -> None:
    run = ended_run(pages)
    answer = opened(pages, json.loads(pages.client.get(f"/runs/{run.id}/bundle.json").text))
    assert answer.status_code == 201
    copy = answer.text.rpartition("/")[2]
    original = json.dumps(frames(pages, run.id)).replace(run.id, copy)
    assert json.loads(original) == frames(pages, copy)


def test_an_opened_run_is_read_without_an_engine_and_cannot_be_deleted(pages: Pages) -> None:
    value = downloaded(pages)
    pages.engine_problem = "no engine"
    run_id = opened(pages, value).text.rpartition("/")[2]
    html = unescape(pages.client.get(f"/runs/{run_id}").text)
    assert "opened from a file" in html
    assert "Hello from the preStop Handler" in html
    assert pages.post(f"/runs/{run_id}/delete", mode="graceful").status_code == 403


def test_a_file_of_a_form_leads_to_its_run_and_the_same_file_to_the_same_run(pages: Pages) -> None:
    text = json.dumps(downloaded(pages)).encode()
    places = []
    for _ in range(2):
        form = {"csrf_token": pages.token(), "bundle": (io.BytesIO(text), "run.json")}
        response = pages.client.post("/open", data=form, content_type="multipart/form-data")
        assert response.status_code == 303
        places.append(response.headers["Location"])
    assert places[0] == places[1]
    assert pages.client.get(places[0]).status_code == 200


def test_what_was_opened_can_be_downloaded_again_with_the_versions_that_made_it(pages: Pages) -> None:
    value = downloaded(pages)
    value["versions"]["engine"] = "20.10"
    run_id = opened(pages, value).text.rpartition("/")[2]
    again = json.loads(pages.client.get(f"/runs/{run_id}/bundle.json").text)
    assert again["versions"]["engine"] == "20.10"
    assert len(again["entries"]) == len(value["entries"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_of_a_file_becomes_markup(pages: Pages, language: str) -> None:
    value = downloaded(pages)
    hostile = json.loads(json.dumps(value).replace("draining", HOSTILE).replace("Stopping container app", HOSTILE))
    hostile["manifest"] = hostile["entries"][0]["manifest"] = HOSTILE
    for entry in hostile["entries"]:
        if entry["fact"] in ("SignalReceived", "ProcessObserved", "FileChanged", "LogChunk", "RunClosed"):
            entry |= {name: HOSTILE for name in ("sender", "target", "command", "path", "text", "why") if name in entry}
    answer = opened(pages, hostile)
    assert answer.status_code == 201, answer.text
    run_id = answer.text.rpartition("/")[2]
    assert HOSTILE not in pages.client.get(f"/runs/{run_id}?lang={language}").text
    pieces = [piece for frame in frames(pages, run_id) for piece in _html(frame)]
    assert len(pieces) > 20
    assert not [piece for piece in pieces if HOSTILE in piece]


def _html(frame: dict[str, Any]) -> list[str]:
    step = [frame["step"]["html"]] if "step" in frame else []
    return [*step, *frame.get("parts", {}).values(), *(row["html"] for row in frame.get("rows", ()))]


def broken(change: str, value: dict[str, Any]) -> Any:
    entries = value["entries"]
    exited = next(e for e in entries if e["fact"] == "ContainerExited")
    pod = next(e for e in entries if e["fact"] == "ObjectWritten" and e["kind"] == "Pod")
    match change:
        case "not an object":
            return [1, 2]
        case "another format":
            return {**value, "format": "something else"}
        case "a later version":
            return {**value, "version": 99}
        case "no entries":
            return {**value, "entries": []}
        case "an unknown fact":
            exited["fact"] = "ContainerTeleported"
        case "a missing field":
            del exited["exit_code"]
        case "a wrong type":
            exited["exit_code"] = "137"
        case "a value that is none":
            next(e for e in entries if e["fact"] == "SignalReceived")["result"] = "maybe"
        case "out of order":
            exited["seq"] = 1
        case "no end":
            entries.pop()
        case "no beginning":
            entries.pop(0)
        case "a pod without containers":
            pod["object"]["spec"] = {}
        case "a pod that cannot be shown":
            pod["object"]["status"] = {"containerStatuses": "none"}
        case "a container that is a path":
            exited["container"] = "../x"
        case "an example that is markup":
            entries[0]["example"] = '"><b'
    return value


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("not an object", "it is not a run of this lab"),
        ("another format", "it is not a run of this lab"),
        ("a later version", "written in version 99 of the format, and this lab reads version 1"),
        ("no entries", "it has no entries"),
        ("an unknown fact", "this lab does not know the fact 'ContainerTeleported'"),
        ("a missing field", "(ContainerExited): exit_code is missing"),
        ("a wrong type", "(ContainerExited): exit_code is not a whole number"),
        ("a value that is none", "(SignalReceived): result is not one of its values"),
        ("out of order", "out of order"),
        ("no end", "it has no end"),
        ("no beginning", "its first entry is not RunOpened"),
        ("a pod without containers", "object is not a Pod"),
        ("a pod that cannot be shown", "(ObjectWritten) cannot be shown"),
        ("a container that is a path", "container is not a name"),
        ("an example that is markup", "example is not the name of an example"),
    ],
)
def test_a_file_that_is_no_run_of_this_lab_is_refused_with_the_place(pages: Pages, change: str, complaint: str) -> None:
    answer = opened(pages, broken(change, downloaded(pages)))
    assert answer.status_code == 422
    assert complaint in answer.text


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x00", '{"format": NaN}'])
def test_a_file_that_is_not_json_is_refused(pages: Pages, text: str) -> None:
    headers = {"X-CSRF-Token": pages.token(), "Content-Type": "application/json"}
    answer = pages.client.post("/open", data=text, headers=headers)
    assert answer.status_code == 422
    assert "cannot open this file" in answer.text


def test_a_file_of_a_form_that_is_refused_says_why_on_the_page(pages: Pages) -> None:
    form = {"csrf_token": pages.token(), "bundle": (io.BytesIO(b"hello"), "run.json")}
    response = pages.client.post("/open", data=form, content_type="multipart/form-data")
    assert response.status_code == 422
    assert "it is not JSON" in unescape(response.text)
    assert 'role="alert"' in response.text


def test_a_file_above_the_limit_is_refused_unread(pages: Pages) -> None:
    headers = {"X-CSRF-Token": pages.token(), "Content-Type": "application/json"}
    response = pages.client.post("/open", data=b" " * (9 * 1024 * 1024), headers=headers)
    assert response.status_code == 413


def test_opening_needs_the_token_of_a_page(pages: Pages) -> None:
    assert pages.client.post("/open", json=downloaded(pages)).status_code == 403


def test_a_run_that_is_not_kept_any_more_is_no_run(pages: Pages) -> None:
    assert pages.client.get("/runs/file-0123").status_code == 404
