"""The way out of the lab: the manifest in an editor, for a real cluster, with the commands that show its facts there."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort
from htmx_flask import request

from lab.insight.real_cluster import Order, RealCluster, real_cluster
from lab.lessons import Example
from lab.web.visit import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOutPage:
    """The same as a page of its own, for browsers without scripts."""

    title: str
    there: RealCluster
    engine_problem: str | None


def add_copy_out(blueprint: Blueprint, site: Site) -> None:
    """Add the action and the pages to the blueprint."""

    @blueprint.post("/copy-out")
    def copy_out() -> Response:
        example = site.find_example(request.form.get("example", ""))
        there = _there(request.form.get("manifest", "").replace("\r\n", "\n"), example)
        if request.htmx:
            return site.fragment("parts/_copy_out.html", there=there)
        return _page(site, there)

    @blueprint.get("/copy-out/<slug>/<name>")
    def copy_out_example(slug: str, name: str) -> Response:
        example = site.find_example(f"{slug}/{name}") or abort(404)
        return _page(site, _there(example.manifest, example))


def _there(manifest: str, example: Example | None) -> RealCluster:
    if example is None:
        return real_cluster(manifest, Order())
    order = Order(
        verb=example.submit, delete_arguments=example.delete.kubectl_arguments, node_directories=example.node_directories
    )
    return real_cluster(manifest, order)


def _page(site: Site, there: RealCluster) -> Response:
    page = CopyOutPage(title="pod.yaml", there=there, engine_problem=site.services.engine_problem())
    return site.page("copy_out.html", page)
