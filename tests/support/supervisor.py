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
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from datasources.simulators.yahoo import YahooSimulator
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.installation import Installation
from moomarkets.settings import Settings

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
SUPERVISOR = ("-m", "moomarkets.supervisor")
NOTHING: Mapping[str, str] = MappingProxyType({})


class SupervisorProcess:
    """`python -m moomarkets.supervisor` with these arguments; its standard output is read as it comes."""

    def __init__(
        self,
        *arguments: str,
        env: Mapping[str, str],
        program: Sequence[str] = SUPERVISOR,
        leads_group: bool = False,
    ) -> None:
        """`program` is run in place of the supervisor; with `leads_group` it starts as a terminal starts it."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MOOMARKETS_")}
        self._process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=ROOT,
            env={**clean, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0 if leads_group else None,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._said, self._complained = Lines(self._process.stdout), Lines(self._process.stderr)
        self._readers = [threading.Thread(target=stream.read, daemon=True) for stream in (self._said, self._complained)]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> list[str]:
        """The lines of standard output so far."""
        return self._said.seen

    @property
    def errors(self) -> str:
        """What was said on standard error so far."""
        return "".join(self._complained.seen)

    def wait_for_line(self, part: str | re.Pattern[str]) -> str:
        """The next line of standard output that holds `part`."""
        return self._wait_for(self._said, part)

    def wait_for_error(self, part: str | re.Pattern[str]) -> str:
        """The next line of standard error that holds `part`."""
        return self._wait_for(self._complained, part)

    def wait_ready(self) -> dict[str, object]:
        """The ready line."""
        ready: dict[str, object] = json.loads(self.wait_for_line('"event": "ready"'))
        return ready

    def wait_for_file(self, path: Path) -> None:
        """Wait until it has made that file."""
        deadline = time.monotonic() + PATIENCE_S
        while not path.exists():
            assert self._process.poll() is None, f"expected {path}, got an end: {self.errors}"
            assert time.monotonic() < deadline, f"expected {path}, got none in {PATIENCE_S} s"
            time.sleep(0.005)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def press_ctrl_c(self) -> None:
        """As a terminal does: the signal goes to the whole group."""
        os.killpg(self.pid, signal.SIGINT)

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

    def _wait_for(self, lines: Lines, part: str | re.Pattern[str]) -> str:
        pattern = re.compile(re.escape(part)) if isinstance(part, str) else part
        while (line := lines.coming.get(timeout=PATIENCE_S)) is not None:
            if pattern.search(line):
                return line
        raise AssertionError(f"expected a line with {pattern.pattern!r}, got {self.output} and {self.errors}")


class Lines:
    """What a process writes to one stream, line by line, read as it comes."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.seen: list[str] = []
        self.coming: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read(self) -> None:
        """Until the end, in a thread of its own."""
        for line in self._stream:
            self.seen.append(line)
            self.coming.put(line)
        self.coming.put(None)


class Playground:
    """Simulators in this process and a data directory; `start` runs supervisors on them."""

    def __init__(self, data_dir: Path, jquants: JQuantsSimulator, yahoo: YahooSimulator) -> None:
        self.data_dir, self.jquants, self.yahoo = data_dir, jquants, yahoo
        self._processes: list[SupervisorProcess] = []
        self.env = {
            "MOOMARKETS_DATA_DIR": str(data_dir),
            "MOOMARKETS_WEB_PORT": "0",
            "MOOMARKETS_SOURCES__JQUANTS__BASE_URL": jquants.base_url,
            "MOOMARKETS_SOURCES__JQUANTS__PLAN": "light",
            "MOOMARKETS_SOURCES__JQUANTS__API_KEY": DEMO_KEY,
            "MOOMARKETS_SOURCES__YAHOO__BASE_URL": yahoo.url,
            "MOOMARKETS_SOURCES__YAHOO__LIMITS": "[[5, 1]]",
        }

    def start(self, *arguments: str, **env: str) -> SupervisorProcess:
        return self.run(*arguments, env=env)

    def run(self, *arguments: str, env: Mapping[str, str] = NOTHING, **how: Any) -> SupervisorProcess:
        """The same, with what else `SupervisorProcess` takes."""
        process = SupervisorProcess(*arguments, env={**self.env, **env}, **how)
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
