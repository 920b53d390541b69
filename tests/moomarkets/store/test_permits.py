from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from moomarkets.domain.limits import SilenceRule, Window
from moomarkets.store import buckets, permits
from moomarkets.store.buckets import Bucket
from moomarkets.store.database import Database
from moomarkets.store.permits import Ask, Reservation
from tests.moomarkets.store.scene import LOCAL, Scene, after

D = 60.0
NODE = uuid4()
Reserve = Callable[..., Reservation]


def bucket_of(scene: Scene, *windows: Window, nested: dict[str, tuple[Window, ...]] | None = None) -> Bucket:
    return Bucket(scene.do(buckets.bucket_id, scene.source_id, LOCAL), windows, nested or {})


def reserve(
    scene: Scene, bucket: Bucket, count: int | list[UUID], at: float, endpoint: str = "bars", deadline_s: float = D
) -> Reservation:
    ids = [uuid4() for _ in range(count)] if isinstance(count, int) else count
    asks = [Ask(permit_id, endpoint) for permit_id in ids]
    return scene.do(permits.reserve, bucket, asks, node_id=NODE, deadline_s=deadline_s, now=after(at))


def done(scene: Scene, bucket: Bucket, reservation: Reservation, at: float) -> None:
    scene.do(permits.done, reservation.granted, after(at))


def silence(scene: Scene, bucket: Bucket, retry_after_s: float | None, at: float) -> float:
    """Record a 429; the seconds for which nothing leaves."""
    return scene.do(buckets.silence, bucket, retry_after_s, SilenceRule(), after(at)).seconds


def test_a_bucket_is_made_once_per_source_and_user(scene: Scene) -> None:
    assert bucket_of(scene).id == bucket_of(scene).id


def test_without_windows_every_permit_is_granted(scene: Scene) -> None:
    assert len(reserve(scene, bucket_of(scene), 50, at=0).granted) == 50


def test_no_more_is_granted_than_the_window_allows(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(5, 60))

    first, second = reserve(scene, bucket, 8, at=0), reserve(scene, bucket, 1, at=1)

    assert (len(first.granted), first.wait_s) == (5, None)
    assert second.granted == ()
    # Nobody has said that those requests are over: they count until their deadline and a window beyond.
    assert second.wait_s == pytest.approx(D + 60 - 1 + 0.001)


def test_a_slot_is_free_a_window_after_its_request_was_over_and_not_before(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(1, 60))
    done(scene, bucket, reserve(scene, bucket, 1, at=0), at=2)

    assert reserve(scene, bucket, 1, at=62).wait_s == pytest.approx(0.001)
    assert len(reserve(scene, bucket, 1, at=62.001).granted) == 1


def test_a_slot_whose_request_never_ended_is_free_a_window_after_its_deadline(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(1, 60))
    reserve(scene, bucket, 1, at=0, deadline_s=10)

    assert reserve(scene, bucket, 1, at=70).granted == ()
    assert len(reserve(scene, bucket, 1, at=70.001).granted) == 1


def test_waiting_as_long_as_was_said_is_enough(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(2, 60), Window(3, 300))
    for at in (0.0, 7.3):
        done(scene, bucket, reserve(scene, bucket, 1, at=at), at=at + 0.7)
    now, granted = 8.5, 0

    for _ in range(12):
        reservation = reserve(scene, bucket, 1, at=now)
        if reservation.granted:
            done(scene, bucket, reservation, at=now)
            granted += 1
        else:
            assert reservation.wait_s is not None
            now += reservation.wait_s + 1e-6

    assert granted >= 5


def test_spent_budget_is_still_spent_after_a_restart(scene: Scene, database_url: str) -> None:
    bucket = bucket_of(scene, Window(5, 60))
    reserve(scene, bucket, 5, at=0)

    reborn = Database(database_url, purpose="restarted")
    again = reborn.perform(
        lambda connection: permits.reserve(
            connection, bucket, [Ask(uuid4(), "bars")], node_id=uuid4(), deadline_s=D, now=after(59)
        )
    )
    reborn.close()

    assert again.granted == ()


def test_two_nodes_share_one_budget(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(10, 60))

    with ThreadPoolExecutor(4) as pool:
        granted = pool.map(lambda _: len(reserve(scene, bucket, 3, at=0).granted), range(8))

    assert sum(granted) == 10


def test_asking_again_with_the_same_ids_finds_what_was_granted(scene: Scene) -> None:
    bucket, ids = bucket_of(scene, Window(5, 60)), [uuid4(), uuid4()]

    first, second = reserve(scene, bucket, ids, at=0), reserve(scene, bucket, ids, at=1)

    assert set(second.granted) == set(first.granted) == set(ids)
    assert len(reserve(scene, bucket, 5, at=1).granted) == 3


