"""`moomarkets shell`: an IPython prompt beside a system that runs in the same process."""

from __future__ import annotations

import io
import os
import sys
from contextlib import closing
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

import click

from moomarkets.domain.errors import EmbeddedServerError, MoomarketsError
from moomarkets.exit_codes import ExitCode

if TYPE_CHECKING:
    from moomarkets.system import System

LOG = "shell.log"
BANNER = """\
`system` is {what}, at work in {place}; it logs to {log}
try: system.tree()   system.top()   system.actors.<Tab>   system.state?   system.groups.run("reference")
leave with `exit`: running jobs may finish, then everything stops in order
"""


@click.command()
@click.pass_obj
def shell(given: dict[str, Any]) -> None:
    """Open a prompt with a running system.

    Look at its actors, trace, suspend, restart and kill them, run groups. Needs IPython.
    """
    if find_spec("IPython") is None:
        raise MoomarketsError("shell: expected IPython, got none; install it with `pip install 'moomarkets[shell]'`")
    # Imported here: the other commands must not pay for it.
    from moomarkets.domain.clock import SystemClock
    from moomarkets.logs import LogEvents, LogFormat
    from moomarkets.settings import Settings, forget_secrets
    from moomarkets.system import System

    settings = Settings.load(**given)
    forget_secrets(os.environ)
    clock = SystemClock()
    click.echo("starting; this takes a moment")
    with closing(LateFile()) as log:
        events = LogEvents(log, clock, level=settings.log_level, form=LogFormat.JSON)
        prompt = Shell(System(settings, clock=clock, events=events, learn_secret=events.scrubber.learn))
        prompt.start()
        log.open(prompt.log)
        try:
            prompt.converse()
        finally:
            code = prompt.stop()
    sys.exit(code)


class LateFile(io.TextIOBase):
    """Keeps what is written until there is a file for it: the start makes the data directory, and logs.

    Example:
        >>> late = LateFile()
        >>> late.write("early")
        5
    """

    def __init__(self) -> None:
        self._stream: TextIO = io.StringIO()

    def open(self, path: Path) -> None:
        """Go on in this file, which only its owner may read."""
        early = self._stream
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._stream = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8")
        self._stream.write(early.getvalue() if isinstance(early, io.StringIO) else "")

    def write(self, text: str, /) -> int:
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        super().close()
        self._stream.close()


class Shell:
    """A system, and the prompt at which a person has it as `system`."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._is_leaving = False

    @property
    def log(self) -> Path:
        """Where the system logs, so that no line lands in the middle of what is being typed."""
        return self.system.settings.data_dir / LOG

    def start(self) -> None:
        """Start the system, and say clearly when somebody else has the data directory."""
        try:
            self.system.start()
        except EmbeddedServerError as error:
            if error.exit_code != ExitCode.CONFLICT:
                raise
            remedy = "a shell needs it for itself: stop that process first, or look with `moomarkets status`"
            raise EmbeddedServerError(f"{error}; {remedy}", error.exit_code) from None
        self.system.on_end(self._say_ended)

    def converse(self) -> None:
        """Show prompts until the person leaves."""
        # By their names, so that types are checked alike with and without them.
        config = import_module("traitlets.config").Config()
        application = import_module("IPython.terminal.ipapp").TerminalIPythonApp
        config.TerminalInteractiveShell.banner1 = self._banner()
        config.TerminalInteractiveShell.confirm_exit = False
        config.TerminalInteractiveShell.enable_tip = False
        # What is typed may be a key: it is not kept on disk.
        config.HistoryManager.enabled = False
        # Tab may look behind brackets and properties too: showing a handle asks no server anything.
        config.Completer.evaluation = "unsafe"
        before = sys.excepthook
        try:
            prompt = application.instance(config=config, user_ns={"system": self.system})
            prompt.initialize(argv=[])
            prompt.shell.set_custom_exc((MoomarketsError,), show_error)
            prompt.start()
        finally:
            # IPython leaves one of its own, which takes what goes wrong later for a fault of IPython.
            sys.excepthook = before

    def stop(self) -> int:
        """Stop in order; returns the exit code. Ctrl-C ends it at once: leases expire, and others take over."""
        gave_up = not self.system.is_running
        self._is_leaving = True
        try:
            click.echo("stopping: running jobs may finish; Ctrl-C ends at once")
            self.system.stop()
        except KeyboardInterrupt:
            os._exit(ExitCode.INTERRUPTED)
        return ExitCode.GAVE_UP if gave_up else ExitCode.OK

    def _banner(self) -> str:
        settings = self.system.settings
        what = "the demo" if settings.demo else "moomarkets"
        place = "the database that the settings name" if settings.database_url else settings.data_dir
        return BANNER.format(what=what, place=place, log=self.log)

    def _say_ended(self) -> None:
        if not self._is_leaving:
            click.echo("\nthe supervision tree gave up; leave with `exit`", err=True)


def show_error(
    prompt: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: int | None = None
) -> None:
    """One line for an error of ours, of which the frames say nothing more; `%tb` has them."""
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace
    click.echo(f"{kind.__name__}: {error}", err=True)
