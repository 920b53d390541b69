"""Secrets that sing when they get out: values that stand nowhere else, and a search for every usual form of them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import psycopg


class Canaries:
    """Secrets by name; `found_in` says which of them some text holds, in which form."""

    def __init__(self) -> None:
        self._forms: dict[bytes, str] = {}

    def new(self, name: str) -> str:
        """A fresh secret of that name: it has marks that an encoding changes."""
        text = f"{name}+{secrets.token_urlsafe(24)}/="
        self.add(name, text.encode())
        return text

    def add(self, name: str, raw: bytes) -> None:
        """Search for this one too."""
        self._forms |= dict.fromkeys(_forms(raw), name)

    def found_in(self, texts: Mapping[str, bytes]) -> list[str]:
        """`place: secret` for each that got out."""
        return sorted(
            f"{place}: {name}" for place, text in texts.items() for form, name in self._forms.items() if form in text
        )


def _forms(raw: bytes) -> Iterator[bytes]:
    """As it is, escaped, in hex, in a URL, and in base64 wherever in a longer text it may have stood."""
    text = raw.decode("latin-1")
    yield from (raw, raw.hex().encode(), raw.hex().upper().encode(), repr(raw)[2:-1].encode())
    yield from (quote(text).encode(), quote(text, safe="").encode(), quote_plus(text).encode())
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        # Both ends are mixed with what stands beside.
        inner = encoded[4:-4]
        yield from (inner, base64.urlsafe_b64encode(b"\0" * shift + raw)[4:-4])


def files_below(directory: Path, *, but: Path) -> dict[str, bytes]:
    """All plain files with what is in them, raw: tables, their log before commit, and the server's own words."""
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file() and path != but}


def tables_of(connection: psycopg.Connection) -> dict[str, bytes]:
    """Every table of a database as text, as a dump writes it."""
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    texts = {}
    for (name,) in names:
        with connection.cursor().copy(f"COPY {name} TO STDOUT") as copy:  # type: ignore[arg-type]
            texts[f"table {name}"] = b"".join(bytes(part) for part in copy)
    return texts
