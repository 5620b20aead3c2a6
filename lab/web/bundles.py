"""Keep and share: download a run as one file, open such a file, read it at an address of its own."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort, redirect, url_for
from htmx_flask import make_response, request
from werkzeug.wrappers import Response as BaseResponse

from lab.errors import BundleError
from lab.timeline.bundle import MAXIMUM_BYTES, bundle_text
from lab.web.opened import PREFIX
from lab.web.visit import Site, chosen_language, learner


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPage:
    """The page on which a file is opened. ``problem`` is why the last one could not be."""

    problem: str
    limit_mebibytes: int
    engine_problem: str | None


def add_bundles(blueprint: Blueprint, site: Site) -> None:
    """Add download, upload and their page to the blueprint."""

    @blueprint.get("/runs/<run_id>/bundle.json")
    def bundle(run_id: str) -> Response:
        run = site.find_run(run_id) or abort(404)
        if run.ended is None:
            abort(409, "live")
        opened = site.find_bundle(run_id)
        versions = opened.versions if opened else site.services.versions()
        text = bundle_text(run, site.entries(run_id), versions)
        name = f"{run.example.rpartition('/')[2] or 'run'}-{run.id.removeprefix(PREFIX)[:12]}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(text, mimetype="application/json", headers=headers)

    @blueprint.get("/open")
    def open_page() -> Response:
        return _page(site)

    @blueprint.post("/open")
    def open_bundle() -> BaseResponse:
        try:
            run_id = site.opened.open(_data(), learner(), site.renderers[chosen_language()])
        except BundleError as error:
            if request.htmx or request.is_json:
                return Response(str(error), status=422, mimetype="text/plain")
            return _page(site, str(error), status=422)
        address = url_for("lab.run", run_id=run_id)
        if request.htmx:
            response: Response = make_response("", redirect=address)
            return response
        return Response(address, status=201, mimetype="text/plain") if request.is_json else redirect(address, code=303)


def _data() -> bytes:
    """Return the file: a field of a form, or the whole body."""
    if request.is_json:
        body: bytes = request.get_data(cache=False)
        return body
    sent = request.files.get("bundle")
    return sent.read(MAXIMUM_BYTES + 1) if sent else b""


def _page(site: Site, problem: str = "", *, status: int = 200) -> Response:
    page = OpenPage(problem=problem, limit_mebibytes=MAXIMUM_BYTES // 1024 // 1024, engine_problem=site.services.engine_problem())
    return site.page("open.html", page, status=status)
