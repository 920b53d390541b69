"""Everything in the store that only the keyring opens: counted by key, opened to the last, sealed anew in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from moomarkets.domain.errors import CannotDecrypt
from moomarkets.store.keyring import Keyring
from moomarkets.store.seal import KNOWN_ANSWER, Place, key_id_of, open_sealed, resealed
from moomarkets.store.tokens import ID_COLUMN, REFRESH_COLUMN

CREDENTIALS_COLUMN = "encrypted_credentials"
COLUMNS = (CREDENTIALS_COLUMN, REFRESH_COLUMN, ID_COLUMN)
BATCH = 100
_OTHERS = " OR ".join(f"substring({column} FROM 1 FOR length(:header)) <> :header" for column in COLUMNS)


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One credential with all that is sealed of it, by column; what is not there is left out."""

    id: int
    user: str
    source: str
    blobs: Mapping[str, bytes]
    places: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some rows: how many were sealed anew, and the last of those that were looked at."""

    resealed: int
    last_id: int
    is_over: bool


@dataclass(slots=True)
class Count:
    """What is sealed with one key: credentials, and tokens beside them."""

    credentials: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What opens and what does not, in the whole store."""

    counts: Mapping[str, Count] = field(default_factory=dict)
    unreadable: tuple[tuple[str, str, str, str], ...] = ()
    """User, source, column and the key that it names, of each value that does not open."""


def rows(connection: Connection) -> Iterator[SealedRow]:
    """All credentials, by id."""
    yield from _read(connection, "ORDER BY kept.id", {})


def key_ids(connection: Connection) -> set[str]:
    """The ids of all keys that something names."""
    return {key_id_of(blob) for row in rows(connection) for blob in row.blobs.values()} - {""}


def look(connection: Connection, open_one: Callable[[bytes, Place], object]) -> Look:
    """Count everything by key, and try to open it."""
    counts: dict[str, Count] = {}
    unreadable = []
    for row in rows(connection):
        for column, blob in row.blobs.items():
            count = counts.setdefault(key_id_of(blob), Count())
            if column == CREDENTIALS_COLUMN:
                count.credentials += 1
            else:
                count.tokens += 1
            if not opens(open_one, blob, row.places[column]):
                unreadable.append((row.user, row.source, column, key_id_of(blob)))
    return Look(counts, tuple(unreadable))


def opens(open_one: Callable[[bytes, Place], object], blob: bytes, place: Place) -> bool:
    """Whether it opens there."""
    try:
        open_one(blob, place)
    except CannotDecrypt:
        return False
    return True


def reseal(connection: Connection, keyring: Keyring, after: int) -> Batch:
    """Seal up to a hundred rows with ids above `after` anew with the primary key; what does not open stays as it is.

    Locks these rows, leaving out those that somebody else has locked. `updated_at` stays: it is the same credential.
    """
    found = list(
        _read(
            connection,
            f"WHERE kept.id > :after AND ({_OTHERS}) ORDER BY kept.id LIMIT :size FOR UPDATE OF kept SKIP LOCKED",
            {"after": after, "size": BATCH, "header": _header(keyring)},
        )
    )
    count = sum(_reseal_row(connection, row, keyring) for row in found)
    return Batch(count, found[-1].id if found else after, len(found) < BATCH)


def replace_proof(connection: Connection, keyring: Keyring, made_now: bytes) -> bool:
    """Have the known answer under the primary key; False, and nothing done, where it names that key already.

    One that does not open is replaced only where everything else opens: then no other key is missed.
    """
    kept = connection.execute(text("SELECT known_answer FROM keyring_proof FOR UPDATE")).scalar_one_or_none()

    def open_one(blob: bytes, place: Place) -> bytes:
        return open_sealed(blob, place, keyring)

    if kept is not None and opens(open_one, bytes(kept), KNOWN_ANSWER):
        if key_id_of(bytes(kept)) == keyring.primary:
            return False
    elif look(connection, open_one).unreadable:
        return False
    connection.execute(
        text(
            "INSERT INTO keyring_proof (known_answer) VALUES (:blob)"
            " ON CONFLICT (is_only) DO UPDATE SET known_answer = excluded.known_answer"
        ),
        {"blob": made_now},
    )
    return True


def proof(connection: Connection) -> bytes | None:
    """The known answer that is kept."""
    kept = connection.execute(text("SELECT known_answer FROM keyring_proof")).scalar_one_or_none()
    return None if kept is None else bytes(kept)


def _reseal_row(connection: Connection, row: SealedRow, keyring: Keyring) -> bool:
    """Each column on its own, and only while it is what was read: a token that was renewed meanwhile stays."""
    changed = False
    for column, blob in row.blobs.items():
        try:
            newer = resealed(blob, row.places[column], keyring)
        except CannotDecrypt:
            continue
        if newer is blob:
            continue
        done = connection.execute(
            text(f"UPDATE data_source_credentials SET {column} = :newer WHERE id = :id AND {column} = :older"),  # noqa: S608
            {"id": row.id, "older": blob, "newer": newer},
        )
        changed = changed or done.rowcount > 0
    return changed


def _read(connection: Connection, which: str, parameters: Mapping[str, object]) -> Iterator[SealedRow]:
    found = connection.execute(
        text(
            f"""
            SELECT kept.id, kept.user_id, kept.data_source_id, users.name, data_sources.code, {", ".join(COLUMNS)}
            FROM data_source_credentials AS kept
            JOIN users ON users.id = kept.user_id
            JOIN data_sources ON data_sources.id = kept.data_source_id
            {which}
            """  # noqa: S608 - constants
        ),
        parameters,
    )
    for row in found:
        blobs = {column: bytes(blob) for column, blob in zip(COLUMNS, row[5:], strict=True) if blob is not None}
        places = {column: Place(str(row.user_id), str(row.data_source_id), column) for column in blobs}
        yield SealedRow(row.id, row.name, row.code, blobs, places)


def _header(keyring: Keyring) -> bytes:
    """How a blob begins that is sealed with the primary key."""
    return b"MM\x01" + bytes([len(keyring.primary)]) + keyring.primary.encode("ascii")
