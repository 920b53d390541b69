"""Addresses that are good for some minutes and for one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from urllib.parse import quote, urlencode

PREFIX = "/signed/"
BULK_S, PAPER_S = 300, 900
"""How long an address of a bulk file is good, and that of a disclosure."""


class Signer:
    """Signs addresses with a time limit on the given clock.

    Example:
        >>> signer = Signer(lambda: 0.0)
        >>> address = signer.sign("a/b.csv.gz", 300)
        >>> address.startswith("/signed/a/b.csv.gz?expires=300.0&signature=")
        True
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic

    def sign(self, key: str, seconds: float) -> str:
        """Path and query of an address that is good for so long."""
        expires = f"{self._monotonic() + seconds:.1f}"
        query = urlencode({"expires": expires, "signature": _signature(key, expires)})
        return f"{PREFIX}{quote(key)}?{query}"

    def is_good(self, key: str, query: Mapping[str, str]) -> bool:
        """Whether the query signs that key, and its time is not over."""
        expires, signature = query.get("expires", ""), query.get("signature", "")
        if signature != _signature(key, expires):
            return False
        return self._monotonic() < float(expires)


def _signature(key: str, expires: str) -> str:
    return sha256(f"simulated|{key}|{expires}".encode()).hexdigest()[:32]
