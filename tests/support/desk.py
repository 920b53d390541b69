"""Supervisor processes on a database of the test's own, whose only work are jobs that the test holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from moomarkets.store.database import libpq_url
from tests.support import gated_jobs
from tests.support.gate import Gate, gate
from tests.support.supervisor import SupervisorProcess


class Desk:
    """`start` runs a supervisor, `gate` stores and holds its jobs, `rows` tells what has become of them."""

    def __init__(self, database_url: str, folder: Path, gate: Gate) -> None:
        self.gate = gate
        self._url = libpq_url(database_url)
        self._processes: list[SupervisorProcess] = []
        self._env = {
            "PYTHONPATH": str(gated_jobs.install(folder / "installed")),
            "MOOMARKETS_DATABASE_URL": database_url,
            "MOOMARKETS_DATA_DIR": str(folder / "data"),
            "MOOMARKETS_WEB_PORT": "0",
            # The groups that a fresh database gets must not take executors.
            "MOOMARKETS_SOURCES__JQUANTS__IS_ENABLED": "false",
            "MOOMARKETS_SOURCES__YAHOO__IS_ENABLED": "false",
            "MOOMARKETS_EXECUTORS": "2",
            "MOOMARKETS_LOG_LEVEL": "info",
        }

    def start(self, *arguments: str, **env: str) -> SupervisorProcess:
        """A supervisor, ready."""
        return self.run(*arguments, env=env)

    def run(self, *arguments: str, env: Mapping[str, str], **how: Any) -> SupervisorProcess:
        """The same, with what else `SupervisorProcess` takes."""
        process = SupervisorProcess(*arguments, env={**self._env, **env}, **how)
        self._processes.append(process)
        process.wait_ready()
        return process

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a statement finds."""
        with psycopg.connect(self._url) as connection:
            return connection.execute(sql).fetchall()  # type: ignore[call-overload]  # a literal of the test

    def change(self, sql: str) -> None:
        """Do something to the database behind the supervisors' backs."""
        with psycopg.connect(self._url) as connection:
            connection.execute(sql)  # type: ignore[call-overload]  # a literal of the test

    def close(self) -> None:
        for process in self._processes:
            process.kill()


@contextmanager
def desk(database_url: str, folder: Path) -> Iterator[Desk]:
    """A desk whose processes are gone afterwards."""
    with gate(database_url) as held:
        made = Desk(database_url, folder, held)
        try:
            yield made
        finally:
            made.close()
