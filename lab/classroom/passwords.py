"""Instructors' passwords, kept as Argon2id hashes with the library's recommended cost (RFC 9106, low-memory profile)."""

from __future__ import annotations

import threading

import argon2

from lab.errors import ClassroomError
from lab.insight.phrase import phrase

SHORTEST_PASSWORD = 10  # characters
LONGEST_PASSWORD = 256  # characters; hashing costs more for longer ones

_HASHER = argon2.PasswordHasher()
_NOBODY = _HASHER.hash("nobody has this password")
_HASHING = threading.Lock()  # each takes 64 MiB: whoever asks a hundred times at once is not to take the machine's memory


def hash_password(password: str) -> str:
    """Return what to keep of a password. Takes some 50 ms. Raises ClassroomError when it is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ClassroomError(
            phrase(
                "A password needs {least} to {most} characters.",
                "密码需要 {least} 到 {most} 个字符。",
                least=SHORTEST_PASSWORD,
                most=LONGEST_PASSWORD,
            )
        )
    return _HASHER.hash(password)


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one of this hash. Takes as long when there is no hash: the time does not tell who exists."""
    try:
        with _HASHING:
            return _HASHER.verify(password_hash or _NOBODY, password[:LONGEST_PASSWORD]) and password_hash is not None
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
