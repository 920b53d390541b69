"""`python -m moomarkets.supervisor`: runs the whole system until a signal, or once through what is due."""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Until `main` catches it there is nothing to stop in order, and a traceback would help nobody.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import json
import os
import select
import socket
import sys
from contextlib import closing
from types import FrameType

import click
from rich.console import Console

from moomarkets.assembly import VERSION
from moomarkets.display import Display, LiveDisplay, PlainDisplay, StandardError, print_summary
from moomarkets.domain.clock import Clock, SystemClock
from moomarkets.domain.errors import CredentialsMissing, MoomarketsError
from moomarkets.exit_codes import ExitCode, exit_code_of
from moomarkets.logs import LogEvents, LogFormat
from moomarkets.services.progress import Progress, Snapshot
from moomarkets.settings import Settings, forget_secrets
from moomarkets.system import System

LOOK_EVERY_S = 0.5
PIPED_WIDTH = 120
JSON = LogFormat.JSON.value
STOP_MARGIN_S = 20.0
_REPORTED = ("job.", "run.", "occurrence.")


class Wakes:
    """One socket through which signals, the end of the tree and changes wake the main thread; no lock is involved."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        for end in (self._read, self._write):
            end.setblocking(False)
        self.is_stopped = False
        self.is_ended = False

    def catch_signals(self) -> None:
        """The first signal asks for an orderly stop, the second ends the process at once."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def end(self) -> None:
        """The tree has ended. Noted before the wake, which a full socket may swallow."""
        self.is_ended = True
        self.wake()

    def wake(self) -> None:
        """Wake the main thread; a full socket has woken it already."""
        try:
            self._write.send(b"w")
        except OSError:
            return

    def wait(self, timeout_s: float | None) -> None:
        """Wait for any of them, at most `timeout_s`."""
        if not self.is_stopped and select.select([self._read], [], [], timeout_s)[0]:
            self._read.recv(4096)

    def close(self) -> None:
        """Nothing is heard any more."""
        for end in (self._read, self._write):
            end.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.is_stopped:
            os._exit(ExitCode.INTERRUPTED)
        self.is_stopped = True
        self.wake()


class WakingEvents(LogEvents):
    """Logs events, and wakes whoever shows the state when one tells of a change."""

    wakes: Wakes | None = None

    def emit(self, name: str, /, **fields: object) -> None:
        super().emit(name, **fields)
        if self.wakes is not None and name.startswith(_REPORTED):
            self.wakes.wake()


@click.command(name="python -m moomarkets.supervisor")
@click.option("--demo", is_flag=True, help="Simulated providers and a data directory of their own.")
@click.option("--once", is_flag=True, help="Run what is due, then exit: 0 all done, 1 work remains.")
@click.option("--log", "log_format", type=click.Choice([form.value for form in LogFormat]), help="Form of the log.")
@click.option("--database-url", help="A Postgres server to use instead of the embedded one.")
@click.option("--data-dir", type=click.Path(), help="Where the embedded server and the keyring lie.")
def main(demo: bool, once: bool, log_format: str | None, database_url: str | None, data_dir: str | None) -> None:
    """Run moomarkets: fetch market data under the vendors' limits, unattended."""
    given = {"demo": demo or None, "log_format": log_format, "database_url": database_url, "data_dir": data_dir}
    with closing(Wakes()) as wakes:
        wakes.catch_signals()
        try:
            settings = Settings.load(**given)
            log_format = settings.log_format
            forget_secrets(os.environ)
            code = run(settings, wakes, once=once)
        except MoomarketsError as error:
            code = exit_code_of(error)
            _say_refused(error, code, log_format)
    sys.exit(code)


def run(settings: Settings, wakes: Wakes, *, once: bool, clock: Clock | None = None) -> int:
    """Run the system as the settings say; returns the exit code."""
    clock = clock or SystemClock()
    console = Console()
    if console.is_terminal:
        _say_starting(settings, console)
    else:
        console.width = PIPED_WIDTH
    events = _events(settings, clock, console, wakes)
    system = System(settings, clock=clock, events=events, learn_secret=events.scrubber.learn)
    with system:
        system.on_end(wakes.end)
        _say_ready(system, console, events)
        code = _watch(system, wakes, console, once=once)
        signal.signal(signal.SIGALRM, _give_up)
        signal.setitimer(signal.ITIMER_REAL, settings.drain_deadline_s + STOP_MARGIN_S)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return code


