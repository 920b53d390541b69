from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime

import pytest

from datasources.jquants.endpoints import JQUANTS, TRADES_ENDPOINT
from datasources.simulators.faults import Fault
from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from datasources.simulators.server import json_answer
from moomarkets.domain.calendar import TOKYO
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import AttemptError, InvalidInput, Reason
from moomarkets.domain.job import Failed, LostLease, PlannedJob, Succeeded
from moomarkets.domain.limits import Window
from moomarkets.domain.source import Subscription
from moomarkets.jobtypes.bulk_fetch import BulkFetch, is_bulk
from moomarkets.jobtypes.dataset_upkeep import DatasetUpkeep
from moomarkets.store import sources
from tests.datasources.support import ScriptedProvider, jquants_client
from tests.moomarkets.jobtypes.bulk_house import DAYS, MONTH, NOW, House
from tests.moomarkets.jobtypes.views import view
from tests.moomarkets.store.scene import LOCAL, Scene

WHOLE_MONTH = tuple(date(2026, 10, day) for day in range(1, 32))
ISSUES = 12


@pytest.fixture(scope="module")
def simulator() -> Iterator[JQuantsSimulator]:
    wide = Window(1_000_000, 60)
    today = datetime(2026, 11, 20, 18, tzinfo=TOKYO)
    with JQuantsSimulator("premium", issues=ISSUES, today=today, limit=wide, addons=("minute",)) as simulator:
        yield simulator


@pytest.fixture
def house(scene: Scene, simulator: JQuantsSimulator) -> Iterator[House]:
    with closing(jquants_client(simulator.base_url, key=DEMO_KEY)) as client:
        yield House(scene, client)
    simulator.faults.clear()


def test_a_file_brings_its_rows_and_the_coverage_of_each_day_that_was_asked_for(house: House) -> None:
    ending = house.bulk()

    assert isinstance(ending, Succeeded)
    assert (ending.run_ended, ending.usage.requests, ending.usage.pages) == (True, 2, 1)
    assert ending.usage.rows == house.value("SELECT count(*) FROM daily_bars") > 4 * (ISSUES - 4)
    assert set(house.covered()) == set(DAYS)
    assert house.value(
        "SELECT count(*) FROM coverage WHERE status <> 'complete' OR rows <> (SELECT count(*) FROM daily_bars"
        " WHERE on_date = coverage.from_on)"
    ) == 0  # fmt: skip


def test_the_same_file_once_more_changes_nothing(house: House) -> None:
    house.bulk()
    before = house.scene.one("SELECT array_agg(daily_bars ORDER BY code, on_date) FROM daily_bars")

    assert isinstance(house.bulk(), Succeeded)

    assert house.scene.one("SELECT array_agg(daily_bars ORDER BY code, on_date) FROM daily_bars") == before
    assert house.value("SELECT count(*) FROM revisions") == 0


def test_what_came_by_day_and_what_comes_in_the_file_are_the_same_rows(house: House) -> None:
    house.by_day(DAYS[0])
    house.scene.execute("UPDATE coverage SET fetched_at = '2026-10-01T09:00Z'")

    house.bulk()

    assert house.value("SELECT count(DISTINCT execution_id) FROM daily_bars WHERE on_date = '2026-10-01'") == 1
    assert house.value("SELECT count(*) FROM revisions") == 0
    assert house.value("SELECT count(DISTINCT execution_id) FROM coverage") == 1


def test_a_correction_in_a_newer_file_leaves_the_old_row_as_a_revision(house: House) -> None:
    house.bulk()
    house.scene.execute("UPDATE daily_bars SET close = -1 WHERE on_date = '2026-10-01'")
    house.scene.execute("UPDATE coverage SET fetched_at = '2026-10-01T09:00Z'")

    house.bulk()

    assert house.value("SELECT count(*) FROM daily_bars WHERE close = -1") == 0
    assert house.value("SELECT count(*) FROM revisions WHERE row ->> 'close' = '-1'") > 0
    assert house.value("SELECT array_agg(from_on) FROM coverage WHERE corrected_at IS NOT NULL") == [DAYS[0]]
    assert [event.fields["from_on"] for event in house.events.of("dataset.corrected")] == ["2026-10-01"]


