"""What goes between an engine and its worker processes: frames of a length, a kind and a body."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Failed
from moomarkets.engines.task import MAX_BYTES

TASK = b"T"
CANCEL = b"C"
RESULT = b"R"
FAILURE = b"F"

LONGEST_DETAIL = 2000

_HEAD = struct.Struct(">Ic")
_ROOM = 4096
"""What a body may have beyond `MAX_BYTES`: the name of a function."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: a kind, and a body whose meaning that tells.

    Example:
        >>> Frames().feed(Frame(RESULT, b"1").encode())
        [Frame(kind=b'R', body=b'1')]
    """

    kind: bytes
    body: bytes = b""

    def encode(self) -> bytes:
        """As it is sent."""
        return _HEAD.pack(len(self.body), self.kind) + self.body


class Frames:
    """Puts frames together again from what arrives, in whatever pieces."""

    def __init__(self) -> None:
        self._left = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now; `ValueError` for a length that no frame of ours has."""
        self._left += data
        frames = []
        while len(self._left) >= _HEAD.size:
            length, kind = _HEAD.unpack_from(self._left)
            if length > MAX_BYTES + _ROOM:
                raise ValueError(f"frame: expected at most {MAX_BYTES + _ROOM:,} bytes, got {length:,}")
            end = _HEAD.size + length
            if len(self._left) < end:
                break
            frames.append(Frame(kind, bytes(self._left[_HEAD.size : end])))
            del self._left[:end]
        return frames


def task_frame(function: str, body: bytes) -> Frame:
    """Asks a worker to call that function with these arguments."""
    return Frame(TASK, function.encode() + b"\n" + body)


def task_in(frame: Frame) -> tuple[str, bytes]:
    """The function and its arguments."""
    function, _, body = frame.body.partition(b"\n")
    return function.decode(), body


def failure_frame(failure: Failed) -> Frame:
    """Says how the attempt failed."""
    return Frame(FAILURE, json.dumps([failure.reason, failure.detail[:LONGEST_DETAIL]]).encode())


def outcome_in(frame: Frame) -> object:
    """What the function returned, or a `Failed`; `ValueError` where the frame is neither."""
    if frame.kind not in (RESULT, FAILURE):
        raise ValueError(f"frame: expected a result or a failure, got {frame.kind!r}")
    content = json.loads(frame.body)
    if frame.kind == RESULT:
        return content
    reason, detail = content
    return Failed(Reason(reason), str(detail))
