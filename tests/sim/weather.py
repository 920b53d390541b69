"""What the simulated world does to the database: refuses, loses answers, is slow; behind it is a real Postgres."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from greenlet import GreenletExit
from sqlalchemy import Connection

from actors.otp.sim_runtime import SimRuntime
from moomarkets.domain.errors import StoreUnavailable
from moomarkets.store.database import Database

T = TypeVar("T")

CONNECT_TIMEOUT_S = 5.0


class Weather:
    """How the database is at the moment, for all nodes.

    `lost` and `repeated` count the commits to come whose answer is lost, and those that are done a second time because
    a driver lost the first answer.
    """

    def __init__(self) -> None:
        self.down_until = 0.0
        self.lost = 0
        self.repeated = 0
        self.latency_s = 0.003

    def calm(self) -> None:
        """Nothing goes wrong from now on."""
        self.__init__()  # type: ignore[misc]  # as it was at the beginning


class SimDatabase(Database):
    """A node's way to the database: one transaction is one step, and the weather is between the node and the server."""

    def __init__(self, runtime: SimRuntime, server: Database, weather: Weather) -> None:
        self._runtime, self._server, self._weather = runtime, server, weather
        self.purpose = server.purpose

    def perform(self, work: Callable[[Connection], T]) -> T:
        return self._sent(lambda: self._server.perform(work))

    def perform_statement(self, work: Callable[[Connection], T]) -> T:
        return self._sent(lambda: self._server.perform_statement(work))

    def close(self) -> None:
        """The server's connections belong to the simulation."""

    def _sent(self, commit: Callable[[], T]) -> T:
        world, weather = self._runtime.simulation, self._weather
        world.sleep(world.chance.expovariate(1 / weather.latency_s))
        if world.now_s < weather.down_until:
            world.sleep(world.chance.uniform(0, CONNECT_TIMEOUT_S))
            raise StoreUnavailable("database: the simulated server cannot be reached")
        result = self._committed(commit)
        # Committed: whatever happens to the node before it reads the answer does not change that.
        world.pause()
        if weather.lost > 0:
            weather.lost -= 1
            raise StoreUnavailable("database: the simulated server went away before it answered")
        if weather.repeated > 0:
            weather.repeated -= 1
            result = self._committed(commit)
        return result

    def _committed(self, commit: Callable[[], T]) -> T:
        if self._runtime.machine.is_dead or self._runtime.simulation.is_over:
            raise GreenletExit
        return commit()


class SimServer:
    """The embedded server as its actor sees it: it has died while the weather is bad, and can be started after."""

    def __init__(self, runtime: SimRuntime, weather: Weather) -> None:
        self._runtime, self._weather = runtime, weather

    def start(self) -> None:
        """Return when it answers."""
        world = self._runtime.simulation
        while world.now_s < self._weather.down_until:
            world.sleep(max(self._weather.down_until - world.now_s, 0.5))

    @property
    def pid(self) -> int | None:
        return None if self._runtime.simulation.now_s < self._weather.down_until else 1
