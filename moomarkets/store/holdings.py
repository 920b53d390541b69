"""What is held of a dataset: from which sources, of which codes, over which dates, and how fresh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from moomarkets.domain.dataset import Dataset
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.nearest import did_you_mean
from moomarkets.domain.reading import date_column


@dataclass(frozen=True, slots=True)
class Place:
    """Whose rows are read, and from which source; `source` is its code. An id of 0 has no rows."""

    user_id: int
    source_id: int
    source: str


@dataclass(frozen=True, slots=True)
class Holding:
    """How many rows of a dataset there are, over which dates, and when a part that has rows was fetched last."""

    name: str
    rows: int
    first_on: date | None
    last_on: date | None
    fetched_at: datetime | None


def place_of(connection: Connection, dataset: Dataset, user_id: int, source: str | None) -> Place:
    """Where to read: the source that is named, or the only one that the user has rows of.

    Raises:
        InvalidInput: there is no such source, or several have rows and none is named.
    """
    rows = connection.execute(
        text(
            f"SELECT id, code, EXISTS (SELECT FROM {dataset.name} AS kept WHERE kept.user_id = :user_id"  # noqa: S608
            " AND kept.data_source_id = data_sources.id) AS has_rows FROM data_sources ORDER BY code"
        ),
        {"user_id": user_id},
    ).all()
    if source is not None:
        for row in rows:
            if row.code == source:
                return Place(user_id, row.id, row.code)
        names = [row.code for row in rows]
        raise InvalidInput("source", f"one of {', '.join(names)}{did_you_mean(source, names)}", source)
    holders = [row for row in rows if row.has_rows]
    if len(holders) > 1:
        raise InvalidInput(
            "source", f"one of {', '.join(row.code for row in holders)}: {dataset.name} has several", None
        )
    return Place(user_id, holders[0].id, holders[0].code) if holders else Place(user_id, 0, "")


def stored_codes(
    connection: Connection, dataset: Dataset, place: Place, column: str, asked: Sequence[str]
) -> tuple[str, ...]:
    """The codes as they are stored: where `7203` is not, the common share `72030` is meant.

    Raises:
        InvalidInput: nothing was ever stored of one of them; says which stored code is nearest.
    """
    candidates = {code: (code, f"{code}0") if column == "code" and len(code) == 4 else (code,) for code in asked}
    found = set(
        connection.execute(
            text(
                f"SELECT asked.name FROM unnest(CAST(:codes AS text[])) AS asked (name) WHERE EXISTS ("  # noqa: S608
                f" SELECT FROM {dataset.name} AS kept WHERE kept.user_id = :user_id"
                f" AND kept.data_source_id = :source_id AND kept.{column} = asked.name)"
            ),
            {
                "codes": [code for pair in candidates.values() for code in pair],
                "user_id": place.user_id,
                "source_id": place.source_id,
            },
        ).scalars()
    )
    stored = {code: next((name for name in pair if name in found), None) for code, pair in candidates.items()}
    for code, name in stored.items():
        if name is None:
            known = _all_codes(connection, dataset, place, column)
            guess = did_you_mean(code, known) or ("" if known else "; there are none yet")
            raise InvalidInput(column, f"one that {dataset.name} has rows of{guess}", code)
    return tuple(dict.fromkeys(name for name in stored.values() if name is not None))


def holdings(connection: Connection, datasets: Sequence[Dataset], user_id: int) -> list[Holding]:
    """One line for each dataset, in that order."""
    fetched = connection.execute(
        text(
            "SELECT dataset, max(fetched_at) AS fetched_at FROM coverage"
            " WHERE user_id = :user_id AND rows > 0 GROUP BY dataset"
        ),
        {"user_id": user_id},
    )
    newest = {row.dataset: row.fetched_at for row in fetched}
    return [_holding(connection, dataset, user_id, newest.get(dataset.name)) for dataset in datasets]


def _holding(connection: Connection, dataset: Dataset, user_id: int, fetched_at: datetime | None) -> Holding:
    on = date_column(dataset) or "CAST(NULL AS date)"
    counted = f"SELECT count(*), min({on}), max({on}) FROM {dataset.name} WHERE user_id = :user_id"  # noqa: S608
    rows, first_on, last_on = connection.execute(text(counted), {"user_id": user_id}).one()
    return Holding(dataset.name, rows, first_on, last_on, fetched_at)


def _all_codes(connection: Connection, dataset: Dataset, place: Place, column: str) -> list[str]:
    return list(
        connection.execute(
            text(
                f"SELECT DISTINCT {column} FROM {dataset.name} WHERE user_id = :user_id"  # noqa: S608
                " AND data_source_id = :source_id"
            ),
            {"user_id": place.user_id, "source_id": place.source_id},
        ).scalars()
    )
