"""Every rule of the lint, in the order in which notes on the same line are shown."""

from __future__ import annotations

from lab.insight.lint import LintNote, Rule, lint
from lab.insight.lint_commands import (
    empty_program,
    line_as_program,
    operator_without_shell,
    parenthesised_variable_in_hook,
    variable_without_shell,
)
from lab.insight.lint_hooks import (
    background_child,
    http_post_start,
    post_start_never_ends,
    post_start_waits_for_sibling,
    pre_stop_fills_grace,
    pre_stop_of_a_job,
    tcp_socket,
)
from lab.insight.lint_processes import deaf_program, deaf_shell, stop_signal_not_trapped, trap_behind_foreground
from lab.pods.review import Review

RULES: tuple[Rule, ...] = (
    empty_program,
    line_as_program,
    operator_without_shell,
    variable_without_shell,
    parenthesised_variable_in_hook,
    tcp_socket,
    pre_stop_fills_grace,
    post_start_never_ends,
    http_post_start,
    post_start_waits_for_sibling,
    background_child,
    pre_stop_of_a_job,
    deaf_program,
    deaf_shell,
    trap_behind_foreground,
    stop_signal_not_trapped,
)


def lint_review(text: str, review: Review) -> tuple[LintNote, ...]:
    """Apply every rule to what a review of ``text`` accepted."""
    return lint(text, review.documents, RULES)
