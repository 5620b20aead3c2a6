"""Reading the kernel's trace text."""

from __future__ import annotations

from lab.runtime.tracefs import Delivered, Generated, parse
from lab.timeline.signal_names import in_mask, signal_name

RECORDED = """\
            runc-14114   [001] d..3.  1885.155882: signal_generate: sig=15 errno=0 code=0 comm=sh pid=14077 grp=1 res=1
           <...>-14162   [000] d..3.  1885.356581: signal_generate: sig=2 errno=0 code=0 comm=sh pid=14077 grp=1 res=0
CPU:0 [LOST 12 EVENTS]
              sh-14077   [001] d..2.  1885.356625: signal_deliver: sig=2 errno=0 code=0 sa_handler=52588a sa_flags=14000000
"""


def test_a_line_of_each_kind_becomes_an_event() -> None:
    dropped, queued, taken = parse(RECORDED)
    assert dropped == Generated(
        at_seconds=1885.155882,
        sender_name="runc",
        sender_thread=14114,
        signal=15,
        code=0,
        target_name="sh",
        target_thread=14077,
        outcome=1,
    )
    assert isinstance(queued, Generated)
    assert queued.sender_name == ""
    assert taken == Delivered(at_seconds=1885.356625, thread=14077, signal=2, handler=0x52588A)


def test_names_with_blanks_dashes_and_line_ends_are_read_whole() -> None:
    text = (
        "  Web Content-1-77   [001] d..3.     9.155882: signal_generate: "
        "sig=15 errno=0 code=0 comm=a pid=1\nb pid=5 grp=1 res=0\n"
    )
    (event,) = parse(text)
    assert isinstance(event, Generated)
    assert (event.sender_name, event.sender_thread) == ("Web Content-1", 77)
    assert (event.target_name, event.target_thread) == ("a pid=1\nb", 5)


def test_signals_are_named_as_docker_names_them() -> None:
    assert [signal_name(number) for number in (9, 15, 34, 37)] == ["SIGKILL", "SIGTERM", "SIGRTMIN", "SIGRTMIN+3"]


def test_a_mask_holds_signal_n_in_bit_n_minus_1() -> None:
    assert in_mask(0x4000, 15)
    assert not in_mask(0x4000, 14)
