"""How the code of an attempt has a pure function computed in another process: it waits, and is never left hanging."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actors.otp.promise import Promise
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import AttemptError, Cancelled, InvalidInput, Reason
from moomarkets.domain.job import Failed
from moomarkets.engines.engine import Engine
from moomarkets.engines.task import Task

GRACE_S = 2.0
"""How long a computation may take to heed a cancel; less than an attempt has, so that no thread is left behind."""

WaitFor = Callable[[Promise[Any], float | None], bool]
"""Waits for a promise, at most so many seconds; whether it is settled. A runtime's `wait_for`."""


class Computations:
    """Runs functions in an engine's processes for callers that wait; what job types know as `tools.compute`.

    Example:
        ```python
        computations = Computations(ProcessEngine(runtime.spawn), runtime.wait_for)
        factors = computations.compute("my_package.factors:momentum", {"closes": closes}, token)
        ```
    """

    def __init__(self, engine: Engine, wait_for: WaitFor, grace_s: float = GRACE_S) -> None:
        self._engine, self._wait_for, self._grace_s = engine, wait_for, grace_s

    def compute(self, function: str, arguments: Mapping[str, object], token: CancelToken) -> Any:
        """What `package.module:function` makes of the arguments: a JSON value, whose kind only the function tells.

        A cancel reaches the function's own token; who does not heed it within the grace is killed. Raises
        `AttemptError`: with the function's reason, `crashed` where its process ended, or that of the cancel.
        """
        token.check()
        try:
            task = Task(function, arguments)
        except InvalidInput as error:
            raise AttemptError(Reason.INVALID, str(error)) from None
        ended, woken = Promise[object](), Promise[None]()

        def wake() -> None:
            woken.resolve(None)

        def end(outcome: object) -> None:
            ended.resolve(outcome)
            wake()

        started = self._engine.start(task, token, end, function)
        forget = token.on_cancel(wake)
        try:
            self._wait_for(woken, None)
            self._wait_for(ended, self._grace_s)
        finally:
            forget()
            if not ended.is_done:
                started.abandon()
        token.check()
        return _result(ended.result())

    def close(self) -> None:
        """Compute nothing more; what is under way is interrupted."""
        self._engine.close()


def _result(outcome: object) -> object:
    if not isinstance(outcome, Failed):
        return outcome
    if outcome.reason is Reason.CANCELLED:
        raise Cancelled(outcome.reason, outcome.detail)
    raise AttemptError(outcome.reason, outcome.detail)
