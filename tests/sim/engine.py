"""Where attempts run in the simulation: tasks of the world, whose tokens sleep in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from greenlet import GreenletExit

from actors.otp.promise import Promise
from actors.otp.sim_runtime import SimRuntime
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import AttemptError, Reason
from moomarkets.domain.job import Failed


class SimToken(CancelToken):
    """A token whose sleep is a wait of the world; cancelled with the one that it stands for."""

    def __init__(self, runtime: SimRuntime, token: CancelToken) -> None:
        super().__init__()
        self._runtime = runtime
        token.on_cancel(lambda: self.cancel(token.reason or Reason.CANCELLED))

    def sleep(self, seconds: float) -> None:
        woken: Promise[None] = Promise()
        forget = self.on_cancel(lambda: woken.resolve(None))
        try:
            self._runtime.wait_for(woken, seconds)
        finally:
            forget()
        self.check()


class SimEngine:
    """Runs each attempt as a task; the contract is that of `moomarkets.engines.engine.Engine`."""

    def __init__(self, runtime: SimRuntime) -> None:
        self._runtime = runtime
        self.abandoned = 0

    def start(
        self, work: Callable[[CancelToken], Any], token: CancelToken, on_done: Callable[[Any], None], name: str
    ) -> SimAttempt:
        """Run it some time later."""
        attempt = SimAttempt(self)

        def run() -> None:
            ending = _ending(work, SimToken(self._runtime, token))
            attempt.is_over = True
            if attempt.is_abandoned:
                self.abandoned -= 1
            else:
                on_done(ending)

        self._runtime.spawn(run, name)
        return attempt

    def close(self) -> None:
        """Nothing idles here."""


class SimAttempt:
    """One attempt under way."""

    def __init__(self, engine: SimEngine) -> None:
        self._engine = engine
        self.is_over = self.is_abandoned = False

    def abandon(self) -> None:
        """Drop its ending, whenever it comes."""
        if not (self.is_over or self.is_abandoned):
            self.is_abandoned = True
            self._engine.abandoned += 1


def _ending(work: Callable[[CancelToken], Any], token: CancelToken) -> Any:
    try:
        return work(token)
    except AttemptError as error:
        return Failed(error.reason, error.detail)
    except GreenletExit:
        raise  # the end of the world, not of the attempt
    except BaseException as error:  # as every engine does
        return Failed(Reason.INVALID, type(error).__name__)
