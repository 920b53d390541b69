"""A clock of the database that is set while requests are counted: nothing is free early, nothing is stuck."""

from __future__ import annotations

from uuid import uuid4

from moomarkets.domain.limits import SilenceRule, Window
from moomarkets.store import buckets, permits
from moomarkets.store.buckets import Bucket
from moomarkets.store.clock_steps import Look
from moomarkets.store.permits import Ask, Reservation
from tests.moomarkets.store.scene import LOCAL, Scene, after

D = 10.0
HOUR = 3600.0


def bucket_of(scene: Scene) -> Bucket:
    return Bucket(scene.do(buckets.bucket_id, scene.source_id, LOCAL), (Window(1, 60),), {})


def reserve(
    scene: Scene, bucket: Bucket, at: float, boot_s: float, last: Look | None = None, boot_id: str = ""
) -> Reservation:
    return scene.do(
        permits.reserve,
        bucket,
        [Ask(uuid4(), "bars")],
        node_id=uuid4(),
        deadline_s=D,
        now=after(at),
        boottime=lambda: boot_s,
        boot_id=boot_id,
        last=last,
    )


def test_a_clock_that_was_set_forwards_frees_nothing_early(scene: Scene) -> None:
    bucket = bucket_of(scene)
    first = reserve(scene, bucket, at=0, boot_s=0)
    scene.do(permits.done, first.granted, after(1))

    second = reserve(scene, bucket, at=HOUR + 2, boot_s=2, last=first.look)

    assert (second.granted, second.step_s) == ((), HOUR)
    assert reserve(scene, bucket, at=HOUR + 61, boot_s=61, last=second.look).granted == ()
    assert len(reserve(scene, bucket, at=HOUR + 61.1, boot_s=61.1, last=second.look).granted) == 1


def test_a_clock_that_was_set_while_nobody_looked_frees_nothing_early(scene: Scene) -> None:
    bucket = bucket_of(scene)
    first = reserve(scene, bucket, at=0, boot_s=0, boot_id="boot")
    scene.do(permits.done, first.granted, after(1))

    second = reserve(scene, bucket, at=HOUR + 2, boot_s=2, boot_id="boot")

    assert (second.granted, second.step_s) == ((), HOUR)


def test_a_look_under_another_boot_says_nothing_about_this_one(scene: Scene) -> None:
    bucket = bucket_of(scene)
    first = reserve(scene, bucket, at=0, boot_s=5000, boot_id="before")
    scene.do(permits.done, first.granted, after(1))

    second = reserve(scene, bucket, at=100, boot_s=20, boot_id="after")

    assert (len(second.granted), second.step_s) == (1, 0.0)


def test_a_clock_that_was_set_back_stalls_for_a_window_and_no_longer(scene: Scene) -> None:
    bucket = bucket_of(scene)
    first = reserve(scene, bucket, at=HOUR, boot_s=0)
    scene.do(permits.done, first.granted, after(HOUR + 1))

    second = reserve(scene, bucket, at=2, boot_s=2, last=first.look)

    assert (second.granted, second.step_s) == ((), -HOUR)
    assert len(reserve(scene, bucket, at=63, boot_s=63, last=second.look).granted) == 1


def test_what_a_process_before_this_one_left_in_the_future_counts_from_now(scene: Scene) -> None:
    bucket = bucket_of(scene)
    reserve(scene, bucket, at=HOUR, boot_s=0)

    first = reserve(scene, bucket, at=0, boot_s=0)

    assert first.granted == ()
    assert reserve(scene, bucket, at=D + 60, boot_s=D + 60, last=first.look).granted == ()
    assert len(reserve(scene, bucket, at=D + 61, boot_s=D + 61, last=first.look).granted) == 1


def test_a_silence_lasts_as_long_as_it_was_meant_to_whatever_the_clock_does(scene: Scene) -> None:
    bucket = bucket_of(scene)
    first = reserve(scene, bucket, at=0, boot_s=0)
    scene.do(buckets.silence, bucket, 300.0, SilenceRule(), after(1))

    forwards = reserve(scene, bucket, at=HOUR + 1, boot_s=1, last=first.look)
    back = reserve(scene, bucket, at=11, boot_s=11, last=forwards.look)

    assert (forwards.wait_s, back.wait_s) == (300.0, 300.0)
    assert len(reserve(scene, bucket, at=311, boot_s=311, last=back.look).granted) == 1


def test_time_that_passes_is_no_step(scene: Scene) -> None:
    bucket = bucket_of(scene)
    first = reserve(scene, bucket, at=0, boot_s=0)
    scene.do(permits.done, first.granted, after(0.5))

    second = reserve(scene, bucket, at=61.04, boot_s=61.0, last=first.look)

    assert (len(second.granted), second.step_s) == (1, 0.0)
