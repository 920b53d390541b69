"""`python -m moomarkets.supervisor`: runs the whole system until a signal, or once through what is due."""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Until `main` catches it there is nothing to stop in order, and a traceback would help nobody.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import json
import os
import sys
from contextlib import closing
from dataclasses import dataclass, replace

import click
from rich.console import Console

from actors.otp.reasons import KILLED, describe
from moomarkets.assembly import VERSION
from moomarkets.display import Display, LiveDisplay, PlainDisplay, StandardError, print_summary
from moomarkets.domain import failpoints
from moomarkets.domain.clock import Clock, SystemClock
from moomarkets.domain.errors import CredentialsMissing, MoomarketsError
from moomarkets.exit_codes import ExitCode, exit_code_of
from moomarkets.logs import LogEvents, LogFormat
from moomarkets.services.progress import Progress, Snapshot
from moomarkets.settings import Settings, forget_secrets
from moomarkets.store.reports import Record
from moomarkets.system import System
from moomarkets.wakes import Aside, Wakes

LOOK_EVERY_S = 0.5
PIPED_WIDTH = 120
JSON = LogFormat.JSON.value
STOP_MARGIN_S = 20.0
"""What a stop may take beyond the time that running jobs have to finish."""

GAVE_UP_MARGIN_S = 5.0
"""What a stop may take when there is no tree left that could do anything in order."""

SUMMARY_S = 3.0
_REPORTED = ("job.", "run.", "occurrence.")
_ERRORS = ("server.crashed", "server.killed", "child.start_failed", "node.gave_up")


