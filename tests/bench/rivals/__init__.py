"""Other job queues, each in a process of its own on the same Postgres; installed by the bench for its own time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from moomarkets.store.embedded.server import EmbeddedServer
from tests.bench.measure import Figure

PACKAGES = {
    "pgqueuer": ["pgqueuer==1.6.0", "asyncpg", "uvloop"],
    "procrastinate": ["procrastinate==3.10.0"],
    "apscheduler": ["apscheduler==3.11.3", "sqlalchemy", "psycopg[binary]"],
}
LONGEST_S = 600


@dataclass(frozen=True)
class Rival:
    """One of them, installed."""

    name: str
    python: Path
    server: EmbeddedServer

    def values(self, workload: str, count: int, times: int) -> list[float]:
        """What its script measured, once for each time, in a fresh database and a fresh process."""
        script = Path(__file__).with_name(f"with_{self.name}.py")
        measured = []
        for _ in range(times):
            with fresh_database(self.server) as url:
                command = [self.python, script, url, workload, str(count)]
                done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=True)
                measured += json.loads(done.stdout.splitlines()[-1])
        return measured

    def rate(self, workload: str, count: int, times: int = 3) -> Figure:
        """Jobs per second in a workload that tells how long all of them took."""
        seconds = self.values(workload, count, times)
        return Figure(f"{self.name}, {workload}", "jobs/s", [count / value for value in seconds])


@contextmanager
def rivals(server: EmbeddedServer, *names: str) -> Iterator[list[Rival]]:
    """Those that can be installed here; the others are left out, with a word on standard error."""
    with TemporaryDirectory() as home:
        yield [Rival(name, python, server) for name in names if (python := _installed(Path(home) / name, name))]


@contextmanager
def fresh_database(server: EmbeddedServer) -> Iterator[str]:
    """An empty schema to work in, gone afterwards."""
    url = server.dsn("owner")
    _sql(url, "CREATE SCHEMA IF NOT EXISTS public")
    yield url
    _sql(url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


def _sql(url: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[arg-type]  # a text of ours


def _installed(home: Path, name: str) -> Path | None:
    python = home / "bin" / "python"
    steps: Sequence[Sequence[str | Path]] = (
        [sys.executable, "-m", "venv", home],
        [python, "-m", "pip", "install", "--quiet", *PACKAGES[name]],
    )
    for step in steps:
        if subprocess.run(step, capture_output=True, check=False).returncode:
            print(f"  {name} could not be installed", file=sys.stderr)
            return None
    return python
