"""What a credential remembers of refusals: silences that grow, and a share of its limits that shrinks and recovers."""

from __future__ import annotations

from uuid import uuid4

from datasources.jquants.endpoints import JQUANTS
from datasources.yahoo import YAHOO
from moomarkets.domain.limits import SilenceRule, Window
from moomarkets.store import buckets, permits
from moomarkets.store.buckets import Bucket, Silenced
from moomarkets.store.permits import Ask, Reservation
from tests.moomarkets.store.scene import LOCAL, Scene, after

DAY = 86400.0


def bucket_of(scene: Scene, *windows: Window) -> Bucket:
    return Bucket(scene.do(buckets.bucket_id, scene.source_id, LOCAL), windows, {})


def refused(scene: Scene, bucket: Bucket, at: float, rule: SilenceRule = JQUANTS.silences) -> Silenced:
    return scene.do(buckets.silence, bucket, None, rule, after(at))


def reserve(scene: Scene, bucket: Bucket, count: int, at: float) -> Reservation:
    asks = [Ask(uuid4(), "bars") for _ in range(count)]
    return scene.do(permits.reserve, bucket, asks, node_id=uuid4(), deadline_s=60.0, now=after(at))


def answered(scene: Scene, bucket: Bucket, at: float) -> None:
    """One request goes out and is answered: the source goes on."""
    probe = reserve(scene, bucket, 1, at)
    assert probe.granted
    scene.do(permits.done, probe.granted, after(at))


def overrun(scene: Scene, bucket: Bucket, at: float) -> Silenced:
    """A 429, and half an hour later the source answers again."""
    silenced = refused(scene, bucket, at)
    answered(scene, bucket, at + 1800)
    return silenced


def test_the_waits_of_jquants_are_a_minute_two_and_five_and_a_half(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(5, 60))

    waits = [refused(scene, bucket, at).seconds for at in (0, 61, 200, 600)]

    assert waits == [60, 120, 330, 330]
    assert JQUANTS.silences.next_s(1, None, luck=1.0) == 70


def test_the_waits_of_yahoo_double_from_a_quarter_of_an_hour_to_four_hours(scene: Scene) -> None:
    bucket, at, waits = bucket_of(scene, Window(1, 2)), 0.0, []

    for _ in range(6):
        waits.append(refused(scene, bucket, at, YAHOO.silences).seconds)
        at += waits[-1] + 1

    assert [wait_s / 60 for wait_s in waits] == [15, 30, 60, 120, 240, 240]


def test_one_refusal_teaches_nothing_and_a_second_within_a_day_costs_a_tenth(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(60, 60))

    first, second = overrun(scene, bucket, 0), overrun(scene, bucket, 3600)

    assert (first.share, first.has_learnt) == (1.0, False)
    assert (second.share, second.has_learnt) == (0.9, True)
    assert len(reserve(scene, bucket, 100, 7200).granted) == 54


def test_a_refused_probe_belongs_to_the_overrun_before_it(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(60, 60))

    shares = [refused(scene, bucket, at).share for at in (0, 70, 200, 600)]

    assert shares == [1.0, 1.0, 1.0, 1.0]


def test_the_share_never_falls_below_a_half(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(60, 60))

    shares = [overrun(scene, bucket, number * 3600).share for number in range(8)]

    assert shares == [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.5]


def test_each_quiet_day_gives_a_tenth_back(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(60, 60))
    for number in range(3):
        overrun(scene, bucket, number * 3600)

    counts = [len(reserve(scene, bucket, 100, 7200 + days * DAY + 60).granted) for days in (0.5, 1, 2)]

    assert counts == [48, 54, 60]


def test_a_refusal_after_more_than_a_day_teaches_nothing(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(60, 60))

    assert [overrun(scene, bucket, number * 1.5 * DAY).share for number in range(3)] == [1.0, 1.0, 1.0]


def test_other_limits_begin_anew(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(60, 60))
    for number in range(3):
        overrun(scene, bucket, number * 3600)

    upgraded = bucket_of(scene, Window(120, 60))

    assert len(reserve(scene, upgraded, 200, 14_400).granted) == 120


def test_a_window_of_one_request_gets_longer_instead(scene: Scene) -> None:
    bucket = bucket_of(scene, Window(1, 2))
    for number in range(6):
        overrun(scene, bucket, number * 3600)
    scene.do(permits.done, reserve(scene, bucket, 1, 20_000).granted, after(20_000))

    assert reserve(scene, bucket, 1, 20_003.9).granted == ()
    assert len(reserve(scene, bucket, 1, 20_004.1).granted) == 1
