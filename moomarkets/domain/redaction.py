"""One place that keeps secrets out of what is logged, stored as an error, streamed or shown."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

from moomarkets.domain.secret import HIDDEN, Secret

MAX_TEXT = 4000
_MAX_DEPTH = 6
_MAX_ITEMS = 100
_MIN_SECRET = 4
_DENIED = frozenset(
    {
        "apikey",
        "authorization",
        "cookie",
        "credentials",
        "dsn",
        "encryptedcredentials",
        "headers",
        "idtoken",
        "keys",
        "passwd",
        "password",
        "proxyauthorization",
        "refreshtoken",
        "secret",
        "setcookie",
        "token",
        "xapikey",
    }
)
_DENIED_ENDS = ("apikey", "password", "secret", "token")


class Scrubber:
    """Replaces each secret that it learnt, in plain and in its usual encodings, by `***`. Thread-safe.

    Example:
        >>> scrubber = Scrubber()
        >>> scrubber.learn(Secret("s3cr/t key"))
        >>> scrubber.scrub("GET /?key=s3cr%2Ft%20key failed")
        'GET /?key=*** failed'
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None

    def learn(self, secret: Secret) -> None:
        """Scrub this secret from now on; not one under four characters, which would blacken any text."""
        text = secret.reveal()
        if len(text) < _MIN_SECRET:
            return
        with self._lock:
            self._forms |= {_pattern(form): len(form) for form in _forms(text) if len(form) >= _MIN_SECRET}
            # Longest first, so that no short form leaves the rest of a longer one behind.
            longest_first = sorted(self._forms, key=lambda form: -self._forms[form])
            self._pattern = re.compile("|".join(longest_first))

    def scrub(self, text: str) -> str:
        """The text without any learnt secret."""
        pattern = self._pattern
        return pattern.sub(HIDDEN, text) if pattern else text

    def clean(self, value: object, name: str = "", depth: int = 0) -> object:
        """`value` as plain JSON values, fit to be shown: scrubbed, of sane size, secret names hidden."""
        if isinstance(value, Secret) or (is_denied(name) and not isinstance(value, int | float | None)):
            return HIDDEN
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping) and depth < _MAX_DEPTH:
            items = list(value.items())[:_MAX_ITEMS]
            return {self.scrub(str(key)): self.clean(inner, str(key), depth + 1) for key, inner in items}
        if isinstance(value, list | tuple | set | frozenset) and depth < _MAX_DEPTH:
            return [self.clean(inner, "", depth + 1) for inner in list(value)[:_MAX_ITEMS]]
        text = bytes(value).decode("utf-8", "backslashreplace") if isinstance(value, bytes | bytearray) else str(value)
        # Scrubbed before it is cut: half a secret would not be recognised.
        text = self.scrub(text)
        return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."


def is_denied(name: str) -> bool:
    """Whether a field of that name is hidden; its numbers, such as a lease's token, are shown."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain in _DENIED or plain.endswith(_DENIED_ENDS)


def _forms(text: str) -> Iterator[str]:
    raw = text.encode("utf-8", "surrogatepass")
    yield from (
        text,
        text.strip(),
        repr(text)[1:-1],
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
    )
    yield from (quote(raw), quote(raw, safe=""), quote_plus(raw), raw.hex(), raw.hex().upper())
    yield base64.b64encode(raw).decode("ascii")
    yield from _base64_forms(raw)


def _pattern(form: str) -> str:
    """The form as a regular expression; the digits of `%2F` are free in their case."""
    return re.sub("%[0-9A-F]{2}", lambda found: f"(?i:{found[0]})", re.escape(form))


def _base64_forms(raw: bytes) -> Iterator[str]:
    """What stays the same of the secret's base64 wherever in a longer text it stood: three alignments."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode("ascii").rstrip("=")
        # The characters at both ends are mixed with the neighbours' bits.
        start = (0, 2, 3)[shift]
        end = len(encoded) if (shift + len(raw)) % 3 == 0 else len(encoded) - 1
        inner = encoded[start:end]
        yield from (inner, inner.replace("+", "-").replace("/", "_"))
