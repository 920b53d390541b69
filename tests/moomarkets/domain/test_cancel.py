from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Cancelled, Reason


def test_a_token_is_not_cancelled_until_somebody_says_so() -> None:
    token = CancelToken()

    token.check()
    token.sleep(0)

    assert (token.is_cancelled, token.reason) == (False, None)


def test_the_first_reason_wins() -> None:
    token = CancelToken()
    token.cancel(Reason.TIMED_OUT)
    token.cancel(Reason.CANCELLED)

    with pytest.raises(Cancelled) as raised:
        token.check()

    assert token.reason is raised.value.reason is Reason.TIMED_OUT


def test_a_sleep_ends_as_soon_as_the_token_is_cancelled() -> None:
    token, asleep = CancelToken(), threading.Event()

    def sleep() -> None:
        asleep.set()
        token.sleep(60)

    with ThreadPoolExecutor(1) as pool:
        sleeping = pool.submit(sleep)
        assert asleep.wait(5)
        token.cancel(Reason.INTERRUPTED)
        raised = sleeping.exception(timeout=5)

    assert isinstance(raised, Cancelled)
    assert raised.reason is Reason.INTERRUPTED


def test_hooks_run_once_in_the_order_in_which_they_came() -> None:
    token, ran = CancelToken(), list[str]()
    token.on_cancel(lambda: ran.append("first"))
    token.on_cancel(lambda: ran.append("second"))

    token.cancel()
    token.cancel()

    assert ran == ["first", "second"]


def test_a_hook_that_comes_too_late_runs_at_once() -> None:
    token, ran = CancelToken(), list[str]()
    token.cancel()

    forget = token.on_cancel(lambda: ran.append("late"))
    forget()

    assert ran == ["late"]


def test_a_hook_that_was_taken_back_does_not_run() -> None:
    token, ran = CancelToken(), list[str]()
    forget = token.on_cancel(lambda: ran.append("never"))

    forget()
    forget()
    token.cancel()

    assert ran == []


def test_a_hook_that_raises_keeps_no_other_from_running() -> None:
    token, ran = CancelToken(), list[str]()

    def fail() -> None:
        raise OSError("the socket is gone")

    token.on_cancel(fail)
    token.on_cancel(lambda: ran.append("second"))

    with pytest.raises(OSError, match="the socket is gone"):
        token.cancel()

    assert ran == ["second"]
    assert token.is_cancelled


def test_of_many_who_cancel_at_once_one_runs_the_hooks() -> None:
    token, ran = CancelToken(), list[str]()
    token.on_cancel(lambda: ran.append("hook"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: token.cancel(), range(50)))

    assert ran == ["hook"]
