from __future__ import annotations

from lab.timeline.columns import align, table


def test_a_column_is_as_wide_as_its_widest_cell_and_ends_with_the_run_of_lines_that_have_it() -> None:
    text = "a\tb\nlonger\tc\nno cells here\nx\ty\n"
    assert align(text, padding=2) == "a       b\nlonger  c\nno cells here\nx  y\n"


def test_the_last_cell_of_a_line_belongs_to_no_column() -> None:
    assert align("a\tvery long last cell\nb\tc\td\n", padding=1) == "a very long last cell\nb c d\n"


def test_an_inner_column_is_aligned_only_among_neighbours() -> None:
    text = "k\taa\tz\nk\ta\tz\nk\tonly\nk\tbbbb\tz\n"
    assert align(text, padding=1) == "k aa z\nk a  z\nk only\nk bbbb z\n"


def test_a_table_has_columns_of_at_least_six_characters() -> None:
    assert table([("A", "B", "C"), ("1", "22222222", "3")]) == "A     B          C\n1     22222222   3\n"
