"""One trading day of 4,400 bars: from the answer on the wire to the commit; beside json.loads and a bare COPY."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count, islice

import psycopg
from sqlalchemy import text

from datasources.jquants.endpoints import DAILY_BARS_ENDPOINT, JQUANTS
from datasources.simulators.faults import Answer
from datasources.simulators.market import Market
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.coverage import Covered
from moomarkets.domain.dataset import Batch
from moomarkets.store import coverage, datasets, sources
from moomarkets.store.coverage import Owner
from moomarkets.store.database import Database
from moomarkets.store.embedded.server import EmbeddedServer
from moomarkets.store.migrate import upgrade
from tests.bench.ground import durable_server
from tests.bench.measure import Figure, server_cpu_s, timed_ms
from tests.datasources.support import ScriptedProvider, jquants_client

TIMES = 15
FIRST = date(2026, 1, 5)


def run() -> list[str]:
    """The whole path of one day, each time another one, and its floor."""
    days = iter(list(islice(_days(), TIMES + 3)))
    with ScriptedProvider(lambda question: next(days)) as provider, durable_server() as server:
        upgrade(server.dsn("owner"))
        client = jquants_client(f"{provider.url}/v2")
        batch = client.fetch_data(DAILY_BARS_ENDPOINT, {"date": FIRST.isoformat()}, CancelToken())
        body = next(days).body
        parse = Figure("json.loads of the answer", "ms", timed_ms(lambda: json.loads(body), TIMES))
        copy = Figure("bare COPY of the rows, committed", "ms", _bare_copies(server, batch))
        database = Database(server.dsn("app"), purpose="bench")
        owner = Owner(1, database.perform(lambda connection: sources.ensure(connection, JQUANTS)))
        numbers = count()

        def store_a_day() -> None:
            fetched = client.fetch_data(DAILY_BARS_ENDPOINT, {"date": FIRST.isoformat()}, CancelToken())
            _store(database, owner, fetched, next(numbers))

        backend = database.perform(lambda connection: int(connection.scalar(text("SELECT pg_backend_pid()")) or 0))
        ours, theirs = time.process_time(), server_cpu_s(backend)
        day = Figure("a day of 4,400 bars: fetch, parse, store, commit", "ms", timed_ms(store_a_day, TIMES), goal=100)
        ours, theirs = time.process_time() - ours, server_cpu_s(backend) - theirs
        database.close()
        client.close()
    floor = Figure("json.loads + bare COPY", "ms", [parse.median + copy.median])
    each_ms = 1000 / (TIMES + 1)
    used = f"processor time of a day: ours {ours * each_ms:.0f} ms, of Postgres {theirs * each_ms:.0f} ms"
    return [parse.line(), copy.line(), day.line(floor), used]


def _days() -> Iterator[Answer]:
    """Answers of the same size, each of another day, so that every row is new."""
    market = Market(4400)
    for number in count():
        day = FIRST + timedelta(days=number)
        yield Answer(200, f'{{"data": [{", ".join(market.bars_of_day(day, day))}]}}'.encode(), may_compress=False)


def _store(database: Database, owner: Owner, batch: Batch, number: int) -> None:
    clock = SystemClock()
    day = FIRST + timedelta(days=number)

    def work(connection: object) -> None:
        now = clock.now()
        datasets.upsert(connection, batch, owner, execution_id=number, fetched_at=now)  # type: ignore[arg-type]
        covered = Covered("ALL", day, day, now)
        coverage.record(  # type: ignore[arg-type]
            connection, owner, "daily_bars", covered, rows=len(batch.rows), pages=1, execution_id=number
        )

    database.perform(work)


def _bare_copies(server: EmbeddedServer, batch: Batch) -> list[float]:
    columns = batch.dataset.columns[:-1]
    declared = ", ".join(f"{column.name} {column.type}" for column in columns)
    with psycopg.connect(server.dsn("owner"), autocommit=True) as connection:
        connection.execute(f"CREATE TABLE bare ({declared})")  # type: ignore[arg-type]

        def copy_rows() -> None:
            with connection.cursor() as cursor, cursor.copy("COPY bare FROM STDIN") as copy:
                for row in batch.rows:
                    copy.write_row(row[:-1])

        return timed_ms(copy_rows, TIMES)
