"""Every rule of the hints."""

from __future__ import annotations

from lab.insight.hint_hooks import HOOK_RULES
from lab.insight.hint_stopping import STOPPING_RULES
from lab.insight.hints import Hints


def new_hints() -> Hints:
    """Return an empty fold with every rule."""
    return Hints((*STOPPING_RULES, *HOOK_RULES))
