"""A service with Pykka actors of its own that embeds us, again and again: `python -m tests.system.host_program`.

Reads a database URL, a folder and a number of rounds; writes one line of JSON about itself after each round.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pykka

from moomarkets import Settings, System


class Greeter(pykka.ThreadingActor):
    """An actor of the service."""

    def on_receive(self, message: object) -> object:
        return f"hello {message}"


class Caller(pykka.ThreadingActor):
    """Another, which talks to the first one."""

    def __init__(self, greeter: pykka.ActorRef[Greeter]) -> None:
        super().__init__()
        self.greeter = greeter

    def on_receive(self, message: object) -> object:
        return self.greeter.ask(message, timeout=5)


def main(database_url: str, folder: str, rounds: str) -> None:
    """Embed us `rounds` times, with two actors that live through all of it."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="host %(message)s")
    signal.signal(signal.SIGTERM, _stop)
    greeter = Greeter.start()
    caller = Caller.start(greeter)
    settings = Settings(database_url=database_url, data_dir=Path(folder), demo=True, poll_s=0.2)
    for number in range(int(rounds)):
        before = seen()
        with System(settings) as system:
            run = system.groups.run("reference")
            answers = [caller.ask(number, timeout=5) for _ in range(20)]
            status = str(run.wait(timeout_s=30))
            answers.append(caller.ask(number, timeout=5))
        answers.append(caller.ask(number, timeout=5))
        after = seen()
        gc.collect()
        resident = psutil.Process().memory_info().rss / 2**20
        told = {"run": status, "answers": sorted(set(answers)), "left": left(before, after), "resident_mib": resident}
        print(json.dumps(told), flush=True)
    pykka.ActorRegistry.stop_all(timeout=5)


def seen() -> dict[str, list[str]]:
    """What there is of a process that others could leave something in."""
    root = logging.getLogger()
    return {
        "threads": sorted(f"{thread.name} {thread.ident}" for thread in threading.enumerate()),
        "sockets": sorted(target for target in descriptors() if target.startswith("socket:")),
        "files": sorted(target for target in descriptors() if not target.startswith("socket:")),
        "children": sorted(str(child.pid) for child in psutil.Process().children(recursive=True)),
        "actors": sorted(ref.actor_urn for ref in pykka.ActorRegistry.get_all()),
        "signals": [f"{number} {signal.getsignal(number)}" for number in signal.valid_signals()],
        "logging": [f"{root.level} {root.handlers}", *sorted(f"{name} {logger}" for name, logger in loggers())],
        "environment": sorted(f"{name}={value}" for name, value in os.environ.items()),
    }


def descriptors() -> list[str]:
    """What the open descriptors of this process lead to."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.append(os.readlink(descriptor))
        except FileNotFoundError:
            continue
    return found


def loggers() -> list[tuple[str, str]]:
    """The loggers that were configured in any way; a library that asks for one, silenced or not, harms nobody."""
    found = []
    made: dict[str, Any] = logging.Logger.manager.loggerDict
    for name, logger in made.items():
        if isinstance(logger, logging.Logger):
            handlers = [handler for handler in logger.handlers if not isinstance(handler, logging.NullHandler)]
            state = (logger.level, handlers, logger.propagate, logger.disabled)
            if state != (logging.NOTSET, [], True, False):
                found.append((name, str(state)))
    return found


def left(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    """What differs."""
    return {
        name: sorted(set(after[name]) ^ set(before[name])) for name in before if set(after[name]) != set(before[name])
    }


def _stop(number: int, frame: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