class WakingEvents(LogEvents):
    """Logs events, wakes whoever shows the state when one tells of a change, and knows the last error of the tree."""

    wakes: Wakes | None = None
    last_error = "none was reported"

    def emit(self, name: str, /, **fields: object) -> None:
        super().emit(name, **fields)
        if name in _ERRORS:
            where = f" ({fields['where']})" if fields.get("where") else ""
            self.last_error = f"{fields.get('path')}: {fields.get('reason', KILLED)}{where}"
        if self.wakes is not None and name.startswith(_REPORTED):
            self.wakes.wake()


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last look at what happens, and how to look again."""

    progress: Progress
    snapshot: Snapshot

    def again(self) -> _Seen:
        """How things stand now; the last look while the database is away, of which the log tells."""
        try:
            return replace(self, snapshot=self.progress.look())
        except Exception:  # noqa: BLE001 - whatever the database has come to, the tree says how this ends
            return self


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
            _say("supervisor.not_started", str(error), code, log_format)
    sys.exit(code)


def run(settings: Settings, wakes: Wakes, *, once: bool, clock: Clock | None = None) -> int:
    """Run the system as the settings say; returns the exit code."""
    clock = clock or SystemClock()
    console = Console()
    if console.is_terminal:
        _say_starting(settings, console)
    else:
        console.width = PIPED_WIDTH
    wakes.limit_stop(settings.drain_deadline_s + STOP_MARGIN_S, lambda: _say_cut_off(settings.log_format))
    events = _events(settings, clock, console, wakes)
    failpoints.arm(os.environ.get(failpoints.VARIABLE, ""), events, seed=os.getpid())
    has_web = settings.is_web_enabled and not once
    with System(settings, clock=clock, events=events, learn_secret=events.scrubber.learn, web=has_web) as system:
        system.on_end(wakes.end)
        if not console.is_terminal:
            _say_ready(system)
        elif system.url is not None:
            console.print(f"health and REST at {system.url}", markup=False, highlight=False)
        try:
            seen = _watch(system, wakes, console, events, once=once)
        except Exception:
            wakes.begin_stop()
            if not wakes.is_over:
                raise
            seen = None  # whoever looked found nobody there any more
        if wakes.is_ended and not wakes.is_stopped:
            wakes.begin_stop(GAVE_UP_MARGIN_S)
            last = f"the supervision tree gave up; the last error: {events.last_error}"
            _say("tree.gave_up", last, ExitCode.GAVE_UP, settings.log_format)
            return ExitCode.GAVE_UP
        wakes.begin_stop()
        return _finish(system, wakes, console, seen, once=once)


def _watch(system: System, wakes: Wakes, console: Console, events: LogEvents, *, once: bool) -> _Seen | None:
    """Show what happens until there is a reason to stop; None if that came before the first look."""
    aside = Aside(system.runtime, wakes)
    for source in aside.get(system.missing_credentials) or ():
        _say_missing(source, system.settings.log_format, events)
    display: Display = LiveDisplay(console) if console.is_terminal else PlainDisplay(sys.stdout)
    try:
        seen = aside.get(lambda: _begin(system, once))
        while seen is not None and not (wakes.is_over or (once and seen.snapshot.is_idle)):
            display.show(seen.snapshot)
            wakes.wait(LOOK_EVERY_S if once or not seen.snapshot.is_idle else None)
            seen = aside.get(seen.again) or seen
        if seen is not None:
            display.show(seen.snapshot)
    finally:
        display.close()
    return seen


def _finish(system: System, wakes: Wakes, console: Console, seen: _Seen | None, *, once: bool) -> int:
    """Let running jobs finish if a signal came, and say what was done; returns the exit code."""
    if wakes.is_stopped:
        click.echo("stopping: running jobs may finish; a second signal ends at once")
        system.drain()
    if seen is None:
        return ExitCode.WORK_REMAINS if once else ExitCode.OK
    snapshot = seen.snapshot
    try:
        aside = Aside(system.runtime, wakes)
        snapshot, datasets, troubled = aside.get_within(SUMMARY_S, lambda: _summary(system, seen))
        print_summary(console, snapshot, datasets, troubled)
    except Exception as error:  # noqa: BLE001 - the database is not needed to stop
        click.echo(f"the closing summary cannot be read ({describe(error)}); the stop goes on without it")
    return ExitCode.OK if snapshot.is_all_done or not once else ExitCode.WORK_REMAINS


def _summary(system: System, seen: _Seen) -> tuple[Snapshot, dict[str, int], list[Record]]:
    """What is told at the end: the last state, what the database holds, and the jobs that failed or wait."""
    troubled = [job for status in ("failed", "pending") for job in system.jobs.list(status=status)]
    return seen.progress.look(), system.status.datasets(), troubled


def _begin(system: System, once: bool) -> _Seen:
    """Start what this session is for: on a fresh database all groups, and later what the schedules have due.

    The demo runs its groups each time.
    """
    progress = system.progress()
    names = [str(group["name"]) for group in system.groups.list()] if system.settings.demo else system.new_groups
    for name in names:
        system.groups.run(name)
    if once and not system.settings.demo:
        system.book_due()
    return _Seen(progress, progress.look())


def _say_starting(settings: Settings, console: Console) -> None:
    """Tell a person where things will be, for the first start takes a moment."""
    place = "the database that the settings name" if settings.database_url else str(settings.data_dir)
    kind = "the demo, with made-up data" if settings.demo else "moomarkets"
    console.print(f"starting {kind}, in {place}; Ctrl-C stops it in order", markup=False, highlight=False)


def _say(name: str, sentence: str, code: int, log_format: str | None) -> None:
    """Say why this ends: a sentence for people, a log line for programs that read such."""
    if log_format == JSON:
        events = LogEvents(sys.stderr, SystemClock(), form=LogFormat.JSON)
        events.emit(name, error=sentence, exit_code=int(code))
    else:
        click.echo(sentence, err=True)


def _say_ready(system: System) -> None:
    """Say to programs that work may begin: one line of JSON."""
    ready = {"event": "ready", "node": system.node_id, "pid": os.getpid(), "url": system.url, "version": VERSION}
    print(json.dumps(ready), flush=True)  # noqa: T201 - the line that other programs wait for


def _say_missing(source: str, log_format: str, events: LogEvents) -> None:
    """Say whose credential is missing, and how to give it."""
    if log_format == JSON:
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


def _say_cut_off(log_format: str) -> None:
    sentence = "the stop took too long and is cut off; leases expire, and others take over"
    _say("stop.timed_out", sentence, ExitCode.GAVE_UP, log_format)


if __name__ == "__main__":
    main()
