"""No window ever overflows, whatever happens; and a source with enough to do is used."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from moomarkets.domain.limits import SilenceRule, Window
from moomarkets.store import buckets, permits
from moomarkets.store.buckets import Bucket
from moomarkets.store.permits import Ask
from tests.moomarkets.store.scene import Scene, after

D = 10.0
USERS = count(2)


@dataclass
class Request:
    """One request as the provider may see it: counted at any moment from its permit's grant to its end."""

    endpoint: str
    from_s: float
    until_s: float
    weight: int = 1
    is_open: bool = True


class Limiter(RuleBasedStateMachine):
    """Requests under a limiter that crashes, repeats itself, prunes and is silenced, against a list of intervals."""

    windows = (Window(3, 20), Window(5, 60))
    nested = {"bulk": (Window(2, 30),), "ticks": (Window(2, 20),)}  # noqa: RUF012 - never changed
    apart = frozenset({"ticks"})

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene, self.now, self.silent_until = scene, 0.0, 0.0
        self.requests: dict[UUID, Request] = {}
        self.last: list[Ask] = []
        user_id = scene.one("INSERT INTO users (name) VALUES (:name) RETURNING id", name=f"user {next(USERS)}")[0]
        bucket_id = scene.do(buckets.bucket_id, scene.source_id, user_id)
        self.bucket = Bucket(bucket_id, self.windows, self.nested, self.apart)

    @rule(seconds=st.sampled_from([0.001, 0.5, 1.0, 3.0, 9.999, 10.0, 19.999, 20.0, 20.001, 31.0, 86400.0]))
    def pass_time(self, seconds: float) -> None:
        self.now = round(self.now + seconds, 3)

    @rule(wanted=st.lists(st.tuples(st.sampled_from(["bars", "bulk", "ticks"]), st.integers(1, 2)), max_size=6))
    def reserve(self, wanted: list[tuple[str, int]]) -> None:
        self.last = [Ask(uuid4(), endpoint, weight) for endpoint, weight in wanted]
        self.ask()

    @rule()
    def ask(self) -> None:
        """Ask with the ids of the last time: the first time, or again after a lost answer."""
        answer = self.scene.do(
            permits.reserve, self.bucket, self.last, node_id=UUID(int=0), deadline_s=D, now=after(self.now)
        )
        asked = {ask.permit_id: ask for ask in self.last}
        new = [granted for granted in answer.granted if granted not in self.requests]
        for granted in new:
            ask = asked[granted]
            self.requests[granted] = Request(ask.endpoint, self.now, self.now + D, ask.weight)
        assert not new or self.now >= self.silent_until
        assert answer.granted or not asked or (answer.wait_s is not None and answer.wait_s > 0)

    @precondition(lambda self: self.open())
    @rule(choice=st.integers(0), late_s=st.sampled_from([0.0, 0.0, 15.0]))
    def end(self, choice: int, late_s: float) -> None:
        """A request is over; that is said at once, or only later."""
        permit_id = self.open()[choice % len(self.open())]
        request = self.requests[permit_id]
        request.until_s, request.is_open = min(self.now, request.until_s), False
        self.scene.do(permits.done, [permit_id], after(self.now + late_s))

    @precondition(lambda self: self.open())
    @rule(choice=st.integers(0))
    def return_unsent(self, choice: int) -> None:
        permit_id = self.open()[choice % len(self.open())]
        self.scene.do(permits.give_back, [permit_id])
        del self.requests[permit_id]
        # Its id is not used again, as nobody would ask with it.
        self.last = []

    @rule()
    def crash(self) -> None:
        """The process dies: nobody will ever say that its requests are over."""
        for request in self.requests.values():
            request.is_open = False
        self.last = []

    @rule()
    def prune(self) -> None:
        self.scene.do(permits.prune, self.bucket, after(self.now))

    @rule(asked_s=st.sampled_from([None, 1.0, 12.5]))
    def be_refused(self, asked_s: float | None) -> None:
        silenced = self.scene.do(buckets.silence, self.bucket, asked_s, SilenceRule((5.0,)), after(self.now))
        self.silent_until = self.now + silenced.seconds

    @invariant()
    def no_window_can_have_overflowed(self) -> None:
        for endpoint in (None, *self.nested):
            for window in self.nested[endpoint] if endpoint else self.windows:
                requests = [one for one in self.requests.values() if self.counts_in(one, endpoint)]
                assert most_in_any_window(requests, window.seconds) <= window.count

    def counts_in(self, request: Request, endpoint: str | None) -> bool:
        return request.endpoint == endpoint if endpoint else request.endpoint not in self.apart

    def open(self) -> list[UUID]:
        return [permit_id for permit_id, request in self.requests.items() if request.is_open]


def most_in_any_window(requests: list[Request], seconds: float) -> int:
    """The most that an adversary can get counted in one window (t, t + seconds], t chosen by him as well."""
    starts = [request.from_s - seconds for request in requests]
    return max(
        (
            sum(
                request.weight
                for request in requests
                if request.from_s <= start + seconds + 1e-9 and request.until_s > start + 1e-9
            )
            for start in starts
        ),
        default=0,
    )


def test_no_sliding_window_ever_overflows(scene: Scene) -> None:
    profile = settings(
        max_examples=60,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )

    run_state_machine_as_test(lambda: Limiter(scene), settings=profile)


def test_the_adversary_finds_an_overflow_where_slots_are_counted_from_the_send() -> None:
    slow, quick, later = Request("bars", 0, 5), Request("bars", 0, 1), Request("bars", 62, 63)

    assert most_in_any_window([slow, later], 60) == 2
    assert most_in_any_window([quick, later], 60) == 1


def test_a_source_with_enough_to_do_is_used_to_98_percent_with_requests_of_a_second(scene: Scene) -> None:
    window = Window(60, 60)
    bucket = Bucket(scene.do(buckets.bucket_id, scene.source_id, 1), (window,), {})
    now, granted_at = 0.0, []

    while now < 3660:
        granted, wait_s = reserve_and_end(scene, bucket, now)
        granted_at += [now] * granted
        now += wait_s or 0.0

    used = sum(60 <= at < 3660 for at in granted_at)
    assert used / (window.count * 3600 / window.seconds) >= 0.98


def reserve_and_end(scene: Scene, bucket: Bucket, now: float) -> tuple[int, float | None]:
    """Reserve up to 20 permits whose requests will be over in a second; returns how many, and the wait for more."""
    asks = [Ask(uuid4(), "bars") for _ in range(20)]
    answer = scene.do(permits.reserve, bucket, asks, node_id=UUID(int=0), deadline_s=D, now=after(now))
    scene.do(permits.done, answer.granted, after(now + 1))
    return len(answer.granted), answer.wait_s
