"""No window ever overflows, whatever happens; and a source with enough to do is used."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from moomarkets.domain.limits import Window
from moomarkets.store import permits
from moomarkets.store.permits import Bucket
from tests.moomarkets.store.scene import Scene, after

D = 10.0
USERS = count(2)


@dataclass
class Request:
    """One request as the provider may see it: counted at any moment from its permit's grant to its end."""

    endpoint: str
    from_s: float
    until_s: float
    is_open: bool = True


class Limiter(RuleBasedStateMachine):
    """Requests under a limiter that crashes, repeats itself, prunes and is silenced, against a list of intervals."""

    windows = (Window(3, 20), Window(5, 60))
    nested = {"bulk": (Window(2, 30),)}  # noqa: RUF012 - never changed

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene, self.now, self.silent_until = scene, 0.0, 0.0
        self.requests: dict[UUID, Request] = {}
        self.last: tuple[str, list[UUID]] = ("bars", [])
        user_id = scene.one("INSERT INTO users (name) VALUES (:name) RETURNING id", name=f"user {next(USERS)}")[0]
        self.bucket = Bucket(scene.do(permits.bucket_id, scene.source_id, user_id), self.windows, self.nested)

    @rule(seconds=st.sampled_from([0.001, 0.5, 1.0, 3.0, 9.999, 10.0, 19.999, 20.0, 20.001, 31.0]))
    def pass_time(self, seconds: float) -> None:
        self.now = round(self.now + seconds, 3)

    @rule(endpoint=st.sampled_from(["bars", "bulk"]), wanted=st.integers(1, 6))
    def reserve(self, endpoint: str, wanted: int) -> None:
        self.last = (endpoint, [uuid4() for _ in range(wanted)])
        self.ask()

    @rule()
    def ask(self) -> None:
        """Ask with the ids of the last time: the first time, or again after a lost answer."""
        endpoint, ids = self.last
        answer = self.scene.do(
            permits.reserve, self.bucket, endpoint, ids, node_id=UUID(int=0), deadline_s=D, now=after(self.now)
        )
        new = [granted for granted in answer.granted if granted not in self.requests]
        for granted in new:
            self.requests[granted] = Request(endpoint, self.now, self.now + D)
        assert not new or self.now >= self.silent_until
        assert answer.granted or not ids or (answer.wait_s is not None and answer.wait_s > 0)

    @precondition(lambda self: self.open())
    @rule(choice=st.integers(0), late_s=st.sampled_from([0.0, 0.0, 15.0]))
    def end(self, choice: int, late_s: float) -> None:
        """A request is over; that is said at once, or only later."""
        permit_id = self.open()[choice % len(self.open())]
        request = self.requests[permit_id]
        request.until_s, request.is_open = min(self.now, request.until_s), False
        self.scene.do(permits.done, self.bucket.id, [permit_id], after(self.now + late_s))

    @precondition(lambda self: self.open())
    @rule(choice=st.integers(0))
    def return_unsent(self, choice: int) -> None:
        permit_id = self.open()[choice % len(self.open())]
        self.scene.do(permits.give_back, [permit_id])
        del self.requests[permit_id]
        # Its id is not used again, as nobody would ask with it.
        self.last = (self.last[0], [])

    @rule()
    def crash(self) -> None:
        """The process dies: nobody will ever say that its requests are over."""
        for request in self.requests.values():
            request.is_open = False
        self.last = (self.last[0], [])

    @rule()
    def prune(self) -> None:
        self.scene.do(permits.prune, self.bucket, after(self.now))

    @rule(asked_s=st.sampled_from([None, 1.0, 12.5]))
    def be_refused(self, asked_s: float | None) -> None:
        self.silent_until = self.now + self.scene.do(permits.silence, self.bucket.id, asked_s, 5.0, after(self.now))

    @invariant()
    def no_window_can_have_overflowed(self) -> None:
        everything = list(self.requests.values())
        bulk = [request for request in everything if request.endpoint == "bulk"]
        for requests, windows in ((everything, self.windows), (bulk, self.nested["bulk"])):
            for window in windows:
                assert most_in_any_window(requests, window.seconds) <= window.count

    def open(self) -> list[UUID]:
        return [permit_id for permit_id, request in self.requests.items() if request.is_open]


def most_in_any_window(requests: list[Request], seconds: float) -> int:
    """The most that an adversary can get counted in one window (t, t + seconds], t chosen by him as well."""
    starts = [request.from_s - seconds for request in requests]
    return max(
        (
            sum(request.from_s <= start + seconds + 1e-9 and request.until_s > start + 1e-9 for request in requests)
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
    bucket = Bucket(scene.do(permits.bucket_id, scene.source_id, 1), (window,), {})
    now, granted_at = 0.0, []

    while now < 3660:
        granted, wait_s = reserve_and_end(scene, bucket, now)
        granted_at += [now] * granted
        now += wait_s or 0.0

    used = sum(60 <= at < 3660 for at in granted_at)
    assert used / (window.count * 3600 / window.seconds) >= 0.98


def reserve_and_end(scene: Scene, bucket: Bucket, now: float) -> tuple[int, float | None]:
    """Reserve up to 20 permits whose requests will be over in a second; returns how many, and the wait for more."""
    ids = [uuid4() for _ in range(20)]
    answer = scene.do(permits.reserve, bucket, "bars", ids, node_id=UUID(int=0), deadline_s=D, now=after(now))
    scene.do(permits.done, bucket.id, answer.granted, after(now + 1))
    return len(answer.granted), answer.wait_s
