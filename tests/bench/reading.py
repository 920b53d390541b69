"""A million daily bars out of the store as frames and files, adjusted and as of an instant, beside a raw COPY."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from datasources.jquants.endpoints import JQUANTS
from moomarkets.services.data import Data
from moomarkets.store import sources
from moomarkets.store.database import Database
from moomarkets.store.migrate import upgrade
from moomarkets.store.reading import Reader
from tests.bench.ground import durable_server
from tests.bench.measure import Figure, timed_ms

ISSUES, DAYS = 4000, 250
TIMES = 3
GOAL_S = 2.0
KNOWN_AT = datetime(2026, 6, 1, tzinfo=UTC)
# Every sixtieth issue is split once; every hundredth row is corrected after `KNOWN_AT`.
FILL = """
    INSERT INTO daily_bars
    SELECT 1, %(source)s, (1301 + issue)::text || '0', date '2025-06-01' + day, 100 + issue %% 50 + day %% 10 / 10.0,
           110.5, 90.5, 105 + day %% 7 / 10.0, '0', '0', 100.0 * issue, 1e6,
           CASE WHEN issue %% 60 = 0 AND day = 120 THEN 0.5 ELSE 1 END, NULL, 1,
           timestamptz '2026-05-01' + CASE WHEN (issue + day) %% 100 = 0 THEN interval '60 days' ELSE interval '0' END
    FROM generate_series(0, %(days)s - 1) AS day, generate_series(0, %(issues)s - 1) AS issue
"""
CORRECT = """
    INSERT INTO revisions (user_id, data_source_id, dataset, row)
    SELECT user_id, data_source_id, 'daily_bars', to_jsonb(kept) || '{"close": 1, "fetched_at": "2026-05-01T00:00Z"}'
    FROM daily_bars AS kept WHERE fetched_at > '2026-06-01'
"""
PLAIN = """
    SELECT code, on_date, open, high, low, close, upper_limit, lower_limit, volume, turnover, adjustment_factor
    FROM daily_bars WHERE user_id = 1 ORDER BY code, on_date
"""
EXPORT = """
import sys
from moomarkets.services.data import Data
from moomarkets.store.database import Database
from moomarkets.store.reading import Reader
url, to = sys.argv[1:]
Data(Database(url, purpose="bench"), Reader(url), 1).export("daily_bars", to)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def run() -> list[str]:
    """The ways out, each of them a few times; then what exports take of memory, in processes of their own."""
    with durable_server() as server, tempfile.TemporaryDirectory() as folder:
        upgrade(server.dsn("owner"))
        url = server.dsn("app")
        database = Database(url, purpose="bench")
        data = Data(database, Reader(url), 1)
        source = database.perform(lambda connection: sources.ensure(connection, JQUANTS))
        with psycopg.connect(server.dsn("owner"), autocommit=True) as owner:
            owner.execute("SET statement_timeout = 0")
            owner.execute(FILL, {"source": source, "days": DAYS, "issues": ISSUES})
            owner.execute(CORRECT)
            owner.execute("VACUUM ANALYZE")
        copy = _figure("raw COPY, the bytes thrown away", lambda: _copied(url))
        lines = [copy.line()]
        lines.append(_figure("polars", lambda: data("daily_bars"), GOAL_S).line(copy))
        lines.append(_figure("polars, adjusted", lambda: data("daily_bars", adjusted=True), GOAL_S).line(copy))
        lines.append(_figure("polars, as of an instant", lambda: data("daily_bars", as_of=KNOWN_AT)).line(copy))
        lines.append(_figure("pandas", lambda: data.pandas("daily_bars")).line(copy))
        lines.append(f"{'peak memory of this process so far':<44} {_peak_mib():10.0f} MiB")
        lines.append(_figure("psycopg fetchall, no frame", lambda: _fetched(url)).line(copy))
        one = timed_ms(lambda: data("daily_bars", code="1301", adjusted=True), 20)
        lines.append(Figure("polars, one issue, adjusted", "ms", one).line())
        view = "SELECT * FROM v_adjusted_daily_bars WHERE user_id = 1 AND code = '13010'"
        lines.append(
            Figure("the view of adjusted bars, one issue", "ms", timed_ms(lambda: _rows(url, view), 20)).line()
        )
        database.close()
        for name in ("bars.parquet", "bars.csv"):
            lines.append(_exported(url, Path(folder) / name))
    return lines


def _figure(name: str, work: object, goal: float | None = None) -> Figure:
    assert callable(work)
    return Figure(name, "s", [value / 1000 for value in timed_ms(work, TIMES)], goal=goal)


def _copied(url: str) -> int:
    query = f"COPY ({PLAIN}) TO STDOUT"
    with psycopg.connect(url) as connection, connection.cursor() as cursor, cursor.copy(query) as copy:  # type: ignore[arg-type]
        return sum(len(chunk) for chunk in copy)


def _fetched(url: str) -> int:
    return len(_rows(url, PLAIN))


def _rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def _exported(url: str, to: Path) -> str:
    # The peak that the system tells of a child begins with that of its parent: the child looks itself.
    command = [sys.executable, "-c", EXPORT, url, str(to)]
    peak_kib = int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    name = f"peak memory of an export to {to.suffix}"
    return f"{name:<44} {peak_kib / 1024:10.0f} MiB      a file of {to.stat().st_size / 2**20:.1f} MiB"


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
