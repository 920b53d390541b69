"""Ten years of daily bars from bulk files of a month each, end to end; beside a COPY of the same rows, and no more."""

from __future__ import annotations

import argparse
import gzip
import random
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg

from datasources.jquants.endpoints import DAILY_BARS_ENDPOINT, JQUANTS
from datasources.simulators.faults import Answer
from datasources.simulators.server import Question, json_answer
from datasources.simulators.tokyo_calendar import trading_day_from
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.datasets.equities import DAILY_BARS
from moomarkets.domain.events import NoEvents
from moomarkets.domain.job import Attempt, PlannedJob, Succeeded
from moomarkets.jobtypes.bulk_fetch import BulkFetch
from moomarkets.jobtypes.dataset_upkeep import DatasetUpkeep
from moomarkets.jobtypes.job_type import Tools
from moomarkets.jobtypes.perform import perform
from moomarkets.store import runs, sources
from moomarkets.store.database import Database
from moomarkets.store.embedded.server import EmbeddedServer
from moomarkets.store.migrate import upgrade
from moomarkets.store.packing import HEADER, TRAILER, Provenance, RowPacker
from tests.bench.ground import durable_server
from tests.bench.measure import Figure, server_cpu_s
from tests.datasources.support import ScriptedProvider, jquants_client
from tests.moomarkets.store.scene import START, Scene

MONTHS, ISSUES, GOAL = 120, 4400, 50_000
FIRST, LAST = date(2016, 11, 1), date(2026, 10, 31)
BARE_MONTHS = 6
_HEADER = b"Date,Code,O,H,L,C,UL,LL,Vo,Va,AdjFactor,AdjO,AdjH,AdjL,AdjC,AdjVo\n"
_PAGE = resource.getpagesize()


def run(words: Sequence[str] = ()) -> list[str]:
    """Load the newest months, 120 if nothing else is said."""
    parser = argparse.ArgumentParser(prog="bulk")
    parser.add_argument("--months", type=int, default=MONTHS)
    parser.add_argument("--wide", type=int, default=2, help="files that are loaded at the same time")
    given = parser.parse_args(words)
    with ExitStack() as undo:
        files = Files(Path(undo.enter_context(tempfile.TemporaryDirectory())), _months()[-given.months :])
        server = undo.enter_context(durable_server())
        upgrade(server.dsn("owner"))
        provider = undo.enter_context(ScriptedProvider(files.answer))
        load = Load(server, f"{provider.url}/v2", files)
        undo.callback(load.close)
        return load.lines(given.wide)


class Files:
    """One file a month with prices made up, all of them written before anything is measured."""

    def __init__(self, folder: Path, months: Sequence[Sequence[date]]) -> None:
        self.months = {f"{days[0]:%Y-%m}": tuple(days) for days in months}
        self._folder = folder
        templates = [_bars(random.Random(number)) for number in range(23)]
        for month, days in self.months.items():
            with gzip.open(folder / month, "wb", compresslevel=1) as file:
                file.write(_HEADER)
                for day, template in zip(days, templates, strict=False):
                    file.write(template.replace(b"YYYY-MM-DD", day.isoformat().encode()))

    @property
    def rows(self) -> int:
        return ISSUES * sum(map(len, self.months.values()))

    def answer(self, question: Question) -> Answer:
        """The list of one month, an address, or a file."""
        month = question.query.get("from", "")
        if question.path.endswith("/bulk/list"):
            key = f"equities/bars/daily/historical/{month[:4]}/equities_bars_daily_{month.replace('-', '')}.csv.gz"
            size = (self._folder / month).stat().st_size
            return json_answer(200, {"data": [{"Key": key, "Size": size, "LastModified": "2026-11-02T08:10:00Z"}]})
        if question.path.endswith("/bulk/get"):
            digits = question.query["key"][-13:-7]
            host = question.headers["host"]
            return json_answer(200, {"url": f"http://{host}/files/{digits[:4]}-{digits[4:]}?signature=s"})
        return Answer(200, (self._folder / question.path[-7:]).read_bytes(), "application/gzip", may_compress=False)