def test_days_that_were_fetched_after_the_file_was_made_are_left_as_they_are(house: House) -> None:
    house.by_day(DAYS[0])
    house.scene.execute("UPDATE daily_bars SET close = -1 WHERE on_date = '2026-10-01'")
    fetched = house.covered()[DAYS[0]]
    house.clock.advance(60)

    assert isinstance(house.bulk(), Succeeded)

    assert house.value("SELECT count(*) FROM daily_bars WHERE close = -1") > 0
    assert house.covered()[DAYS[0]] == fetched
    assert set(house.covered()) == set(DAYS)


def test_a_day_whose_rows_the_file_does_not_have_is_covered_as_empty(house: House) -> None:
    holiday = date(2026, 10, 12)

    house.bulk(holiday, DAYS[0])

    assert house.value("SELECT status FROM coverage WHERE from_on = '2026-10-12'") == "empty"


def test_a_day_after_the_file_was_made_is_not_covered(house: House) -> None:
    ending = house.bulk(date(2026, 11, 19), date(2026, 11, 24), period="2026-11")

    # The month goes on, so the files of its days are taken; that of the 24th is still to come.
    assert isinstance(ending, Succeeded)
    assert set(house.covered()) == {date(2026, 11, 19)}


def test_a_file_that_is_not_there_yet_is_asked_for_later(house: House) -> None:
    assert house.bulk(date(2026, 11, 24), period="2026-11-24") == Failed(
        Reason.PARTIAL, "partial: bulk files of daily_bars: expected one of 2026-11-24, got none yet"
    )
    assert house.covered() == {}


@pytest.mark.parametrize("kind", ["half_body", "drop", "garbage", "html"])
def test_half_a_file_leaves_nothing(house: House, simulator: JQuantsSimulator, kind: str) -> None:
    simulator.faults.add(Fault(kind, path=".csv.gz"))

    ending = house.bulk()

    assert isinstance(ending, Failed)
    assert ending.reason in (Reason.UPSTREAM, Reason.MALFORMED)
    assert (house.value("SELECT count(*) FROM daily_bars"), house.covered()) == (0, {})


def test_a_large_file_is_stored_in_parts_and_covered_once_with_the_last(house: House) -> None:
    house.endpoint, house.part_bytes = TRADES_ENDPOINT, 20_000

    ending = house.bulk(*WHOLE_MONTH)

    assert isinstance(ending, Succeeded)
    assert ending.usage.rows == house.value("SELECT count(*) FROM trades") > 1000
    assert len(house.covered()) == 31
    assert house.value("SELECT sum(rows) FROM coverage") == ending.usage.rows


