"""Unpacks gzip as it comes, in pieces of bounded size, and refuses what is damaged, cut off or a bomb."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from moomarkets.domain.errors import Reason, SourceError

PIECE = 256 * 1024
_GZIP = 31  # zlib's window bits for the gzip format
_MAGIC = b"\x1f\x8b"
_FREE_BYTES = 16 * 1024 * 1024


class Unpacker:
    """Unpacks one file; `fed` and `made` count its bytes before and after.

    At most `max_bytes` are made, and beyond the first 16 MiB at most `max_ratio` bytes of each one fed: CSV packs to a
    fifth or a tenth.

    Example:
        >>> import gzip
        >>> unpacker = Unpacker("jquants")
        >>> b"".join(unpacker.feed(gzip.compress(b"Date,Code")))
        b'Date,Code'
        >>> unpacker.finish()
    """

    def __init__(self, source: str, max_bytes: int = 16 * 1024**3, max_ratio: int = 200) -> None:
        self._source, self._max_bytes, self._max_ratio = source, max_bytes, max_ratio
        self._decoder = zlib.decompressobj(_GZIP)
        self.fed = self.made = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces that `data` unpacks to. A file may be several packed ones, one after the other."""
        self.fed += len(data)
        while data:
            if self._decoder.eof:
                self._decoder = zlib.decompressobj(_GZIP)
            try:
                piece = self._decoder.decompress(data, PIECE)
            except zlib.error:
                raise self._failure(Reason.MALFORMED, "expected gzip, got something else or damaged data") from None
            data = self._decoder.unconsumed_tail or self._decoder.unused_data
            self.made += len(piece)
            self._demand_bounds()
            if piece:
                yield piece

    def finish(self) -> None:
        """Refuse a file that is not whole."""
        if not self._decoder.eof:
            raise self._failure(Reason.MALFORMED, "expected a whole gzip file, got a part of one")

    def _demand_bounds(self) -> None:
        if self.made > self._max_bytes:
            raise self._failure(Reason.TOO_LARGE, f"expected at most {self._max_bytes} bytes unpacked, got more")
        if self.made > _FREE_BYTES and self.made > self._max_ratio * self.fed:
            detail = f"expected at most {self._max_ratio} bytes out of each packed one, got more"
            raise self._failure(Reason.TOO_LARGE, detail)

    def _failure(self, reason: Reason, detail: str) -> SourceError:
        return SourceError(reason, f"file: {detail}", source=self._source)
