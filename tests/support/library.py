"""Data as they come in over time, in a real database, and their reader: for tests of whoever reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import count

from sqlalchemy import Connection

from datasources.simulators.market import Market
from moomarkets.domain.coverage import Covered
from moomarkets.domain.dataset import Batch, Dataset
from moomarkets.domain.datasets.equities import DAILY_BARS
from moomarkets.domain.source import SourceSpec
from moomarkets.services.data import Data
from moomarkets.store import coverage, datasets, sources
from moomarkets.store.coverage import Owner
from moomarkets.store.database import Database
from moomarkets.store.datasets import Stored
from moomarkets.store.reading import Reader

LOCAL = 1
FIRST_FETCH = datetime(2026, 11, 20, 9, tzinfo=UTC)
DAY = date(2026, 11, 19)
Row = tuple[object, ...]


class Library:
    """A database with a source, and its data."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, purpose="test")
        self.reader = Reader(url)
        self.data = Data(self.database, self.reader, LOCAL)
        self._executions = count(1)

    def store(
        self,
        *rows: Row,
        dataset: Dataset = DAILY_BARS,
        at: datetime = FIRST_FETCH,
        source: str = "jquants",
        user_id: int = LOCAL,
    ) -> Stored:
        """Store rows as fetched at that instant, with coverage; each call is another attempt, from 1 on."""
        execution_id = next(self._executions)

        def work(connection: Connection) -> Stored:
            spec = SourceSpec(source, source, "", "rest", "http://127.0.0.1", "v1", (), (), False)
            owner = Owner(user_id, sources.ensure(connection, spec))
            batch = Batch(dataset, list(rows))
            stored = datasets.upsert(connection, batch, owner, execution_id=execution_id, fetched_at=at)
            covered = Covered("ALL", DAY, DAY, at)
            coverage.record(
                connection, owner, dataset.name, covered, rows=len(rows), pages=1, execution_id=execution_id
            )
            return stored

        return self.database.perform(work)


@contextmanager
def library(url: str) -> Iterator[Library]:
    """One over the database at `url`."""
    opened = Library(url)
    try:
        yield opened
    finally:
        opened.database.close()


def bar(code: str = "72030", on: date = DAY, close: float | None = 3000.0, factor: float | None = 1.0) -> Row:
    """A row of daily bars."""
    return (code, on, close, close, close, close, "0", "0", 100.0, 3e5, factor, None)


def market_bars(market: Market, code: str, first: date, today: date) -> tuple[list[Row], list[dict[str, object]]]:
    """The bars of one simulated issue as rows, and as the provider sends them, adjusted fields and all."""
    (issue,) = market.issues_named(code)
    sent = [json.loads(row) for row in market.bars_of_issue(issue, first, today, today)]
    return [_row(bar) for bar in sent], sent


def _row(sent: dict[str, object]) -> Row:
    fields: Sequence[str] = [column.field for column in DAILY_BARS.columns[2:-1]]
    return (sent["Code"], date.fromisoformat(str(sent["Date"])), *(sent[name] for name in fields), None)
