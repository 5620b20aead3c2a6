"""What a learner does to a run from outside of Kubernetes: go on from a hold, run one command in a container, see and clean the
cluster's node.

Every action is a form that works without a script. Continue and commands answer with nothing but what went wrong: what happens
comes by the page's stream.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, get_args

from flask import Blueprint, Response, abort, redirect, url_for
from htmx_flask import request
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from lab.errors import LabError
from lab.runtime.node_listing import MOST_ENTRIES, NodeEntry
from lab.timeline.facts import HoldPoint
from lab.timeline.run import Run
from lab.web.formats import shown_name
from lab.web.presenters import is_own
from lab.web.problems import Problem
from lab.web.visit import Site, learner

HOLD_POINTS: tuple[HoldPoint, ...] = get_args(HoldPoint)
LONGEST_COMMAND_CHARACTERS = 2_000
LONGEST_PATH_CHARACTERS = 4_096  # linux/limits.h: PATH_MAX
SHOWN_FILE_BYTES = 64 * 1024

Complaint = Literal["", "not-held", "no-command", "quotes", "not-running", "pods-live", "cleaned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A place on the node: a directory with its ``entries``, or a file with its ``text`` (None when it is not text), or neither.
    ``above`` are the directories that lead to it, as (name, path)."""

    path: str
    above: tuple[tuple[str, str], ...]
    said: Complaint = ""
    entries: tuple[NodeLink, ...] | None = None
    cut: bool = False
    is_file: bool = False
    text: str | None = None
    file_cut: bool = False
    engine_problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLink:
    """An entry of a directory. ``path`` is None where there is nothing to open."""

    entry: NodeEntry
    name: str
    path: str | None


def chosen_hold_points() -> tuple[HoldPoint, ...]:
    """Return the points that the form asks the kubelet to be held at, in their order."""
    wanted = set(request.form.getlist("hold"))
    return tuple(point for point in HOLD_POINTS if point in wanted)


def add_hands(blueprint: Blueprint, site: Site) -> None:
    """Add these actions to the blueprint."""

    @blueprint.post("/examples/<path:example_id>/continue")
    def continue_example(example_id: str) -> BaseResponse:
        return _proceed(site, site.services.runs.latest(learner(), example_id) or abort(404))

    @blueprint.post("/runs/<run_id>/continue")
    def continue_run(run_id: str) -> BaseResponse:
        return _proceed(site, _own_run(site, run_id))

    @blueprint.post("/examples/<path:example_id>/command")
    def command_in_example(example_id: str) -> BaseResponse:
        return _run_command(site, site.services.runs.latest(learner(), example_id) or abort(404))

    @blueprint.post("/runs/<run_id>/command")
    def command_in_run(run_id: str) -> BaseResponse:
        return _run_command(site, _own_run(site, run_id))

    @blueprint.get("/node")
    def node() -> Response:
        return _show_node(site, request.args.get("path", "/tmp"))  # noqa: S108 - a path of the learner's node

    @blueprint.post("/node/clean")
    def clean_node() -> BaseResponse:
        said: Complaint = "cleaned"
        try:
            site.services.runs.clean_node(learner())
        except LabError:
            said = "pods-live"
        return _show_node(site, "/tmp", said)  # noqa: S108


def _own_run(site: Site, run_id: str) -> Run:
    run = site.find_run(run_id) or abort(404)
    if not is_own(run, learner()):
        abort(403, "owner")
    return run


def _proceed(site: Site, run: Run) -> BaseResponse:
    to_the_end = "to_the_end" in request.form
    held = request.form.get("held", "")
    seq = int(held) if held.isascii() and held.isdigit() and len(held) < 16 else None
    gone_on = site.services.runs.proceed(run.id, held_seq=seq, to_the_end=to_the_end)
    return _answer(site, run, "" if gone_on or to_the_end else "not-held")


def _run_command(site: Site, run: Run) -> BaseResponse:
    pod, _, container = request.form.get("in", "").partition("/")
    command = command_words(request.form.get("command", ""))
    if isinstance(command, str):
        return _answer(site, run, command)
    begun = site.services.runs.run_command(run.id, pod, container, command)
    return _answer(site, run, "" if begun else "not-running")


def command_words(text: str) -> tuple[str, ...] | Complaint:
    """Cut a line into an argument vector as a shell does, quotes and backslashes included; nothing else of a shell's is done. Or
    say what is wrong with it."""
    if len(text) > LONGEST_COMMAND_CHARACTERS or "\0" in text:
        return "no-command"
    try:
        return tuple(shlex.split(text)) or "no-command"
    except ValueError:
        return "quotes"


def _answer(site: Site, run: Run, said: Complaint) -> BaseResponse:
    words = site.fragment("parts/_said.html", said=said)
    if request.htmx:
        return words
    if said:
        message = Markup(words.get_data(as_text=True)).striptags()  # noqa: S704 - our own words
        return site.page("problem.html", Problem(code=409, kind="refused", message=message), status=409)
    return redirect(url_for("lab.run", run_id=run.id), code=303)


def _show_node(site: Site, path: str, said: Complaint = "") -> Response:
    view = node_view(site, path, said)
    return site.fragment("parts/_node.html", view=view) if request.htmx else site.page("node.html", view)


def node_view(site: Site, path: str, said: Complaint = "") -> NodeView:
    """Return a place on the learner's own node."""
    files, cluster = site.services.files, learner()
    place = PurePosixPath("/", path[:LONGEST_PATH_CHARACTERS].replace("\0", ""))
    shown = str(place)
    above = tuple((part.name or "/", str(part)) for part in reversed((place, *place.parents)))
    entries = files.listing(cluster, shown)
    if entries is not None:
        links = tuple(_link(place, entry) for entry in entries)
        return NodeView(path=shown, above=above, said=said, entries=links, cut=len(links) == MOST_ENTRIES)
    content = files.read(cluster, shown, limit_bytes=SHOWN_FILE_BYTES + 1)
    if content is None:
        return NodeView(path=shown, above=above, said=said)
    kept = content[:SHOWN_FILE_BYTES]
    text = None if b"\0" in kept else kept.decode(errors="replace")
    return NodeView(path=shown, above=above, said=said, is_file=True, text=text, file_cut=len(content) > SHOWN_FILE_BYTES)


def _link(place: PurePosixPath, entry: NodeEntry) -> NodeLink:
    name = shown_name(entry.name)
    opened = entry.kind != "other" and name == entry.name
    return NodeLink(entry=entry, name=name, path=str(place / name) if opened else None)
