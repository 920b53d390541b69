"""Hears from other processes that there is work: a hint that saves the wait for the next poll."""

from __future__ import annotations

import select
import socket
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import make_conninfo

from actors import claimer, names
from actors.dispatch_messages import Review, RunsChanged
from actors.otp.calls import cast, send
from actors.otp.gen_server import GenServer
from actors.otp.messages import Continue
from actors.otp.ref import Ref
from actors.scheduler import Look
from moomarkets.store import notify
from moomarkets.store.database import REACHING, libpq_url

RETRY_S = 5.0
NAME = "moomarkets listen"


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody notified that topic."""

    topic: str


@dataclass(frozen=True, slots=True)
class _Deaf:
    """The connection was lost."""

    error: str


@dataclass(frozen=True, slots=True)
class _Listen:
    """Try to listen again."""


class Listener(GenServer):
    """Holds one connection that listens, in a thread beside it, and passes each hint to whom it concerns."""

    def init(self, url: str) -> Continue:
        self._url = libpq_url(url)
        self._is_lost = False
        return Continue()

    def handle_continue(self, arg: object) -> None:
        self._listen()

    def handle_info(self, message: object) -> None:
        if isinstance(message, Heard):
            self._is_lost = False
        match message:
            case Heard(notify.JOBS):
                cast(names.CLAIMER, claimer.Wake())
            case Heard(notify.RUNS):
                cast(names.MANAGER, RunsChanged())
            case Heard(notify.SCHEDULES):
                cast(names.SCHEDULER, Look())
            case Heard(notify.SWITCHES):
                self._look_everywhere()
            case Heard():
                return
            case _Deaf(error):
                if not self._is_lost:
                    # Once for an outage, however many tries it takes: the first word after it is one to ourselves.
                    self._is_lost = True
                    self.events.emit("listener.lost", error=error)
                self.send_after(RETRY_S, _Listen())
            case _Listen():
                self._listen()
            case _:
                super().handle_info(message)

    def _look_everywhere(self) -> None:
        """What rests now goes back, and whatever goes on again is looked for."""
        cast(names.MANAGER, Review())
        cast(names.MANAGER, RunsChanged())
        cast(names.CLAIMER, claimer.Wake())
        cast(names.SCHEDULER, Look())

    def _listen(self) -> None:
        me, url, runtime = self.ref, self._url, self.runtime
        # Closing our end wakes the thread, whatever it waits for; the thread closes its own. From here on nothing is
        # asked that would end a server that has just been killed: nobody would close the other end.
        ours, stop = socket.socketpair()
        me.process.exited.subscribe(ours.close)  # also when killed
        runtime.spawn(lambda: _hear(me, url, stop), f"{self.path}/connection")


def _hear(listener: Ref, url: str, stop: socket.socket) -> None:
    """Wait for notifications until told to stop or the connection is lost; runs in a thread of its own."""
    try:
        with (
            stop,
            psycopg.connect(make_conninfo(url, **REACHING), autocommit=True, application_name=NAME) as connection,
        ):
            connection.execute(f"LISTEN {notify.CHANNEL}")
            send(listener, Heard(notify.SWITCHES))  # whatever was notified before we listened
            while True:
                readable, _, _ = select.select([connection.fileno(), stop.fileno()], [], [])
                if stop.fileno() in readable:
                    return
                for heard in connection.notifies(timeout=0):
                    send(listener, Heard(heard.payload))
    except psycopg.Error as error:
        send(listener, _Deaf(type(error).__name__))
