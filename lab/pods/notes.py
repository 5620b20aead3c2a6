"""What a review says about one place in the learner's text.

A note carries the API's field path, the message in the words of whoever would say it, and the line in the editor.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldNote:
    """One remark.

    ``kind`` is the server's cause reason (``FieldValueInvalid`` …), ``TypeError``, ``UnknownField``, ``Unsupported`` (by the
    lab), ``NoEffect`` (in the lab), ``Syntax``, ``Client`` (kubectl), ``Forbidden``, ``Warning`` (a remark of the lab) or
    ``ServerWarning`` (kubectl prints it).
    """

    path: str
    message: str
    line: int
    kind: str
