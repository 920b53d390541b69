"""The rate limiter, saturated in virtual time: what the server has counted; and its permits a second in real time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

import psycopg
from sqlalchemy import text

from actors import names
from actors.otp.thread_runtime import ThreadRuntime
from actors.rate_limiter import Acquire, LimiterRules, RateLimiter
from actors.store_writer import StoreWriter
from datasources.jquants.endpoints import PLANS
from datasources.yahoo import YAHOO
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.domain.limits import Window
from moomarkets.store import buckets, permits, sources
from moomarkets.store.buckets import Bucket
from moomarkets.store.database import Database
from moomarkets.store.embedded.server import EmbeddedServer
from moomarkets.store.migrate import upgrade
from moomarkets.store.permits import Ask
from tests.bench.ground import durable_server
from tests.bench.measure import Figure
from tests.sim.ground import ground
from tests.sim.provider import SPEC
from tests.sim.rush import Limits, Rush

LATENCY_S = (0.05, 1.0)
WORLDS = 2
WINDOWS_LONG = 6
MOST_WANTS = 60
PERMITS, BATCH, TIMES = 2000, 20, 5
OPEN = Window(1_000_000, 1.0)
"""A window that never fills."""


def run() -> list[str]:
    """Every J-Quants plan and Yahoo; then one limiter against the bare statement, on the same durable server."""
    with ground() as (database, owner):
        saturated = [_saturated(plan.name, plan.windows[0], database, owner) for plan in PLANS.values()]
        saturated.append(_saturated("yahoo", YAHOO.windows[0], database, owner))
    with durable_server() as server, _store(server) as store:
        raw = Figure(f"raw reserve of {BATCH} permits at a time", "/s", _timed(partial(_raw, store)))
        limiter = Figure("permits of one limiter", "/s", _timed(partial(_limiter, store)))
    return [line for lines in saturated for line in lines] + [raw.line(), limiter.line(raw)]


def _saturated(name: str, window: Window, database: Database, owner: psycopg.Connection) -> list[str]:
    shares, overflows = [], 0
    for seed in range(1, WORLDS + 1):
        wants = ["bars"] * min(window.count, MOST_WANTS)
        rush = Rush(seed, database, owner, Limits((window,)), wants=wants, latency=LATENCY_S, deadline_s=60.0)
        rush.world.run_for(max(window.seconds, 60.0) * WINDOWS_LONG)
        rush.close()
        shares.append(rush.ledger.used_share(window) * 100)
        overflows += len(rush.overflows())
    # A slot comes round again a window and one answer later: that is all that may be lost.
    due = 98.0 if window.seconds >= 60 else 100 * window.seconds / (window.seconds + sum(LATENCY_S) / 2) - 1
    label = f"{name}, {window.count} in {window.seconds:g} s, answers take {LATENCY_S[0]} - {LATENCY_S[1]:g} s"
    share = Figure(label, "% used", shares, goal=round(due, 1), is_more_better=True)
    return [share.line(), Figure(f"{name}, windows that overflowed", "", [overflows], goal=0).line()]


@contextmanager
def _store(server: EmbeddedServer) -> Iterator[tuple[Database, Bucket, int]]:
    """A migrated database with one bucket."""
    upgrade(server.dsn("owner"), NoEvents())
    database = Database(server.dsn("app"), purpose="permits", pool_size=1)
    source_id = database.perform(lambda connection: sources.ensure(connection, SPEC))
    bucket_id = database.perform(lambda connection: buckets.bucket_id(connection, source_id, 1))
    yield database, Bucket(bucket_id, (OPEN,), {}), source_id
    database.close()


def _timed(work: Callable[[], None]) -> list[float]:
    work()
    rates = []
    for _ in range(TIMES):
        started = time.perf_counter()
        work()
        rates.append(PERMITS / (time.perf_counter() - started))
    return rates


def _raw(store: tuple[Database, Bucket, int]) -> None:
    database, bucket, _ = store
    for _ in range(PERMITS // BATCH):
        asks = [Ask(uuid4(), "bars") for _ in range(BATCH)]
        got = database.perform(partial(permits.reserve, bucket=bucket, asks=asks, node_id=uuid4(), deadline_s=0.1))
        assert len(got.granted) == BATCH
    _forget(database)


def _limiter(store: tuple[Database, Bucket, int]) -> None:
    database, _, source_id = store
    runtime = ThreadRuntime(SystemClock(), NoEvents())
    rules = LimiterRules(SPEC.code, source_id, 1, (OPEN,), {}, uuid4(), deadline_s=0.1, use_within_s=0.1)
    runtime.start(StoreWriter, database, name=names.PERMITS)
    runtime.start(RateLimiter, rules, name="limiter")
    waiting = [runtime.request("limiter", Acquire("bars")) for _ in range(PERMITS)]
    for promise in waiting:
        assert runtime.wait_for(promise, 60)
        promise.result()
    runtime.close()
    _forget(database)


def _forget(database: Database) -> None:
    database.perform(lambda connection: connection.execute(text("DELETE FROM permits")) and None)
