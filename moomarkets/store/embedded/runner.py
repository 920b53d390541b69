"""Runs the Postgres programs in a data directory as the server's account: `initdb` once, then `postgres`."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from moomarkets.domain.errors import EmbeddedServerError
from moomarkets.domain.events import Events
from moomarkets.store.embedded import configuration, leftovers
from moomarkets.store.embedded.access import MANAGER
from moomarkets.store.embedded.account import Account
from moomarkets.store.embedded.binaries import Binaries
from moomarkets.store.embedded.child import Child, Ended
from moomarkets.store.embedded.directory import UNSUITABLE, DataDirectory

LOOK_S = 0.01
STOP_S = 30.0
INITDB = f"-U {MANAGER} -A scram-sha-256 --pwfile=/dev/stdin -E UTF8 --locale=C --data-checksums --no-instructions"


class Runner:
    """Starts programs for the owner of `place`; copies where the account cannot execute the wheel's."""

    def __init__(self, place: DataDirectory, account: Account, events: Events) -> None:
        self._place = place
        self._account = account
        self._events = events
        self._binaries = Binaries.of_wheel()
        if not self._binaries.usable_by(account):
            self._copy()

    def initialize(self, password: str, *, is_durable: bool, stopping: threading.Event) -> None:
        """Make the database files, with `password` for the manager."""
        folder = self._place.new_cluster(self._account)
        words = [*INITDB.split(), *(() if is_durable else ("--no-sync",))]
        # The password goes through a pipe: it is in no argument, no environment and no file.
        child = self._start("initdb", ["-D", str(folder), *words], text=password)
        while (ended := child.wait(LOOK_S)) is None:
            if stopping.is_set():
                child.stop(timeout_s=1)
        if ended.code != 0:
            shutil.rmtree(folder, ignore_errors=True)
            raise EmbeddedServerError(f"database in {self._place.cluster}: expected to create it, got {how(ended)}")
        self._place.adopt_cluster(folder)

    def serve(self, settings: Mapping[str, str]) -> tuple[Child, Path]:
        """Start the server; it and the folder of its socket. It does not answer yet."""
        self._place.write_hba(self._account)
        sockets, is_fresh = self._place.socket_directory(self._account)
        leftovers.clear_sockets(sockets)
        words = configuration.arguments(settings, hba=self._place.hba, sockets=sockets)
        remove = [sockets] if is_fresh else []
        try:
            child = self._start(
                "postgres", ["-D", str(self._place.cluster), *words], log=self._place.log, remove=remove
            )
        except BaseException:
            for folder in remove:
                with suppress(OSError):
                    folder.rmdir()
            raise
        return child, sockets

    def _start(
        self,
        program: str,
        words: Sequence[str],
        *,
        text: str = "",
        log: Path | None = None,
        remove: Sequence[Path] = (),
    ) -> Child:
        def start() -> Child:
            argv = [str(self._binaries.program(program)), *words]
            return Child.start(argv, self._account, text=text, log=log, stop_s=STOP_S, remove=remove)

        try:
            return start()
        except PermissionError:
            # Modes do not tell all: the file system may forbid execution, or an access list may.
            self._copy()
        try:
            return start()
        except PermissionError as error:
            raise EmbeddedServerError(
                f"{self._binaries.program(program)}: expected what {self._account.name} can execute, "
                f"got: {error.strerror}; is the data directory on a file system mounted noexec?",
                exit_code=UNSUITABLE,
            ) from error

    def _copy(self) -> None:
        self._binaries = Binaries.of_wheel().copied_to(self._place.binaries, self._account)
        self._events.emit("database.programs_copied", directory=str(self._place.binaries))


def how(ended: Ended) -> str:
    """How a program ended, with its last complaint."""
    complaints = [line for line in ended.tail if any(word in line for word in ("FATAL:", "PANIC:", "error:"))]
    last = (complaints or list(ended.tail) or [""])[-1]
    return f"exit code {ended.code}: {last}" if last else f"exit code {ended.code}"
