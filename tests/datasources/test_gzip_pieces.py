from __future__ import annotations

import gzip
from collections.abc import Iterable

import pytest

from datasources.gzip_pieces import PIECE, Unpacker
from moomarkets.domain.errors import Reason, SourceError

CONTENT = b"Date,Code\n" * 100_000


def unpacked(chunks: Iterable[bytes], **bounds: int) -> list[bytes]:
    unpacker = Unpacker("sim", **bounds)
    pieces = [piece for chunk in chunks for piece in unpacker.feed(chunk)]
    unpacker.finish()
    return pieces


def failure(chunks: Iterable[bytes], **bounds: int) -> tuple[Reason, str]:
    with pytest.raises(SourceError) as raised:
        unpacked(chunks, **bounds)
    return raised.value.reason, raised.value.detail


def test_a_file_comes_out_in_bounded_pieces_however_it_comes_in() -> None:
    packed = gzip.compress(CONTENT)

    pieces = unpacked([packed[:5], packed[5:6], packed[6:]])

    assert b"".join(pieces) == CONTENT
    assert max(map(len, pieces)) <= PIECE


def test_files_that_were_put_together_are_one() -> None:
    assert b"".join(unpacked([gzip.compress(b"a") + gzip.compress(b""), gzip.compress(b"b")])) == b"ab"


def test_a_file_that_is_cut_off_is_refused() -> None:
    packed = gzip.compress(CONTENT)

    for end in (0, 5, len(packed) // 2, len(packed) - 1):
        assert failure([packed[:end]]) == (Reason.MALFORMED, "file: expected a whole gzip file, got a part of one")


@pytest.mark.parametrize(
    "body",
    [b"<html>down</html>", b"Date,Code\n", gzip.compress(b"a", mtime=0) + b"garbage"],
    ids=["html", "csv", "rest"],
)
def test_what_is_not_gzip_is_refused(body: bytes) -> None:
    assert failure([body])[0] is Reason.MALFORMED


def test_a_damaged_file_is_refused() -> None:
    packed = bytearray(gzip.compress(CONTENT))
    packed[-6] ^= 1  # its checksum

    assert failure([bytes(packed)])[0] is Reason.MALFORMED


def test_a_bomb_is_refused_long_before_it_is_unpacked() -> None:
    bomb = gzip.compress(bytes(400 * 1024 * 1024), 9)
    unpacker = Unpacker("sim")

    with pytest.raises(SourceError) as raised:
        for _ in unpacker.feed(bomb):
            pass

    assert raised.value.reason is Reason.TOO_LARGE
    assert unpacker.made < 128 * 1024 * 1024


def test_a_file_may_not_unpack_to_more_than_is_allowed() -> None:
    reason, detail = failure([gzip.compress(CONTENT)], max_bytes=1000)

    assert (reason, detail) == (Reason.TOO_LARGE, "file: expected at most 1000 bytes unpacked, got more")
