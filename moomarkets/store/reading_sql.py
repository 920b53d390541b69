"""Builds the statement that reads a dataset: as it is or as it was known, raw or adjusted, in the order of its key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from psycopg import sql

from moomarkets.domain.adjustment import ADJUSTED_CLOSE, FACTOR, SPLIT, Adjustment, Rule, adjustment_of
from moomarkets.domain.dataset import ColumnType, Dataset
from moomarkets.domain.reading import Reading, code_column, date_column
from moomarkets.store.holdings import Place

# Values are written into the text, each as a literal that the driver has quoted: the copy protocol takes no parameters.
Write = Callable[[str], str]


def select(reading: Reading, place: Place, *, order: Sequence[str] | None = None, is_newest_first: bool = False) -> str:
    """The rows that `reading` asks for; `order` is the key by default."""
    order = reading.dataset.key if order is None else order
    direction = " DESC" if is_newest_first else ""
    needed = dict.fromkeys((*reading.columns, *order, *reading.dataset.key))
    body = _body(reading, place, [name for name in needed if name != "source"])
    columns = ", ".join(_shown(reading.dataset, place, name) for name in reading.columns)
    ordered = ", ".join(f"result.{name}{direction}" for name in order)
    return f"SELECT {columns} FROM ({body}) AS result ORDER BY {ordered}"  # noqa: S608 - names from code


def count(reading: Reading, place: Place) -> str:
    """How many rows `reading` asks for."""
    return f"SELECT count(*) FROM ({_versions(reading, place, reading.dataset.key)}) AS kept"  # noqa: S608


def literal(value: object) -> str:
    """The value as SQL text."""
    return sql.Literal(value).as_string(None)


def _shown(dataset: Dataset, place: Place, name: str) -> str:
    if name == "source":
        return f"CAST({literal(place.source)} AS text) AS source"
    is_json = any(column.name == name and column.type is ColumnType.JSON for column in dataset.columns)
    return f"CAST(result.{name} AS text) AS {name}" if is_json else f"result.{name}"


def _body(reading: Reading, place: Place, columns: Sequence[str]) -> str:
    adjustment = adjustment_of(reading.dataset)
    if adjustment is not None and adjustment.rule is Rule.SPLITS:
        return _by_splits(reading, place, columns, adjustment)
    if adjustment is not None and reading.is_adjusted:
        return _by_factors(reading, place, columns, adjustment)
    return _versions(reading, place, columns)


def _by_factors(reading: Reading, place: Place, columns: Sequence[str], adjustment: Adjustment) -> str:
    """Each price times all factors of later days, rounded as the provider does; each volume divided by them."""
    code, on, actions = _actions(reading, place, FACTOR)

    def write(name: str) -> str:
        if name in adjustment.prices:
            return f"CASE WHEN span.factor IS NULL THEN bar.{name} ELSE round_price(bar.{name} * span.factor) END"
        return f"bar.{name} / coalesce(span.factor, 1)" if name in adjustment.volumes else f"bar.{name}"

    return f"""
        WITH spans AS (
            SELECT {code} AS code, {on} AS until_on, lead({on}) OVER later AS from_on,
                   product({FACTOR}) OVER later AS factor
            FROM ({actions}) AS action WINDOW later AS (PARTITION BY {code} ORDER BY {on} DESC)
        )
        SELECT {_written(columns, write)}
        FROM ({_versions(reading, place, columns)}) AS bar LEFT JOIN spans AS span
          ON span.code = bar.{code} AND bar.{on} < span.until_on AND (span.from_on IS NULL OR bar.{on} >= span.from_on)
        """  # noqa: S608 - names from code


def _by_splits(reading: Reading, place: Place, columns: Sequence[str], adjustment: Adjustment) -> str:
    """Undo the splits that a row was adjusted for when it was fetched, or do those that it could not know yet.

    A row knows the splits that were here when it came, and those that went ex on an earlier day.
    """
    code, on, actions = _actions(reading, place, SPLIT)
    ratio = f"bar.{ADJUSTED_CLOSE} / nullif(bar.close, 0)"
    scale = f"coalesce({ratio}, 1) / split.unknown" if reading.is_adjusted else "split.known"
    shares = "split.unknown" if reading.is_adjusted else "1 / split.known"
    money = "1 / split.unknown" if reading.is_adjusted else "split.known"

    def write(name: str) -> str:
        if name == ADJUSTED_CLOSE:
            return f"bar.{name} / split.unknown" if reading.is_adjusted else f"bar.{name}"
        for names, factor in ((adjustment.prices, scale), (adjustment.volumes, shares), (adjustment.per_share, money)):
            if name in names:
                return f"bar.{name} * ({factor})"
        return f"bar.{name}"

    needed = list(dict.fromkeys((*columns, "close", ADJUSTED_CLOSE, "fetched_at")))
    return f"""
        WITH splits AS MATERIALIZED (SELECT * FROM ({actions}) AS action)
        SELECT {_written(columns, write)}
        FROM ({_versions(reading, place, needed)}) AS bar CROSS JOIN LATERAL (
            SELECT coalesce(product(splits.{SPLIT}) FILTER (WHERE seen.is_known), 1) AS known,
                   coalesce(product(splits.{SPLIT}) FILTER (WHERE NOT seen.is_known), 1) AS unknown
            FROM splits CROSS JOIN LATERAL (
                SELECT splits.fetched_at <= bar.fetched_at
                    OR splits.{on} < CAST(bar.fetched_at AT TIME ZONE 'UTC' AS date) AS is_known
            ) AS seen
            WHERE splits.{code} = bar.{code} AND splits.{on} > bar.{on}
        ) AS split
        """  # noqa: S608 - names from code


def _actions(reading: Reading, place: Place, value: str) -> tuple[str, str, str]:
    """The names of code and date, and the rows with a factor or ratio after the first asked date, however late."""
    dataset = reading.dataset
    code, on = code_column(dataset), date_column(dataset)
    assert code is not None
    assert on is not None
    later = Reading(dataset, (), reading.codes, reading.first, None, known_at=reading.known_at)
    rows = _versions(later, place, (code, on, value, "fetched_at"))
    return code, on, f"SELECT * FROM ({rows}) AS kept WHERE {value} NOT IN (0, 1)"  # noqa: S608 - names from code


def _written(columns: Iterable[str], write: Write) -> str:
    return ", ".join(f"{write(name)} AS {name}" for name in columns)


def _versions(reading: Reading, place: Place, columns: Iterable[str]) -> str:
    """The rows of the dataset as of `known_at`: of each key the newest version that was fetched up to then."""
    dataset, names = reading.dataset, ", ".join(f"kept.{name}" for name in columns)
    wanted = [f"kept.{condition}" for condition in conditions(reading)]
    mine = f"user_id = {place.user_id} AND %s.data_source_id = {place.source_id}"
    current = f"SELECT {names} FROM {dataset.name} AS kept WHERE kept.{mine % 'kept'}"  # noqa: S608
    current = " AND ".join([current, *wanted])
    if reading.known_at is None:
        return current
    known = f"fetched_at <= {_instant(reading.known_at)}"
    same = " AND ".join(f"newer.{name} = kept.{name}" for name in dataset.key)
    key = ", ".join(f"kept.{name}" for name in dataset.key)
    of_code = revised_codes(reading)
    return f"""
        {current} AND kept.{known}
        UNION ALL
        SELECT {names} FROM (
            SELECT DISTINCT ON ({key}) kept.*
            FROM revisions CROSS JOIN LATERAL jsonb_populate_record(NULL::{dataset.name}, revisions.row) AS kept
            WHERE {" AND ".join([f"revisions.{mine % 'revisions'}", f"kept.{known}", *of_code, *wanted])}
              AND revisions.dataset = {literal(dataset.name)}
            ORDER BY {key}, revisions.id DESC
        ) AS kept
        WHERE EXISTS (SELECT FROM {dataset.name} AS newer
                      WHERE newer.{mine % "newer"} AND {same} AND NOT newer.{known})
        """  # noqa: S608 - names from code, values as literals


def conditions(reading: Reading) -> list[str]:
    """What rows must fulfil, each beginning with the name of a column."""
    code, on = code_column(reading.dataset), date_column(reading.dataset)
    conditions = []
    if reading.codes:
        conditions.append(f"{code} IN ({', '.join(map(literal, reading.codes))})")
    if reading.first is not None:
        conditions.append(f"{on} >= {literal(reading.first)}")
    if reading.last is not None:
        conditions.append(f"{on} <= {literal(reading.last)}")
    return conditions


def revised_codes(reading: Reading) -> list[str]:
    """The same condition on codes as the index of revisions knows it."""
    if not reading.codes:
        return []
    codes = ", ".join(map(literal, reading.codes))
    return [f"coalesce(revisions.row ->> 'code', revisions.row ->> 'symbol') IN ({codes})"]


def _instant(at: datetime) -> str:
    return f"CAST({literal(at.isoformat())} AS timestamptz)"
