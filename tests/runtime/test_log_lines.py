"""Cutting output into lines, and what happens to a flood."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.runtime.engine_client import Frames
from lab.runtime.log_lines import MAXIMUM_LINE_BYTES, LogLines


def texts(lines: LogLines, *pieces: tuple[str, bytes], at: str = "t", elapsed_seconds: float = 0.0) -> list[tuple[str, str]]:
    return [(stream, text) for _, stream, text in lines.feed(pieces, at=at, elapsed_seconds=elapsed_seconds)]


def test_a_line_is_told_when_its_newline_has_come() -> None:
    lines = LogLines()
    assert lines.feed([("stdout", b"Hel")], at="t1", elapsed_seconds=0) == ()
    assert lines.feed([("stdout", b"lo\nand")], at="t2", elapsed_seconds=1) == (("t2", "stdout", "Hello"),)
    assert lines.finish(at="t3") == (("t2", "stdout", "and"),)
    assert lines.unfinished


def test_output_that_ends_with_a_newline_is_finished() -> None:
    lines = LogLines()
    assert texts(lines, ("stdout", b"done\n")) == [("stdout", "done")]
    assert lines.finish(at="t") == ()
    assert not lines.unfinished


def test_half_lines_of_the_two_streams_are_kept_apart() -> None:
    assert texts(LogLines(), ("stdout", b"o"), ("stderr", b"e"), ("stdout", b"ut\n"), ("stderr", b"rr\n")) == [
        ("stdout", "out"),
        ("stderr", "err"),
    ]


def test_empty_lines_are_lines() -> None:
    assert texts(LogLines(), ("stdout", b"\n\na\n")) == [("stdout", ""), ("stdout", ""), ("stdout", "a")]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert texts(LogLines(), ("stdout", b"\xff\xfe ok\n")) == [("stdout", "\ufffd\ufffd ok")]


def test_a_line_longer_than_a_record_of_the_engines_log_stays_one_line() -> None:
    long = b"x" * (3 * 16 * 1024)
    assert texts(LogLines(), *(("stdout", long[at : at + 1000]) for at in range(0, len(long), 1000)), ("stdout", b"\n")) == [
        ("stdout", long.decode())
    ]


def test_a_line_without_end_is_cut_at_the_bound() -> None:
    lines = LogLines()
    found = texts(lines, ("stdout", b"x" * (MAXIMUM_LINE_BYTES + 5)))
    assert [len(text) for _, text in found] == [MAXIMUM_LINE_BYTES]
    assert lines.finish(at="t") == (("t", "stdout", "xxxxx"),)


def test_a_flood_is_dropped_and_one_line_says_how_much() -> None:
    lines = LogLines(burst_bytes=1000, burst_lines=10)
    assert len(texts(lines, ("stdout", b"a\n" * 10))) == 10
    assert texts(lines, ("stdout", b"b\n" * 500)) == []
    assert lines.flooding
    assert texts(lines, ("stdout", b"c\n"), elapsed_seconds=30.0) == [
        ("stderr", "[pod-hook-lab: 500 lines, 1000 bytes of output not kept: the container writes too fast]"),
        ("stdout", "c"),
    ]
    assert not lines.flooding


def test_the_rest_of_a_flood_is_told_at_the_end() -> None:
    lines = LogLines(burst_bytes=10, burst_lines=10)
    texts(lines, ("stdout", b"b\n" * 500))
    ((_, stream, text),) = lines.finish(at="t")
    assert (stream, "500 lines" in text) == ("stderr", True)


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(max_size=40)), max_size=20), st.integers(1, 9))
def test_frames_give_back_each_stream_whole_however_they_are_cut(pieces: list[tuple[str, bytes]], size: int) -> None:
    wire = b"".join(bytes([1 + (s == "stderr"), 0, 0, 0]) + len(data).to_bytes(4, "big") + data for s, data in pieces)
    frames = Frames()
    found = {"stdout": b"", "stderr": b""}
    for start in range(0, len(wire), size):
        for stream, data in frames.feed(wire[start : start + size]):
            found[stream] += data
    for name, whole in found.items():
        assert whole == b"".join(data for stream, data in pieces if stream == name)


def test_with_a_tty_everything_is_stdout() -> None:
    assert list(Frames(tty=True).feed(b"\x01\x00raw")) == [("stdout", b"\x01\x00raw")]
