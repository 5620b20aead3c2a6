"""What keeps the lab from running anything: every page says it when it is made, and by its stream when it changes.

A trouble is a state, not a fact: its event carries no id, comes before everything else in a stream, and is empty when all is
well again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Response, current_app

from lab.insight.phrase import Phrase, phrase
from lab.lessons import Language
from lab.web.services import Services
from lab.web.wording import WORDINGS

TEMPLATE = "parts/_trouble.html"

STORE = phrase(
    "The lab cannot record what happens: its disk takes nothing now. What you have seen is kept, and the lab goes on by itself "
    "as soon as it can.",
    "实验室目前无法记录发生的事情：磁盘写不进数据。你看到过的内容都已保存，恢复后实验室会自动继续。",
)
ENGINE = phrase("The container engine runs no pods now.", "容器引擎目前无法运行 Pod。")
ENGINE_OF_A_CLASS = phrase(
    "The container engine runs no pods now. Your instructor is told why; the lab goes on by itself when it is back.",
    "容器引擎目前无法运行 Pod。讲师能看到原因；恢复后实验室会自动继续。",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """``words`` for whoever learns, ``detail`` with the remedy for whoever looks after the lab."""

    words: Phrase
    detail: str = ""

    def text(self, language: Language) -> str:
        """Return it as one plain text."""
        return f"{WORDINGS[language].plain(self.words)} {self.detail}".rstrip()


class Troubles:
    """What is wrong now."""

    def __init__(self, services: Services, language: Callable[[], Language], is_learner: Callable[[], bool]) -> None:
        """``language`` is that of the present request; ``is_learner``: the lab is somebody else's to look after."""
        self._language = language
        self._is_learner = is_learner
        self._store_problem = services.store_problem
        self._engine_problem = services.engine_problem

    def now(self) -> Trouble | None:
        """Return what keeps anything from being run, for who makes the present request; None when all is well."""
        return self._for(self._is_learner())

    def install(self, blueprint: Blueprint) -> None:
        """Have every stream of the app tell of troubles."""
        blueprint.after_app_request(self._join)

    def _join(self, response: Response) -> Response:
        if response.mimetype == "text/event-stream":
            template, say = current_app.jinja_env.get_template(TEMPLATE), WORDINGS[self._language()]
            render = partial(template.render, say=say)
            response.response = self._among(_texts(response), partial(self._for, self._is_learner()), render)
        return response

    def _for(self, learner: bool) -> Trouble | None:
        if self._store_problem() is not None:
            return Trouble(words=STORE)
        problem = self._engine_problem()
        if problem is None:
            return None
        return Trouble(words=ENGINE_OF_A_CLASS) if learner else Trouble(words=ENGINE, detail=problem)

    @staticmethod
    def _among(events: Iterable[str], now: Callable[[], Trouble | None], render: Callable[..., str]) -> Iterator[str]:
        told: Trouble | None = None
        with ExitStack() as cleanup:
            if hasattr(events, "close"):
                cleanup.callback(events.close)
            for event in events:
                yield event
                trouble = now()
                if trouble != told:
                    yield f"event: trouble\ndata: {json.dumps(render(trouble=trouble).strip())}\n\n"
                    told = trouble


def _texts(response: Response) -> Iterable[str]:
    """Return a stream's events, which are texts; whoever has them is to close them."""
    return response.response  # type: ignore[return-value]  # of other answers it may be bytes
