"""Predictions: order the cards, stand by the order, take it back, and see it again once the run has ended.

Without scripts each move is a form of its own and the order travels in the page's address.
"""

from __future__ import annotations

from flask import Blueprint, abort, redirect, url_for
from htmx_flask import request
from werkzeug.wrappers import Response as BaseResponse

from lab.insight.predictions import Prediction, moved, read_prediction
from lab.lessons import Example
from lab.web.prediction_views import LINE, PredictionView, PredictionViews, fits
from lab.web.presenters import card_key
from lab.web.visit import Site, learner

_STEPS = {"up": -1, "down": 1}


def add_predictions(blueprint: Blueprint, site: Site) -> None:
    """Add these actions to the blueprint."""

    @blueprint.get("/examples/<path:example_id>/prediction")
    def prediction(example_id: str) -> BaseResponse:
        example = _with_cards(site, example_id)
        run = site.services.runs.latest(learner(), example.id)
        view = PredictionViews(site.services).of_example(learner(), example, run, again="again" in request.args)
        draft = order_of(view) if view is not None and view.state == "open" else None
        return _answer(site, example, view, draft)

    @blueprint.post("/examples/<path:example_id>/prediction")
    def predict(example_id: str) -> BaseResponse:
        example = _with_cards(site, example_id)
        views, kept = PredictionViews(site.services), site.services.predictions
        if "withdraw" in request.form:
            waiting = kept.waiting(learner(), example.id)
            kept.withdraw(learner(), example.id)
            if waiting is None or not fits(example, waiting.prediction):
                return _answer(site, example, views.of_example(learner(), example, None), None)
            return _answer(site, example, views.moving(example, waiting.prediction), waiting.prediction)
        order = read_prediction(example.cards.every, request.form.getlist("card"), LINE) or abort(400)
        key, _, step = request.form.get("move", "").partition(":")
        if step in _STEPS and key in (*order.order, *order.never, LINE):
            order = moved(order, key, _STEPS[step], LINE)
            return _answer(site, example, views.moving(example, order), order)
        kept.keep(learner(), example.id, order)
        return _answer(site, example, views.of_example(learner(), example, None), None)


def order_of(view: PredictionView) -> Prediction:
    """Return the order that a form shows."""
    at = view.cards.index(None)
    keys = [card.key if card else LINE for card in view.cards]
    return Prediction(order=tuple(keys[:at]), never=tuple(keys[at + 1 :]))


def _with_cards(site: Site, example_id: str) -> Example:
    example = site.find_example(example_id)
    if example is None or not example.cards.every:
        abort(404)
    return example


def _answer(site: Site, example: Example, view: PredictionView | None, draft: Prediction | None) -> BaseResponse:
    """Answer with the place's inside under htmx, else lead back to the lesson, which shows ``draft``."""
    if request.htmx:
        key = card_key(example.id)
        return site.fragment("parts/_prediction.html", view=view, key=key, csrf_token=site.guard.token())
    anchor = f"predict-{card_key(example.id)}"
    if draft is None:
        return redirect(url_for("lab.lesson", slug=example.lesson, _anchor=anchor), code=303)
    order = [*draft.order, LINE, *draft.never]
    return redirect(url_for("lab.lesson", slug=example.lesson, predict=example.id, order=order, _anchor=anchor), code=303)