class _AfterTheFirstPart(CancelToken):
    """Cancelled as soon as rows of the file are stored: what a death there leaves behind."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house

    def check(self) -> None:
        if self._house.value("SELECT count(*) FROM trades"):
            self.cancel(Reason.INTERRUPTED)
        super().check()


def test_an_attempt_that_died_between_two_parts_is_made_good_by_the_next(house: House) -> None:
    house.endpoint, house.part_bytes = TRADES_ENDPOINT, 20_000

    job = BulkFetch("trades", MONTH, WHOLE_MONTH).job("died", "bulk", "died")
    interrupted = house.do(job, _AfterTheFirstPart(house))
    left = house.value("SELECT count(*) FROM trades")

    assert isinstance(interrupted, Failed)
    assert (interrupted.reason, house.covered()) == (Reason.INTERRUPTED, {})
    ending = house.bulk(*WHOLE_MONTH)
    assert isinstance(ending, Succeeded)
    assert 0 < left < house.value("SELECT count(*) FROM trades") == ending.usage.rows
    assert house.value("SELECT count(*) FROM revisions") == 0


def test_a_part_of_an_attempt_that_lost_its_lease_is_not_stored(house: House) -> None:
    house.endpoint, house.part_bytes = TRADES_ENDPOINT, 20_000
    attempt = house.attempt(BulkFetch("trades", MONTH, WHOLE_MONTH).job("late", "bulk", "late"))
    house.scene.execute("UPDATE executions SET lease_token = lease_token + 1 WHERE status = 'running'")

    assert house.perform_attempt(attempt) == LostLease()
    assert house.value("SELECT count(*) FROM trades") == 0


def test_somebody_who_fetches_a_day_meanwhile_wins(house: House) -> None:
    job = BulkFetch("daily_bars", MONTH, DAYS).job("slow", "bulk", "slow")
    attempt = house.attempt(job)
    outcome = house.perform(attempt, house.tools, CancelToken())
    house.by_day(DAYS[0])

    assert outcome.write is not None
    with pytest.raises(AttemptError, match="expected nobody else to fetch these days meanwhile"):
        house.scene.do(outcome.write)


def test_a_refused_credential_waits_for_another_one_and_is_asked_once(
    house: House, simulator: JQuantsSimulator
) -> None:
    house.scene.do(sources.put_credential, LOCAL, house.owner.source_id, b"sealed")
    asked = len(simulator.ledger.entries())
    with closing(jquants_client(simulator.base_url, key="wrong")) as house.client:
        ending = house.bulk()

    assert isinstance(ending, Failed)
    assert ending.reason is Reason.INTERRUPTED
    assert house.value("SELECT is_accepted FROM data_source_credentials") is False
    assert len(simulator.ledger.entries()) == asked + 1


def refusal(status: int, message: str) -> ScriptedProvider:
    return ScriptedProvider(lambda question: json_answer(status, {"message": message}))


def test_files_that_are_refused_are_not_asked_for_again_and_the_days_still_are(
    house: House, simulator: JQuantsSimulator
) -> None:
    with (
        refusal(403, "This API is not available on your subscription.") as provider,
        closing(jquants_client(provider.url)) as house.client,
    ):
        first, again = house.bulk(), house.bulk()
        asked = len(provider.ledger.entries())
    with closing(jquants_client(simulator.base_url, key=DEMO_KEY)) as house.client:
        by_day = house.by_day(DAYS[0])

    assert isinstance(first, Failed)
    assert (first.reason, asked) == (Reason.PLAN_RESTRICTED, 1)
    assert "files of daily_bars does not belong" in str(again)
    assert isinstance(by_day, Succeeded)


def test_days_beyond_the_window_that_a_refusal_names_are_marked(house: House) -> None:
    with (
        refusal(400, "Your subscription covers the following dates: 2026-11-01 ~ .") as provider,
        closing(jquants_client(provider.url)) as house.client,
    ):
        ending = house.bulk()

    assert isinstance(ending, Succeeded)
    assert house.value("SELECT array_agg(status) FROM coverage") == ["out_of_window"]


def test_parameters_that_make_no_sense_fail_the_job(house: House) -> None:
    job = PlannedJob("odd", "bulk", "odd", {"bulk": {"dataset": "daily_bars", "period": "2026-10"}, "days": ["soon"]})

    assert house.do(job) == Failed(
        Reason.INVALID, "invalid: parameters of job odd: days: expected a list of dates like 2024-01-15, got ['soon']"
    )


@pytest.mark.parametrize("days", [(), (date(2026, 9, 30),), (date(2026, 11, 1),)])
def test_the_days_lie_within_the_period(days: tuple[date, ...]) -> None:
    with pytest.raises(InvalidInput, match="days: expected dates from 2026-10-01 to 2026-10-31, got"):
        BulkFetch("daily_bars", MONTH, days)


def test_a_bulk_job_travels_as_the_parameters_of_a_job(house: House) -> None:
    wanted = BulkFetch("daily_bars", MONTH, DAYS)
    attempt = house.attempt(wanted.job("k", "bulk", "n"))

    assert is_bulk(attempt)
    assert BulkFetch.of(attempt.parameters) == wanted
    assert not is_bulk(house.attempt(PlannedJob("other", "bulk", "n", {"key": "ALL"})))


def test_what_comes_in_files_alone_is_planned_as_files() -> None:
    subscription = Subscription.of(JQUANTS, "light", ["minute"])
    upkeep = DatasetUpkeep("jquants", TRADES_ENDPOINT)

    jobs = upkeep.plan(replace(view(NOW), subscription=subscription), {"newest": 16})

    assert [job.key for job in jobs][:2] == ["trades 2026-11-20", "trades 2026-11-19"]
    assert jobs[-1].key == "trades 2026-10"
    assert BulkFetch.of(jobs[-1].parameters).period == MONTH
