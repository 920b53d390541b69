"""Places for embedded servers, and processes that own them."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.store.embedded.server import EmbeddedServer
from tests.support.postgres import FAST, swept_directory

ROOT = Path(__file__).parents[4]
NOBODY = 65534
MakeServer = Callable[..., EmbeddedServer]


class Owner:
    """A started `owner.py`."""

    def __init__(self, data_dir: Path, mode: str = "plain", command: tuple[str, ...] = (sys.executable,)) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self.process = subprocess.Popen(
            [*command, "-B", "-m", f"{__package__}.owner", str(data_dir), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
        )

    def answer(self) -> dict[str, Any]:
        """What it says when it has started its server, or could not."""
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline() or "{}")
        return found

    def close(self) -> None:
        """Let it end in order."""
        self.process.communicate()


@pytest.fixture(scope="session")
def ground() -> Iterator[Path]:
    """A directory through which every account may pass, as is usual for the parents of data directories."""
    with swept_directory() as path:
        path.chmod(0o711)
        yield path


@pytest.fixture(scope="session")
def data_dir(ground: Path) -> Path:
    """A data directory with a database, the same for all tests: each leaves it whole and without an owner."""
    server = EmbeddedServer(ground / "data", clock=SystemClock(), events=NoEvents(), settings=FAST)
    server.start()
    server.stop()
    return server.data_dir


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return count()


@pytest.fixture
def place(ground: Path, numbers: Iterator[int]) -> Iterator[Path]:
    """A new, empty directory."""
    path = ground / str(next(numbers))
    path.mkdir(mode=0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def make_server() -> Iterator[MakeServer]:
    """Makes servers with settings for tests; stops them all."""
    made: list[EmbeddedServer] = []

    def make(path: Path, **options: Any) -> EmbeddedServer:
        options.setdefault("settings", FAST)
        made.append(EmbeddedServer(path, **{"clock": SystemClock(), "events": NoEvents(), **options}))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def start_owner() -> Iterator[Callable[..., Owner]]:
    """Starts processes that own a server; ends them all."""
    started: list[Owner] = []

    def start(*arguments: Any, **options: Any) -> Owner:
        started.append(Owner(*arguments, **options))
        return started[-1]

    yield start
    for owner in started:
        owner.close()


@pytest.fixture
def as_nobody() -> tuple[str, ...]:
    """What to put before a Python program to run it as another, ordinary user; skips where that is impossible."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become another user")
    prefix = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    system = f"/usr/bin/python{sysconfig.get_python_version()}"
    # Twice, because the first execution still has the rights of root.
    again = "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"
    for python in (sys.executable, system):
        if subprocess.run([*prefix, python, "-c", again], check=False, capture_output=True).returncode == 0:
            return (*prefix, python)
    pytest.skip("no Python of this version that another user may execute")


def has_ended(pid: int, within_s: float) -> bool:
    """Wait for the end of a process that need not be our child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], within_s)[0])
    finally:
        os.close(descriptor)
