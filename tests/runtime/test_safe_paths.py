"""Where openat2 is taken away, as systemd's RestrictSUIDSGID does, the lab says so before anybody presses Run."""

from __future__ import annotations

import subprocess
import sys

from lab.runtime.safe_paths import require_openat2

WITHOUT_OPENAT2 = """
import ctypes, errno, struct
libc = ctypes.CDLL(None, use_errno=True)
program = b"".join(
    struct.pack("HBBI", *instruction)  # struct sock_filter
    for instruction in (
        (0x20, 0, 0, 0),  # load the call's number
        (0x15, 0, 1, 437),  # openat2, on every architecture
        (0x06, 0, 0, 0x00050000 | errno.ENOSYS),
        (0x06, 0, 0, 0x7FFF0000),  # all others are allowed
    )
)
kept = ctypes.create_string_buffer(program)
filter = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(kept))  # struct sock_fprog
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, ctypes.c_char_p(filter), 0, 0) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
from lab.runtime.safe_paths import require_openat2
require_openat2()
"""


def test_a_machine_that_lets_openat2_is_good() -> None:
    require_openat2()


def test_a_filter_against_openat2_is_named_with_the_remedy() -> None:
    ended = subprocess.run([sys.executable, "-c", WITHOUT_OPENAT2], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert (
        "SettingsError: cannot open files of a virtual node safely: openat2 fails here (Function not implemented)" in ended.stderr
    )
    assert "RestrictSUIDSGID" in ended.stderr