def _watch(system: System, wakes: Wakes, console: Console, *, once: bool) -> int:
    """Show what happens until there is a reason to stop; returns the exit code."""
    progress = system.progress()
    display: Display = LiveDisplay(console) if console.is_terminal else PlainDisplay(sys.stdout)
    try:
        if not wakes.is_stopped:
            _begin(system, once)
        snapshot = progress.look()
        while not (wakes.is_stopped or wakes.is_ended or (once and snapshot.is_idle)):
            display.show(snapshot)
            wakes.wait(LOOK_EVERY_S if once or not snapshot.is_idle else None)
            snapshot = _look(progress, snapshot)
        display.show(snapshot)
    finally:
        display.close()
    if wakes.is_ended and not wakes.is_stopped:
        if system.settings.log_format != JSON:  # where the event has said so
            click.echo(f"the supervision tree gave up: {system.wait(0)}", err=True)
        return ExitCode.GAVE_UP
    if wakes.is_stopped:
        click.echo("stopping: running jobs may finish; a second signal ends at once")
    troubled = [job for status in ("failed", "pending") for job in system.jobs.list(status=status)]
    print_summary(console, snapshot, system.status.datasets(), troubled)
    return ExitCode.OK if snapshot.is_all_done or not once else ExitCode.WORK_REMAINS


def _begin(system: System, once: bool) -> None:
    """Start what this session is for: on a fresh database all groups, and later what the schedules have due.

    The demo runs its groups each time.
    """
    names = [str(group["name"]) for group in system.groups.list()] if system.settings.demo else system.new_groups
    for name in names:
        system.groups.run(name)
    if once and not system.settings.demo:
        system.book_due()


def _look(progress: Progress, last: Snapshot) -> Snapshot:
    """The next snapshot; the last one while the database is away, of which the log tells."""
    try:
        return progress.look()
    except MoomarketsError:
        return last


def _say_starting(settings: Settings, console: Console) -> None:
    """Tell a person where things will be, for the first start takes a moment."""
    place = "the database that the settings name" if settings.database_url else str(settings.data_dir)
    kind = "the demo, with made-up data" if settings.demo else "moomarkets"
    console.print(f"starting {kind}, in {place}; Ctrl-C stops it in order", markup=False, highlight=False)


def _say_refused(error: MoomarketsError, code: int, log_format: str | None) -> None:
    """Say why this ends: a sentence for people, a log line for programs that read such."""
    if log_format == JSON:
        events = LogEvents(sys.stderr, SystemClock(), form=LogFormat.JSON)
        events.emit("supervisor.not_started", error=str(error), exit_code=int(code))
    else:
        click.echo(str(error), err=True)


def _say_ready(system: System, console: Console, events: LogEvents) -> None:
    """Say that work may begin: one line of JSON for programs; and for people what is missing."""
    if not console.is_terminal:
        ready = {"event": "ready", "node": system.node_id, "pid": os.getpid(), "url": None, "version": VERSION}
        print(json.dumps(ready), flush=True)  # noqa: T201 - the line that other programs wait for
    for source in system.missing_credentials():
        if system.settings.log_format == JSON:
            events.emit("credential.missing", source=source, remedy=f"moomarkets credentials set {source}")
        else:
            click.echo(str(CredentialsMissing(source)), err=True)


def _events(settings: Settings, clock: Clock, console: Console, wakes: Wakes) -> WakingEvents:
    """Log lines go to standard error; beside a live display only what needs attention."""
    is_quiet = settings.log_format == "auto" and settings.origin("log_level") == "default"
    level = "warning" if is_quiet else settings.log_level
    events = WakingEvents(StandardError(), clock, level=level, form=LogFormat(settings.log_format))
    events.wakes = wakes
    return events


def _give_up(number: int, frame: FrameType | None) -> None:
    """The stop itself hangs: end now; leases expire, and others take over."""
    os._exit(ExitCode.GAVE_UP)


if __name__ == "__main__":
    main()
