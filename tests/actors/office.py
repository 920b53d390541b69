"""Nodes that share one database: each with a rate limiter, the gate to it, and a writer of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from actors import names
from actors.otp.errors import AlreadyStarted
from actors.otp.thread_runtime import ThreadRuntime
from actors.permit_gate import LimiterGate
from actors.rate_limiter import LimiterRules, RateLimiter
from actors.store_writer import StoreWriter
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.datasets.catalogue import DATASETS
from moomarkets.domain.limits import Window
from moomarkets.domain.source import Endpoint
from moomarkets.store.database import Database
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import USER, Books

BARS = Endpoint("bars", "/bars", next(iter(DATASETS.values())))
OTHER = Endpoint("other", "/other", next(iter(DATASETS.values())))


@dataclass
class Office:
    """One node's limiter with its own writer and connection; `gate` is what attempts use."""

    books: Books
    runtime: ThreadRuntime
    rules: LimiterRules
    pool: Database
    gate: LimiterGate = field(init=False)

    def __post_init__(self) -> None:
        self.runtime.start(StoreWriter, self.pool, name=names.PERMITS)
        self.gate = LimiterGate(self.runtime, self.rules, self.ensure)

    def ensure(self, rules: LimiterRules) -> None:
        try:
            self.runtime.start(RateLimiter, rules, name=names.limiter(rules.source, rules.user_id))
        except AlreadyStarted:
            return

    @property
    def limiter(self) -> str:
        return names.limiter(self.rules.source, self.rules.user_id)

    def use(self, times: int = 1, endpoint: Endpoint = BARS) -> None:
        """Take so many permits, one after the other, each used and answered at once."""
        for _ in range(times):
            with self.gate.permit(endpoint, CancelToken()) as permit:
                permit.answered()

    @property
    def has_waiter(self) -> bool:
        """Whether somebody waits for a permit."""
        ref = self.runtime.whereis(self.limiter)
        return ref is not None and bool(ref.process.unanswered)

    def live(self) -> int:
        """How many permits the store knows."""
        return int(self.books.value("SELECT count(*) FROM permits"))


Hire = Callable[..., Office]


@pytest.fixture
def hire(books: Books, events: RecordedEvents) -> Iterator[Hire]:
    """Opens offices over the test's database: `hire(Window(5, 60), clock=…, deadline_s=…)`."""
    offices: list[Office] = []

    def open_one(*windows: Window, clock: SystemClock | None = None, **given: object) -> Office:
        rules: dict[str, object] = {
            "source": "sim",
            "source_id": books.source_id,
            "user_id": USER,
            "windows": windows,
            "endpoint_windows": {},
            "node_id": uuid4(),
            "deadline_s": 30.0,
            "use_within_s": 5.0,
        }
        made = LimiterRules(**{**rules, **given})  # type: ignore[arg-type]  # any field
        pool = Database(books.url, purpose="permits", pool_size=1)
        offices.append(Office(books, ThreadRuntime(clock, events), made, pool))
        return offices[-1]

    yield open_one
    for office in offices:
        assert office.runtime.close(5) == []
        office.pool.close()
