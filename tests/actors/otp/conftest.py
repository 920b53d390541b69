"""Runtimes that must leave no thread behind, and events that a test can wait for."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.events import NAMES
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.recorder import Recorder


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert left == []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def events() -> Recorder:
    return Recorder()


@pytest.fixture
def runtime(events: Recorder, _no_thread_is_left: None) -> Iterator[ThreadRuntime]:
    """On the machine's clock."""
    runtime = ThreadRuntime(events=events)
    yield runtime
    assert runtime.close(timeout_s=5) == []
    assert runtime.tree() == []
    assert runtime.registry.names() == []
    assert events.names() <= NAMES


@pytest.fixture
def still(clock: ManualClock, events: Recorder, _no_thread_is_left: None) -> Iterator[ThreadRuntime]:
    """On a clock that only the test moves."""
    runtime = ThreadRuntime(clock, events)
    yield runtime
    assert runtime.close(timeout_s=5) == []
    assert clock._wakes == {}
