"""Faults that a simulator produces on demand, each for a given number of requests."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: status, body, and how to send it. `rows` is for the ledger only."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0
    may_compress: bool = True


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble for the next `times` requests whose path contains `path`.

    `status` and `headers` belong to kind `status`; `interval_s` is the pause between the bytes of the slow
    kinds, `size` the bytes of the big ones. All kinds: `KINDS`.
    """

    kind: str
    times: int = 1
    path: str = ""
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    interval_s: float = 0.05
    size: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault kind: expected one of {', '.join(sorted(KINDS))}, got {self.kind!r}")
        for name in ("times", "status", "size"):
            if not isinstance(number := getattr(self, name), int) or number < 1:
                raise ValueError(f"{name}: expected a whole number above 0, got {number!r}")


class Faults:
    """The faults still to come; thread-safe.

    Example:
        >>> faults = Faults()
        >>> faults.add(Fault("html"))
        >>> [fault.kind for fault in faults.take("/markets/calendar")], faults.take("/markets/calendar")
        (['html'], [])
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coming: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Let these happen, beginning with the next request that fits."""
        with self._lock:
            self._coming.extend(faults)

    def clear(self) -> None:
        """Let nothing more happen."""
        with self._lock:
            self._coming.clear()

    def take(self, path: str) -> list[Fault]:
        """All faults that fit a request for `path`, each of them used up once."""
        with self._lock:
            taken = [fault for fault in self._coming if fault.path in path]
            left = [fault for fault in self._coming if fault not in taken or fault.times > 1]
            self._coming = [replace(fault, times=fault.times - 1) if fault in taken else fault for fault in left]
        return taken


def spoil_answer(answer: Answer, faults: list[Fault]) -> Answer:
    """The answer with its content spoilt."""
    for fault in faults:
        if fault.kind in _CONTENT:
            answer = _CONTENT[fault.kind](answer, fault)
    return answer


def spoil_rows(rows: list[Row], faults: list[Fault]) -> list[Row]:
    """Rows of data with single values spoilt, always in the first row, where there is one; or all of them."""
    for fault in faults:
        if fault.kind in _ROWS and rows:
            _ROWS[fault.kind](rows)
    return rows


def send_spoilt(connection: socket.socket, wire: bytes, faults: list[Fault], released: threading.Event) -> bool:
    """Send `wire` in a spoilt way, if a fault asks for it; False means nothing was sent.

    Waits of the slow kinds end when `released` is set.
    """
    for fault in faults:
        if fault.kind in _WIRE:
            _WIRE[fault.kind](connection, wire, fault, released)
            return True
    return False


_MESSAGES = {
    413: "Response data is too large. Specify parameters to reduce the acquired data range.",
    429: "Too Many Requests",
}


def _status(answer: Answer, fault: Fault) -> Answer:
    message = _MESSAGES.get(fault.status, "Unexpected error. Please try again later.")
    body = json.dumps({"message": message}).encode()
    return Answer(fault.status, body, headers=fault.headers)


def _html(answer: Answer, fault: Fault) -> Answer:
    return Answer(200, b"<html><body>We are down for maintenance</body></html>", "text/html")


def _body(make: Callable[[Fault], bytes]) -> Callable[[Answer, Fault], Answer]:
    return lambda answer, fault: replace(answer, body=make(fault))


def _bomb(answer: Answer, fault: Fault) -> Answer:
    packed = gzip.compress(b" " * fault.size, 1)
    return replace(answer, body=packed, headers={"Content-Encoding": "gzip"}, may_compress=False)


def _redirect(answer: Answer, fault: Fault) -> Answer:
    return Answer(302, b"", headers={"Location": "https://elsewhere.invalid/", **fault.headers})


