"""Runs a simulator as a program of its own until it is asked to stop."""

from __future__ import annotations

import json
import signal
import sys
from argparse import ArgumentTypeError
from datetime import date, datetime, time, timedelta, timezone

from datasources.simulators.server import Simulator
from moomarkets.domain.limits import Window

IN_USE = 4
_TOKYO = timezone(timedelta(hours=9))


def run_until_stopped(simulator: Simulator) -> None:
    """Start, say so in one line of JSON on stdout, and stop at SIGTERM or SIGINT."""
    stops = {signal.SIGTERM, signal.SIGINT}
    # Before any thread exists: threads inherit the mask, so that the signal waits for the line below.
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    try:
        simulator.start()
    except OSError as error:
        sys.stderr.write(f"port {simulator.port}: expected a free one, got: {error.strerror}\n")
        sys.exit(IN_USE)
    try:
        sys.stdout.write(json.dumps({"event": "ready", "url": simulator.url}) + "\n")
        sys.stdout.flush()
        signal.sigwait(stops)
    finally:
        simulator.stop()


def port(text: str) -> int:
    """A port to listen on.

    Example:
        >>> port("8790")
        8790
    """
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise ArgumentTypeError(f"expected a whole number from 0 to 65535, got {text!r}")
    return int(text)


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
        raise ArgumentTypeError(f"expected count/seconds such as 5/60, got {text!r}") from None


def evening_of(text: str) -> datetime:
    """20:00 in Tokyo on a date, when all of that day has been published; an instant stays what it is.

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
        raise ArgumentTypeError(f"expected a date such as 2027-01-04 or an ISO instant, got {text!r}") from None
