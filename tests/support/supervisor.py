"""A real supervisor process for tests: started, watched through its output, signalled, killed."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from datasources.simulators.yahoo import YahooSimulator
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.installation import Installation
from moomarkets.settings import Settings

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


class SupervisorProcess:
    """`python -m moomarkets.supervisor` with these arguments; its standard output is read as it comes."""

    def __init__(self, *arguments: str, env: Mapping[str, str]) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MOOMARKETS_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moomarkets.supervisor", *arguments],
            cwd=ROOT,
            env={**clean, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.output: list[str] = []
        self.errors = ""
        self._readers = [
            threading.Thread(target=reader, daemon=True) for reader in (self._read_output, self._read_errors)
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for_line(self, part: str | re.Pattern[str]) -> str:
        """The next line of standard output that holds `part`."""
        pattern = re.compile(re.escape(part)) if isinstance(part, str) else part
        while (line := self._lines.get(timeout=PATIENCE_S)) is not None:
            if pattern.search(line):
                return line
        raise AssertionError(f"expected a line with {pattern.pattern!r}, got {self.output} and {self.errors}")

    def wait_ready(self) -> dict[str, object]:
        """The ready line."""
        ready: dict[str, object] = json.loads(self.wait_for_line('"event": "ready"'))
        return ready

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """As a power cut would: nothing is said, nothing is cleaned up."""
        self._process.kill()
        self.wait()

    def wait(self) -> int:
        """The exit code."""
        code = self._process.wait(timeout=PATIENCE_S)
        for reader in self._readers:
            reader.join()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        return code

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        self.errors = self._process.stderr.read()


class Playground:
    """Simulators in this process and a data directory; `start` runs supervisors on them."""

    def __init__(self, data_dir: Path, jquants: JQuantsSimulator, yahoo: YahooSimulator) -> None:
        self.data_dir, self.jquants, self.yahoo = data_dir, jquants, yahoo
        self._processes: list[SupervisorProcess] = []
        self.env = {
            "MOOMARKETS_DATA_DIR": str(data_dir),
            "MOOMARKETS_SOURCES__JQUANTS__BASE_URL": jquants.base_url,
            "MOOMARKETS_SOURCES__JQUANTS__PLAN": "light",
            "MOOMARKETS_SOURCES__JQUANTS__API_KEY": DEMO_KEY,
            "MOOMARKETS_SOURCES__YAHOO__BASE_URL": yahoo.url,
            "MOOMARKETS_SOURCES__YAHOO__LIMITS": "[[5, 1]]",
        }

    def start(self, *arguments: str, **env: str) -> SupervisorProcess:
        process = SupervisorProcess(*arguments, env={**self.env, **env})
        self._processes.append(process)
        return process

    @contextmanager
    def installation(self) -> Iterator[Installation]:
        """The same installation, looked at without a supervisor or beside one."""
        with ExitStack() as undo:
            settings = Settings(data_dir=self.data_dir, demo=True)
            yield Installation(settings, SystemClock(), NoEvents(), undo, shares=True)

    def close(self) -> None:
        for process in self._processes:
            process.kill()


@contextmanager
def playground(data_dir: Path, *, issues: int = 300) -> Iterator[Playground]:
    """A playground whose processes are gone afterwards."""
    with JQuantsSimulator(plan="light", issues=issues) as jquants, YahooSimulator() as yahoo:
        ground = Playground(data_dir, jquants, yahoo)
        try:
            yield ground
        finally:
            ground.close()
