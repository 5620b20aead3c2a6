"""Bring your own hook: a manifest from elsewhere becomes a pod that runs here, and runs on the full stage like any example."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, Response, request, url_for

from lab.insight.own_pod import OwnPod, Remark, adopt
from lab.insight.phrase import Phrase
from lab.web.own_example import OWN_POD
from lab.web.pages import event_stream, last_event_id
from lab.web.presenters import Card, card_key
from lab.web.visit import Site, chosen_language, learner


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPage:
    """The page. ``source`` is what was pasted, ``problem`` why it cannot be run; a card is there once there is a pod."""

    source: str
    problem: Phrase | None
    changes: tuple[Remark, ...]
    concerns: tuple[Remark, ...]
    card: Card | None
    stream_url: str
    engine_problem: str | None


def add_own_hook(blueprint: Blueprint, site: Site) -> None:
    """Add the page and its stream to the blueprint."""

    @blueprint.get("/own")
    def own() -> Response:
        run = site.services.runs.latest(learner(), OWN_POD.id)
        return _page(site, card=_card(site) if run else None)

    @blueprint.post("/own")
    def adopt_own() -> Response:
        source = request.form.get("source", "").replace("\r\n", "\n")
        found = adopt(source)
        if not isinstance(found, OwnPod):
            return _page(site, source=source, problem=found, status=422)
        card = replace(_card(site), text=found.manifest, original=found.manifest, draft="")
        return _page(site, source=source, found=found, card=card)

    @blueprint.get("/own/stream")
    def own_stream() -> Response:
        keys = {OWN_POD.id: card_key(OWN_POD.id)}
        return event_stream(site.streams.follow_examples(learner(), keys, chosen_language(), last_event_id()))


def _card(site: Site) -> Card:
    return site.presenters().card(OWN_POD, learner(), chosen_language())


def _page(
    site: Site,
    *,
    source: str = "",
    problem: Phrase | None = None,
    found: OwnPod | None = None,
    card: Card | None = None,
    status: int = 200,
) -> Response:
    page = OwnPage(
        source=source,
        problem=problem,
        changes=found.changes if found else (),
        concerns=found.concerns if found else (),
        card=card,
        stream_url=url_for("lab.own_stream", lang=chosen_language()),
        engine_problem=site.services.engine_problem(),
    )
    return site.page("own.html", page, status=status)
