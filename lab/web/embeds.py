"""Pages for the frames of other sites: one example to edit and run, or one run to read.

A browser sends no cookie of ours to a frame of another site. So an embedded page carries its learner itself, in the token of
its forms and in the address of its stream; who has no such token and no cookie is a new learner.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort, url_for

from lab.web.pages import event_stream, last_event_id
from lab.web.presenters import Card, card_key
from lab.web.visit import Site, chosen_language, learner


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedPage:
    """A card alone. ``address`` is the page that it is a part of."""

    title: str
    card: Card
    stream_url: str
    address: str
    run_page: bool
    engine_problem: str | None


def add_embeds(blueprint: Blueprint, site: Site) -> None:
    """Add the pages that may stand in a frame to the blueprint."""

    @blueprint.get("/embed/<slug>/<name>")
    def embed_example(slug: str, name: str) -> Response:
        example = site.find_example(f"{slug}/{name}") or abort(404)
        site.guard.allow_frame()
        language = chosen_language()
        visit = site.guard.token()
        page = EmbedPage(
            title=example.labels[language],
            card=site.presenters().card(example, learner(), language),
            stream_url=url_for("lab.embed_stream", slug=slug, name=name, lang=language, visit=visit),
            address=f"{url_for('lab.lesson', slug=slug)}#{card_key(example.id)}",
            run_page=False,
            engine_problem=site.services.engine_problem(),
        )
        return site.page("embed.html", page)

    @blueprint.get("/embed/<slug>/<name>/stream")
    def embed_stream(slug: str, name: str) -> Response:
        example = site.find_example(f"{slug}/{name}") or abort(404)
        keys = {example.id: card_key(example.id)}
        return event_stream(site.streams.follow_examples(learner(), keys, chosen_language(), last_event_id()))

    @blueprint.get("/embed/runs/<run_id>")
    def embed_run(run_id: str) -> Response:
        run = site.find_run(run_id) or abort(404)
        site.guard.allow_frame()
        page = site.presenters().run(run, learner(), chosen_language())
        embedded = EmbedPage(
            title=page.title,
            card=page.card,
            stream_url=page.stream_url,
            address=url_for("lab.run", run_id=run_id),
            run_page=True,
            engine_problem=page.engine_problem,
        )
        return site.page("embed.html", embedded)