_CONTENT: dict[str, Callable[[Answer, Fault], Answer]] = {
    "status": _status,
    "html": _html,
    "redirect": _redirect,
    "gzip_bomb": _bomb,
    "content_type": lambda answer, fault: replace(answer, content_type="text/plain"),
    "truncated_json": lambda answer, fault: replace(answer, body=answer.body[: len(answer.body) // 2]),
    "flood": _body(lambda fault: b'{"data":[' + b" " * fault.size + b"]}"),
    "deep_json": _body(lambda fault: b"[" * 100_000),
    "many_objects": _body(lambda fault: b'{"data":[' + b"{}," * 600_000 + b"{}]}"),
    "nan": _body(lambda fault: b'{"data":[{"O":NaN}]}'),
    "long_number": _body(lambda fault: b'{"data":[' + b"9" * 5_000 + b"]}"),
    "shift_jis": _body(lambda fault: '{"data":[],"message":"架空"}'.encode("shift_jis")),
    "garbage": _body(lambda fault: bytes(range(256)) * 16),
    "not_an_object": _body(lambda fault: b'["data"]'),
    "no_data": _body(lambda fault: b"{}"),
    "giant_header": lambda answer, fault: replace(answer, headers={"X-Filler": "x" * 200_000}),
}


def _drop(connection: socket.socket, wire: bytes, fault: Fault, released: threading.Event) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def _reset(connection: socket.socket, wire: bytes, fault: Fault, released: threading.Event) -> None:
    # Lingering for 0 s turns the close into a reset.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _half(connection: socket.socket, wire: bytes, fault: Fault, released: threading.Event) -> None:
    connection.sendall(wire[: wire.index(b"\r\n\r\n") + 4 + max(1, len(wire) // 3)][: len(wire) - 1])
    connection.shutdown(socket.SHUT_RDWR)


def _hang(connection: socket.socket, wire: bytes, fault: Fault, released: threading.Event) -> None:
    released.wait()


def _drip(connection: socket.socket, wire: bytes, fault: Fault, released: threading.Event) -> None:
    for position in range(len(wire)):
        connection.sendall(wire[position : position + 1])
        if released.wait(fault.interval_s):
            return


def _drip_body(connection: socket.socket, wire: bytes, fault: Fault, released: threading.Event) -> None:
    head_end = wire.index(b"\r\n\r\n") + 4
    connection.sendall(wire[:head_end])
    _drip(connection, wire[head_end:], fault, released)


_WIRE: dict[str, Callable[[socket.socket, bytes, Fault, threading.Event], None]] = {
    "drop": _drop,
    "reset": _reset,
    "half_body": _half,
    "hang": _hang,
    "slow_headers": _drip,
    "slow_body": _drip_body,
}


def _put(name: str, value: object) -> Callable[[list[Row]], None]:
    return lambda rows: rows[0].__setitem__(name, value)


def _number(change: Callable[[Any], object]) -> Callable[[list[Row]], None]:
    """Change one number of the first row: its closing price, or the first number that it has, or its last value."""

    def spoil(rows: list[Row]) -> None:
        row = rows[0]
        numbers = [name for name, value in row.items() if isinstance(value, int | float)]
        name = "C" if "C" in row or not row else (numbers or list(row)[-1:])[0]
        row[name] = change(row.get(name))

    return spoil


def _twin(rows: list[Row]) -> None:
    rows.append(dict(rows[0]))


def _hundredfold(rows: list[Row]) -> None:
    for row in rows:
        row.update({name: row[name] * 100 for name in ("O", "H", "L", "C", "Va") if row.get(name)})


def _halve(rows: list[Row]) -> None:
    del rows[: (len(rows) + 1) // 2]


def _of_other_date(rows: list[Row]) -> None:
    for row in rows:
        row["Date"] = "2020-02-03"


def _flat(rows: list[Row]) -> None:
    for row in rows:
        if row.get("C") is not None:
            row.update({"O": 1.0, "H": 1.0, "L": 1.0, "C": 1.0, "Va": row.get("Vo")})


_ROWS: dict[str, Callable[[list[Row]], None]] = {
    "duplicate_row": _twin,
    "reorder": lambda rows: rows.reverse(),
    "hundredfold": _hundredfold,
    "half_of_rows": _halve,
    "other_date": _of_other_date,
    "same_prices": _flat,
    "negative_price": _put("C", -1.0),
    "extra_key": _put("NewField", "new"),
    "null_number": _number(lambda value: None),
    "numeric_string": _number(lambda value: str(1 if value is None else value)),
    "empty_string": _number(lambda value: ""),
    "text_number": _number(lambda value: "n/a"),
    "overflow_number": _number(lambda value: float("inf")),
    "missing_key": lambda rows: rows[0].pop(list(rows[0])[:3][-1]) and None,
    "missing_code": lambda rows: rows[0].pop("Code", None) and None,
    "nul": _put("NewText", "a\x00b"),
    "surrogate": _put("NewText", "a\ud800b"),
}

# `overlap` begins a page with the last row of the page before.
PAGING_KINDS = frozenset({"repeat_key", "endless_pages", "empty_page", "overlap"})
# The provider itself looks at these: a key or token that is no longer good, an address whose time is over.
_REFUSED_KINDS = frozenset({"revoked_key", "revoked_token", "expired_url"})
KINDS = frozenset({*_CONTENT, *_WIRE, *_ROWS, *PAGING_KINDS, *_REFUSED_KINDS})