def test_the_windows_of_an_endpoint_hold_within_those_of_the_source(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(5, 60), nested={"bulk": (Window(2, 60),)})

    bulk, more_bulk = reserve(scene, bucket, 4, at=0, endpoint="bulk"), reserve(scene, bucket, 1, at=0, endpoint="bulk")
    bars = reserve(scene, bucket, 9, at=0)

    assert [len(reservation.granted) for reservation in (bulk, more_bulk, bars)] == [2, 0, 3]
    assert bucket.longest_s() == 60


def test_a_permit_that_was_never_used_is_free_at_once(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(1, 60))
    unused = reserve(scene, bucket, 1, at=0)

    scene.do(permits.give_back, unused.granted)

    assert len(reserve(scene, bucket, 1, at=0).granted) == 1


def test_saying_twice_that_a_request_is_over_does_not_move_its_end(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(1, 60))
    only = reserve(scene, bucket, 1, at=0)
    done(scene, bucket, only, at=1)

    done(scene, bucket, only, at=50)

    assert len(reserve(scene, bucket, 1, at=61.001).granted) == 1


def test_permits_from_the_future_count_as_reserved_now(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(1, 60))
    reserve(scene, bucket, 1, at=86400)

    wait_s = reserve(scene, bucket, 1, at=0).wait_s

    assert wait_s == pytest.approx(D + 60 + 0.001)


def test_pruning_forgets_only_what_no_window_counts(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(1, 60), Window(2, 3600))
    done(scene, bucket, reserve(scene, bucket, 1, at=0), at=1)
    reserve(scene, bucket, 1, at=100)

    assert scene.do(permits.prune, bucket, after(3602)) == 0
    assert len(reserve(scene, bucket, 2, at=3602).granted) == 1
    assert scene.do(permits.prune, bucket, after(3662)) == 1


def test_nothing_is_granted_during_a_silence(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(5, 60))
    assert silence(scene, bucket, 30, at=0) == 30

    assert reserve(scene, bucket, 1, at=10) == Reservation((), 20)


def test_after_a_silence_one_probe_goes_first_and_its_end_frees_the_others(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(5, 60))
    silence(scene, bucket, 30, at=0)

    probe = reserve(scene, bucket, 4, at=30)
    waiting = reserve(scene, bucket, 4, at=31)
    done(scene, bucket, probe, at=32)

    assert len(probe.granted) == 1
    # It is worth asking again at the probe's deadline, or when it is over: never at once.
    assert waiting == Reservation((), D - 1)
    assert len(reserve(scene, bucket, 4, at=32).granted) == 4


def test_a_probe_that_is_refused_starts_another_silence(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(5, 60))
    silence(scene, bucket, None, at=0)
    probe = reserve(scene, bucket, 1, at=60)

    assert silence(scene, bucket, None, at=61) == 120
    done(scene, bucket, probe, at=61)

    assert reserve(scene, bucket, 1, at=62) == Reservation((), 119)


def test_a_probe_that_died_is_followed_by_another_after_its_deadline(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(5, 60))
    silence(scene, bucket, 30, at=0)
    reserve(scene, bucket, 1, at=30, deadline_s=10)

    assert reserve(scene, bucket, 2, at=39, deadline_s=10).granted == ()
    assert len(reserve(scene, bucket, 2, at=41, deadline_s=10).granted) == 1


def test_a_probe_that_never_left_makes_room_for_the_next(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(5, 60))
    silence(scene, bucket, 30, at=0)

    scene.do(permits.give_back, reserve(scene, bucket, 1, at=30).granted)

    assert len(reserve(scene, bucket, 2, at=31).granted) == 1


def test_the_end_of_an_older_request_does_not_end_a_silence(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(5, 60))
    older = reserve(scene, bucket, 2, at=0)
    silence(scene, bucket, 30, at=1)

    done(scene, bucket, older, at=2)

    assert reserve(scene, bucket, 1, at=3) == Reservation((), 28)
    assert len(reserve(scene, bucket, 3, at=31).granted) == 1


def test_refusals_of_requests_on_the_wire_are_one_overrun_but_the_longest_wish_counts(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(5, 60))
    silence(scene, bucket, None, at=0)

    assert silence(scene, bucket, None, at=1) == 59
    assert silence(scene, bucket, 5, at=2) == 58
    assert silence(scene, bucket, 300, at=3) == 300
    assert reserve(scene, bucket, 1, at=4) == Reservation((), 299)


def test_silences_grow_while_refusals_follow_each_other_and_start_anew_later(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(5, 60))

    waits = [silence(scene, bucket, None, at=at) for at in (0, 61, 200, 1130, 2061)]

    assert waits == [60, 120, 330, 330, 60]


def test_a_permit_is_seen_in_the_stable_view(scene: Scene) -> None:
    reserve(scene, bucket_of(scene, Window(5, 60)), 1, at=0)

    assert scene.one("SELECT source, endpoint, done_at FROM v_permits") == ("sim", "bars", None)
