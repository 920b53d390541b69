"""Turns events into log lines; set up by the supervisor only: embedding never touches a host's logging."""

from __future__ import annotations

import os
import re
import traceback
from enum import StrEnum
from io import TextIOBase
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, WrappedLogger

from moomarkets.domain.clock import Clock
from moomarkets.domain.redaction import Scrubber

_LEVELS = ("debug", "info", "warning", "error")
_ERROR_VERBS = ("crashed", "gave_up", "killed", "corrupted", "not_started")
_WARNING_VERBS = (
    "abandoned",
    "blocked",
    "denied",
    "exhausted",
    "failed",
    "fenced",
    "interrupted",
    "lost",
    "missing",
    "overdue",
    "paused",
    "quarantined",
    "rate_limited",
    "refused",
    "rejected",
    "rescued",
    "silenced",
    "skipped",
    "stepped",
    "timed_out",
    "unavailable",
    "unexpected",
    "unreachable",
    "unreadable",
)
_WARNING_NAMES = frozenset({"failpoints.armed", "keyring.created", "server.slow"})
# Whatever steers a terminal or turns the direction of writing: C0, C1, marks of direction, line separators.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class LogFormat(StrEnum):
    """Form of the log: for people, for programs, or whichever fits where it goes."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogEvents:
    """Events as log lines on a stream: coloured on a terminal, else one JSON object a line. Never raises.

    Every line has `timestamp` (ISO 8601, UTC), `level` and `event`. Secrets that `scrubber` knows, and fields
    whose names say that they are secret, show as `***`. An exception among the fields becomes its class and
    text, with its traceback (never its variables) where the level is error.

    Example:
        >>> import sys
        >>> from datetime import UTC, datetime
        >>> from moomarkets.testing.manual_clock import ManualClock
        >>> clock = ManualClock(datetime(2026, 11, 20, tzinfo=UTC))
        >>> LogEvents(sys.stdout, clock, form=LogFormat.JSON).emit("job.ended", api_key="k")
        {"api_key": "***", "event": "job.ended", "timestamp": "2026-11-20T00:00:00Z", "level": "info"}
    """

    def __init__(
        self,
        stream: TextIO | TextIOBase,
        clock: Clock,
        *,
        level: str = "info",
        form: LogFormat = LogFormat.AUTO,
        scrubber: Scrubber | None = None,
    ) -> None:
        self.scrubber = scrubber or Scrubber()
        self._clock = clock
        self._least = _LEVELS.index(level)
        is_console = form is LogFormat.CONSOLE or (form is LogFormat.AUTO and _is_terminal(stream))
        # Wrapped by hand: structlog's own configuration belongs to the host process.
        self._logger = structlog.wrap_logger(
            structlog.PrintLogger(cast(TextIO, stream)),
            processors=[self._redacted, self._stamped, _console(stream) if is_console else _json()],
            wrapper_class=structlog.BoundLoggerBase,
            context_class=dict,
        )

    def emit(self, name: str, /, **fields: object) -> None:
        level = level_of(name)
        if _LEVELS.index(level) < self._least:
            return
        # The second try is for fields that cannot be turned into text: the event itself must not be lost.
        for shown in (fields, {"note": "its fields cannot be shown"}):
            try:
                self._logger._proxy_to_logger("msg", name, **{**shown, "level": level})
                return
            except Exception:  # noqa: BLE001, S112 - a failing log must never stop the work that it reports
                continue

    def _redacted(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        name, level = line.pop("event"), line.pop("level")
        shown: EventDict = {}
        for field, value in line.items():
            key = self.scrubber.scrub(field)
            if isinstance(value, BaseException):
                shown[key] = self.scrubber.clean(f"{type(value).__name__}: {value}")
                if level == "error" and value.__traceback__ is not None:
                    shown[f"{key}_traceback"] = self.scrubber.scrub("".join(traceback.format_exception(value)))
            else:
                shown[key] = self.scrubber.clean(value, field)
        return {**shown, "event": name, "level": level}

    def _stamped(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        level = line.pop("level")
        timestamp = self._clock.now().isoformat().replace("+00:00", "Z")
        return {**line, "timestamp": timestamp, "level": level}


def level_of(name: str) -> str:
    """The level of an event by its verb: failures are warnings; errors are what must never happen."""
    verb = name.rpartition(".")[2]
    if verb.endswith(_ERROR_VERBS):
        return "error"
    if verb.endswith(_WARNING_VERBS) or name in _WARNING_NAMES:
        return "warning"
    return "info"


def _is_terminal(stream: TextIO | TextIOBase) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _json() -> structlog.processors.JSONRenderer:
    return structlog.processors.JSONRenderer(default=str)


def _console(stream: TextIO | TextIOBase) -> structlog.typing.Processor:
    is_coloured = (_is_terminal(stream) and not os.environ.get("NO_COLOR")) or bool(os.environ.get("FORCE_COLOR"))
    render = structlog.dev.ConsoleRenderer(
        colors=is_coloured, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
    )

    def rendered(logger: WrappedLogger, method: str, line: EventDict) -> str:
        safe = {key: _tamed(value) for key, value in line.items()}
        # A traceback among the fields would be one long line of escapes; people read it below.
        tracebacks = [str(safe.pop(key)).rstrip() for key in list(safe) if key.endswith("_traceback")]
        return "\n".join([str(render(logger, method, safe)), *tracebacks])

    return rendered


def _tamed(value: object) -> object:
    """No text from outside steers the reader's terminal."""
    if isinstance(value, str):
        return _STEERING.sub(lambda mark: f"\\x{ord(mark[0]):02x}", value)
    if isinstance(value, list | dict):
        return _tamed(str(value))
    return value
