"""Runs a simulator as a program until it is asked to stop, and reads the options that it is started with."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from datasources.simulators.faults import Fault
from datasources.simulators.server import Simulator
from moomarkets.domain.limits import Window

IN_USE = 4
_TOKYO = timezone(timedelta(hours=9))
_NUMBERS: Mapping[str, Callable[[str], Any]] = {"times": int, "status": int, "size": int, "interval_s": float}


def run_until_stopped(simulator: Simulator, describe: Callable[[], Mapping[str, str]]) -> None:
    """Start, say so in one line of JSON on stdout with what `describe` tells then, and stop at SIGTERM or SIGINT."""
    stops = {signal.SIGTERM, signal.SIGINT}
    # Before any thread exists: threads inherit the mask, so that the signal waits for the line below.
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    try:
        simulator.start()
    except OSError as error:
        sys.stderr.write(f"port {simulator.port}: expected a free one, got: {error.strerror}\n")
        sys.exit(IN_USE)
    try:
        sys.stdout.write(json.dumps({"event": "ready", "url": simulator.url, **describe()}) + "\n")
        sys.stdout.flush()
        signal.sigwait(stops)
    finally:
        simulator.stop()


def window(text: str) -> Window:
    """A limit written as count/seconds.

    Example:
        >>> window("5/3")
        Window(count=5, seconds=3.0)
    """
    count, _, seconds = text.partition("/")
    try:
        return Window(int(count), float(seconds or 60))
    except ValueError:
        raise ValueError(f"expected count/seconds such as 5/60, got {text!r}") from None


def evening_of(text: str) -> datetime:
    """20:00 in Tokyo on a date, when nearly all of that day has been published; an instant stays what it is.

    Example:
        >>> evening_of("2027-01-04").isoformat()
        '2027-01-04T20:00:00+09:00'
    """
    try:
        if "T" in text:
            instant = datetime.fromisoformat(text)
            return instant if instant.tzinfo else instant.replace(tzinfo=_TOKYO)
        return datetime.combine(date.fromisoformat(text), time(20), _TOKYO)
    except ValueError:
        raise ValueError(f"expected a date such as 2027-01-04 or an ISO instant, got {text!r}") from None


def account(text: str) -> tuple[str, str]:
    """Mail and password, with a colon between.

    Example:
        >>> account("me@example.com:secret")
        ('me@example.com', 'secret')
    """
    mail, _, password = text.partition(":")
    if not mail or not password:
        raise ValueError("expected mail:password, got something else")
    return mail, password


def fault(text: str) -> Fault:
    """A kind of trouble, with more about it after commas.

    Example:
        >>> told = fault("status,status=503,times=3,path=/fins")
        >>> told.kind, told.status, told.times, told.path
        ('status', 503, 3, '/fins')
    """
    kind, *rest = text.split(",")
    given: dict[str, Any] = {}
    for part in rest:
        name, _, value = part.partition("=")
        if name not in (*_NUMBERS, "path"):
            raise ValueError(f"expected KIND,times=…,path=…,status=…,size=…,interval_s=…, got {part!r}")
        try:
            given[name] = _NUMBERS.get(name, str)(value)
        except ValueError:
            raise ValueError(f"{name}: expected a number, got {value!r}") from None
    return Fault(kind, **given)
