"""What one looks up beside the lessons: the glossary, the reference cards on one page; and the change of a field that a sentence
of a lesson offers."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, jsonify, request
from markupsafe import Markup

from lab.insight.phrase import phrase
from lab.lessons.glossary import Term
from lab.pods.field_edit import FieldEditError, set_field, typed
from lab.web.presenters import LessonLink, lesson_link
from lab.web.visit import Site, chosen_language
from lab.web.wording import WORDINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class GlossaryPage:
    """All terms."""

    terms: tuple[Term, ...]
    engine_problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePage:
    """The reference cards of all lessons that have one."""

    cards: tuple[tuple[LessonLink, Markup], ...]
    engine_problem: str | None = None


def add_lookups(blueprint: Blueprint, site: Site) -> None:
    """Add the pages and the action to the blueprint."""

    @blueprint.get("/glossary")
    def glossary() -> Response:
        return site.page("glossary.html", GlossaryPage(terms=site.services.catalog.glossary.terms(chosen_language())))

    @blueprint.get("/reference")
    def reference() -> Response:
        language = chosen_language()
        cards = tuple(
            (lesson_link(lesson, language), Markup(card.html))  # noqa: S704 - from the content folder
            for lesson in site.services.catalog.lessons
            if (card := lesson.reference(language)) is not None
        )
        return site.page("reference.html", ReferencePage(cards=cards))

    @blueprint.post("/set-field")
    def field() -> Response:
        path, value = request.form.get("path", ""), request.form.get("value", "")
        try:
            edit = set_field(request.form.get("manifest", "").replace("\r\n", "\n"), path, value)
        except FieldEditError:
            said = phrase(
                "This change cannot be made in the text as it stands now. Type it yourself: `{what}`",
                "编辑器里现在的文本无法自动作此修改，请自己输入：`{what}`",
                what=typed(path, value),
            )
            return jsonify(problem=WORDINGS[chosen_language()].plain(said))
        return jsonify(text=edit.text, line=edit.line)


def used_terms(site: Site, text: object, language: str) -> tuple[Term, ...]:
    """Return the terms of the glossary that a rendered sentence uses; a filter of templates."""
    return site.services.catalog.glossary.used_in(str(text), "zh" if language == "zh" else "en")
