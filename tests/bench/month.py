"""A month of the whole market at five requests a window: ours, ours killed half-way, and the vendor's own client."""

from __future__ import annotations

import re
import sys
import time
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from moomarkets.domain.clock import ShiftedClock
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.limits import Window
from moomarkets.settings import Settings
from moomarkets.store.embedded.server import EmbeddedServer
from moomarkets.system import System
from tests.bench.ground import durable_server
from tests.support.official_client import official_client
from tests.support.postgres import swept_directory
from tests.support.supervisor import SupervisorProcess

TODAY = datetime(2027, 1, 4, 3, tzinfo=UTC)
FIRST, LAST = date(2026, 9, 1), date(2026, 9, 30)
LIMIT = Window(5, 3)
"""Five in three seconds stand for five in a minute, so that the month takes seconds and not minutes."""
DAYS, HALF = 19, 9
NEEDED = DAYS + 1
"""One for each trading day, and one for the calendar."""
_DAY = re.compile(r"/bars/daily\?date=([\d-]+)")
PATIENCE_S = 180.0


def run() -> list[str]:
    """Requests, refusals and days kept of each; ours has to send exactly what is needed, and to keep all of it."""
    lines = [f"{'':<44} {'requests':>8} {'of them 429':>12} {'days kept':>10}"]
    for name, is_killed in (("moomarkets", False), ("moomarkets, killed half-way and started again", True)):
        sent, refused, kept = _ours(is_killed=is_killed)
        verdict = "as needed" if (sent, refused, kept) == (NEEDED, 0, DAYS) else f"NOT as needed ({NEEDED}, 0, {DAYS})"
        lines.append(f"{name:<44} {sent:>8} {refused:>12} {kept:>10}  {verdict}")
    sent, refused, kept = _vendor()
    lines.append(f"{'the official client':<44} {sent:>8} {refused:>12} {kept:>10}")
    return lines


def fill(base_url: str, database_url: str, data_dir: str) -> None:
    """What a process of ours does: the calendar, then the month."""
    jquants = {"base_url": base_url, "plan": "free", "limits": [[LIMIT.count, LIMIT.seconds]], "api_key": DEMO_KEY}
    sources = {"jquants": jquants, "yahoo": {"is_enabled": False}}
    settings = Settings(database_url=database_url, data_dir=Path(data_dir), sources=sources, request_deadline_s=15)
    with System(settings, clock=ShiftedClock.starting_at(TODAY)) as system:
        if not system.groups.exists("calendar"):
            system.groups.create(GroupDefinition("calendar", "jquants", ("trading_calendar",), retry_delay_s=1))
        system.groups.run("calendar").wait(PATIENCE_S)
        filling = system.coverage.fill("daily_bars", from_on=FIRST, to_on=LAST)
        for run in filling.runs:
            system.groups.run(run.group).wait(PATIENCE_S)


def _ours(*, is_killed: bool) -> tuple[int, int, int]:
    with swept_directory() as path, durable_server() as server, _provider() as provider:
        arguments = (provider.base_url, server.dsn("owner"), str(path))
        if is_killed:
            victim = SupervisorProcess(*arguments, env={}, program=("-m", "tests.bench.month"))
            _wait_for_quiet(server, provider)
            victim.kill()
        process = SupervisorProcess(*arguments, env={}, program=("-m", "tests.bench.month"))
        deadline = time.monotonic() + PATIENCE_S
        while _kept(server) < DAYS and time.monotonic() < deadline:
            time.sleep(0.2)
        if process.wait():
            raise AssertionError(process.errors)
        return (*_answers(provider), _kept(server))


def _wait_for_quiet(server: EmbeddedServer, provider: JQuantsSimulator) -> None:
    """Until about half of the days are here and none is on its way."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        asked = sum(1 for entry in provider.ledger.entries() if _DAY.search(entry.target))
        if HALF <= asked == _kept(server):
            return
        time.sleep(0.02)
    raise AssertionError(f"expected {HALF} days within {PATIENCE_S:g} s, got {_kept(server)}")


def _vendor() -> tuple[int, int, int]:
    """The month as the vendor's own client asks for it."""
    kept = 0
    with _provider() as provider, pytest.MonkeyPatch.context() as patch:
        vendor = official_client(provider.base_url, DEMO_KEY, patch)
        with suppress(Exception):
            kept = vendor.get_eq_bars_daily_range(f"{FIRST:%Y%m%d}", f"{LAST:%Y%m%d}")["Date"].nunique()
        return (*_answers(provider), kept)


def _provider() -> JQuantsSimulator:
    return JQuantsSimulator("free", today=TODAY, limit=LIMIT)


def _answers(provider: JQuantsSimulator) -> tuple[int, int]:
    statuses = [entry.status for entry in provider.ledger.entries()]
    return len(statuses), statuses.count(429)


def _kept(server: EmbeddedServer) -> int:
    with psycopg.connect(server.dsn("owner")) as connection:
        if connection.execute("SELECT to_regclass('coverage')").fetchone() == (None,):
            return 0
        found = connection.execute("SELECT count(*) FROM coverage WHERE dataset = 'daily_bars'").fetchone()
    return int(found[0]) if found else 0


if __name__ == "__main__":
    fill(*sys.argv[1:])