class Load:
    """A database and the jobs that load the files into it."""

    def __init__(self, server: EmbeddedServer, base_url: str, files: Files) -> None:
        self._server, self._files = server, files
        self._database = Database(server.dsn("app"), purpose="bench", pool_size=4, statement_timeout_s=30)
        self._client = jquants_client(base_url, events=NoEvents())  # type: ignore[arg-type]
        self._scene = Scene(self._database)
        self._source_id = self._scene.do(sources.ensure, JQUANTS)
        self._job_type = DatasetUpkeep("jquants", DAILY_BARS_ENDPOINT)
        self._tools = Tools(
            database=self._database,
            open_source=lambda user_id, source: self._client,
            source_ids={"jquants": self._source_id},
            subscriptions={},
            job_types={self._job_type.name: self._job_type},
            clock=SystemClock(),
            events=NoEvents(),
        )

    def lines(self, wide: int) -> list[str]:
        """Measure and say how it came out."""
        bare = Figure("bare COPY, without any index, committed", "rows/s", list(self._bare_copies()))
        backend = int(self._scene.one("SELECT pg_backend_pid()")[0])
        before_kb, started = _rss_kb(), time.perf_counter()
        ours, theirs = time.process_time(), server_cpu_s(backend)
        seen = list(self._load(wide))
        seconds = time.perf_counter() - started
        ours, theirs = time.process_time() - ours, server_cpu_s(backend) - theirs
        name = f"{self._files.rows:,} rows in {len(self._files.months)} files, {wide} at a time"
        rate = Figure(name, "rows/s", [self._files.rows / seconds], goal=GOAL, is_more_better=True)
        stored = self._scene.one("SELECT count(*), (SELECT sum(rows) FROM coverage) FROM daily_bars")
        assert tuple(stored) == (self._files.rows, self._files.rows), stored
        marks = ", ".join(f"{share} % {kb / 1024:.0f}" for share, kb in seen)
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        again = time.perf_counter()
        list(self._load(wide))
        again = time.perf_counter() - again
        return [
            bare.line(),
            rate.line(bare),
            f"processor time in {seconds:.1f} s: ours {ours:.1f} s, {ours / self._files.rows * 1e6:.1f} us a row;"
            f" of Postgres {theirs:.1f} s, {theirs / self._files.rows * 1e6:.1f} us a row",
            f"memory in MB: before {before_kb / 1024:.0f}, at {marks}, peak of all {peak_kb / 1024:.0f}",
            f"all of it once more, nothing changed: {self._files.rows / again:.0f} rows/s",
        ]

    def close(self) -> None:
        self._client.close()
        self._database.close()

    def _load(self, wide: int) -> Iterator[tuple[int, int]]:
        attempts = self._attempts()
        marks = {max(1, len(attempts) * share // 100): share for share in (10, 50, 100)}
        with ThreadPoolExecutor(wide) as pool:
            for number, ending in enumerate(pool.map(self._perform, attempts), 1):
                assert isinstance(ending, Succeeded), ending
                if number in marks:
                    yield marks[number], _rss_kb()

    def _perform(self, attempt: Attempt) -> object:
        return perform(attempt, uuid4(), self._tools, CancelToken())

    def _attempts(self) -> list[Attempt]:
        run_id = self._scene.request(self._scene.group())
        plan = self._scene.admit(run_id)
        planned = [self._planned(month, days) for month, days in self._files.months.items()]
        self._scene.complete(plan, write=lambda connection: runs.plan(connection, run_id, planned, START) and None)
        attempts = self._scene.claim(1000, job_types=[self._job_type.name], lease_s=3600)
        assert len(attempts) == len(planned)
        return attempts

    def _planned(self, month: str, days: tuple[date, ...]) -> PlannedJob:
        return BulkFetch("daily_bars", month, days).job(f"bars {month}", self._job_type.name, month)

    def _bare_copies(self) -> Iterator[float]:
        """Rows a second of a COPY of whole months, packed before."""
        packer = RowPacker(DAILY_BARS, Provenance(1, self._source_id, 1, SystemClock().now()))
        (file,) = self._client.bulk_files(DAILY_BARS_ENDPOINT, next(iter(self._files.months)), CancelToken())
        batches = [batch.rows for batch in self._client.open_bulk(DAILY_BARS_ENDPOINT, file, CancelToken())]
        pieces, rows = [packer.pack(some) for some in batches], sum(map(len, batches))
        with psycopg.connect(self._server.dsn("owner"), autocommit=True) as connection:
            connection.execute("CREATE TABLE bare (LIKE daily_bars)")
            for _ in range(BARE_MONTHS):
                started = time.perf_counter()
                statement = f"COPY bare ({', '.join(packer.columns)}) FROM STDIN (FORMAT BINARY)"
                with connection.cursor() as cursor, cursor.copy(statement) as copy:
                    for piece in (HEADER, *pieces, TRAILER):
                        copy.write(piece)
                yield rows / (time.perf_counter() - started)
            connection.execute("DROP TABLE bare")


def _months() -> list[list[date]]:
    """The trading days of ten years, by month."""
    months: dict[str, list[date]] = {}
    day = FIRST
    while day <= LAST:
        if trading_day_from(day) == day:
            months.setdefault(f"{day:%Y-%m}", []).append(day)
        day += timedelta(days=1)
    return list(months.values())


def _bars(random_: random.Random) -> bytes:
    """All issues on one day, whose date is still to be filled in."""
    lines = []
    for number in range(ISSUES):
        price, volume = round(random_.uniform(100, 9000), 1), random_.randrange(10_000) * 100
        prices = f"{price},{price + 9:.1f},{price - 9:.1f},{price + 1:.1f}"
        lines.append(
            f"YYYY-MM-DD,{10000 + number},{prices},0,0,{volume}.0,{volume * price:.1f},1.0,{prices},{volume}.0\n"
        )
    return "".join(lines).encode()


def _rss_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE // 1024
