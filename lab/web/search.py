"""The page that searches the course."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request

from lab.lessons.search import Hit, find, passages
from lab.web.visit import Site, chosen_language

LONGEST_QUERY = 200  # characters; a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """What was asked for, and where it stands. ``index_url`` is where the static edition has everything that can be found."""

    query: str
    hits: tuple[Hit, ...]
    index_url: str = "/search-index.js"
    engine_problem: str | None = None


def add_search(blueprint: Blueprint, site: Site) -> None:
    """Add the page to the blueprint."""

    @blueprint.get("/search")
    def search() -> Response:
        query = request.args.get("q", "")[:LONGEST_QUERY].strip()
        hits = find(passages(site.services.catalog, chosen_language()), query) if query else ()
        return site.page("search.html", SearchPage(query=query, hits=hits))
