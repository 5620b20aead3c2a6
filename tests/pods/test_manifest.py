from __future__ import annotations

from lab.pods.composer import MAX_NODES
from lab.pods.manifest import Document, Unreadable, list_items, read_documents


def documents(text: str) -> list[Document]:
    found = list(read_documents(text))
    assert all(isinstance(document, Document) for document in found), found
    return [document for document in found if isinstance(document, Document)]


def unreadable(text: str) -> Unreadable:
    last = list(read_documents(text))[-1]
    assert isinstance(last, Unreadable), last
    return last


def test_every_key_and_item_knows_its_line() -> None:
    (document,) = documents("a:\n  b:\n  - c: 1\n  - d\nlabels:\n  x.y/z: 1\n")
    line = document.lines.line
    assert [line("a"), line("a.b"), line("a.b[0]"), line("a.b[0].c"), line("a.b[1]"), line("labels.x.y/z")] == [1, 2, 3, 3, 4, 6]


def test_a_path_that_is_not_in_the_text_has_the_line_of_its_nearest_ancestor() -> None:
    (document,) = documents("# comment\na:\n  b: {}\n")
    assert document.lines.line("a.b.c[3].d") == 3
    assert document.lines.line("z") == 2
    assert document.line == 2


def test_documents_count_lines_in_the_whole_text() -> None:
    first, second = documents("---\na: 1\n--- # next\n# note\nb: 2\n---\n# nothing\n")
    assert (first.value, first.line, first.lines.line("a")) == ({"a": 1}, 2, 2)
    assert (second.value, second.line, second.lines.line("b")) == ({"b": 2}, 5, 5)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    (document,) = documents("\ufeffa: 1\r\nb: |\r\n  x\r\n")
    assert document.value == {"a": 1, "b": "x\n"}
    assert document.lines.line("b") == 2


def test_the_last_of_duplicate_keys_wins_and_the_first_is_remembered() -> None:
    (document,) = documents("a: {x: 1}\nb: 2\na: {z: 3}\n")
    assert document.value == {"a": {"z": 3}, "b": 2}
    assert [(d.path, d.first_line, d.line) for d in document.duplicates] == [("a", 1, 3)]
    assert document.lines.line("a") == 3


def test_aliases_stand_where_their_anchor_is_written() -> None:
    (document,) = documents("a: &h\n  x: [1]\nb: *h\n")
    assert document.value["b"] == {"x": [1]}
    assert document.lines.line("b") == 3
    assert document.lines.line("b.x[0]") == 2


def test_a_merge_key_overrides_what_stands_before_it_as_in_kubectls_library() -> None:
    (document,) = documents("a: &a {x: 1, z: 1}\nb:\n  x: 2\n  <<: *a\n  z: 3\n")
    assert document.value["b"] == {"x": 1, "z": 3}


def test_of_merged_maps_the_earlier_one_wins() -> None:
    (document,) = documents("a: &a {x: 1}\nb: &b {x: 2, z: 2}\nc:\n  <<: [*a, *b]\n")
    assert document.value["c"] == {"x": 1, "z": 2}


def test_whole_floats_are_integers_once_they_were_json() -> None:
    assert documents("a: 1e3\nb: 2.0\nc: 2.5\n")[0].value == {"a": 1000, "b": 2, "c": 2.5}


def test_keys_that_are_not_text_become_text() -> None:
    assert documents("1: a\ny: b\n2.5: c\n")[0].value == {"1": "a", "true": "b", "2.5": "c"}


def test_an_unfinished_list_is_reported_where_the_text_ends() -> None:
    broken = unreadable("a: 1\n---\nfoo: [\n")
    assert broken.message == "error converting YAML to JSON: yaml: line 1: did not find expected node content"
    assert broken.line == 4


def test_what_follows_a_broken_document_is_pointed_out() -> None:
    assert unreadable("foo: [\n---\nb: 1\n").unread_line == 3
    assert unreadable("foo: [\n").unread_line is None


def test_text_behind_a_separator_is_an_error_of_its_own() -> None:
    assert unreadable("a: 1\n--- b\n").message == "invalid Yaml document separator: b"


def test_an_anchor_inside_itself_and_an_unknown_one_are_refused() -> None:
    assert unreadable("a: &x [*x]\n").message == "error converting YAML to JSON: yaml: anchor 'x' value contains itself"
    assert unreadable("a: 1\nb: *x\n").message == "error converting YAML to JSON: yaml: unknown anchor 'x' referenced"
    assert unreadable("a: 1\nb: *x\n").line == 2


def test_an_infinite_number_has_no_json() -> None:
    assert unreadable("a: .inf\n").message == "error converting YAML to JSON: json: unsupported value: +Inf"


def test_a_billion_laughs_stop_at_the_labs_bound() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    refused = unreadable(bomb)
    assert refused.by_lab
    assert refused.message == f"cannot expand the document to more than {MAX_NODES} values; use fewer aliases"


def test_nesting_stops_at_the_labs_bound() -> None:
    for depth in (150, 60_000):
        assert unreadable("a: " + "[" * depth).by_lab
    assert unreadable("a: " + "[" * 150 + "]" * 150).by_lab


def test_control_characters_and_lone_surrogates_are_refused() -> None:
    assert unreadable("a: \x00\n").message == "error converting YAML to JSON: yaml: control characters are not allowed"
    assert unreadable("a: \ud800\n").message == "error converting YAML to JSON: yaml: invalid Unicode character"


def test_json_documents_may_follow_each_other_and_use_tabs() -> None:
    first, second = documents('{\n\t"a": 1\n}\n{"b": [2]}\n')
    assert (first.value, first.lines.line("a")) == ({"a": 1}, 2)
    assert (second.value, second.lines.line("b[0]")) == ({"b": [2]}, 4)


def test_json_that_ends_too_early_is_an_unexpected_eof() -> None:
    assert unreadable('{"a": 1,\n').message == "unexpected EOF"
    assert unreadable('{"a": 1,\n}\n').line == 2


def test_an_item_of_a_list_has_paths_of_its_own() -> None:
    (document,) = documents("items:\n- a: 1\n- b:\n    c: 2\n    c: 3\n")
    first, second = list_items(document)
    assert (first.line, first.lines.line("a")) == (2, 2)
    assert (second.line, second.lines.line("b.c")) == (3, 5)
    assert [d.path for d in second.duplicates] == ["b.c"]
