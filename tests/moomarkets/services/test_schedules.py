"""What is told of schedules, on a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from moomarkets.domain.catch_up import Overlap
from moomarkets.domain.errors import InvalidInput, NotFound
from moomarkets.domain.when import after_close, every
from moomarkets.services.schedules import Schedules
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.books import USER, Books

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    books = Books(database_url)
    yield books
    books.close()


@pytest.fixture
def desk(books: Books) -> Schedules:
    return Schedules(books.database, USER, ManualClock(NOW))


def ledger(books: Books, group: str, *statuses: str) -> None:
    """One occurrence an hour, from now on."""
    for number, status in enumerate(statuses):
        books.change(
            "INSERT INTO occurrences (schedule_id, due_at, status) SELECT schedules.id, :due_at, :status FROM schedules"
            " JOIN job_groups ON job_groups.id = job_group_id WHERE name = :name",
            due_at=NOW + timedelta(hours=number),
            status=status,
            name=group,
        )


def test_a_preview_takes_a_map_or_a_cron_expression_with_its_zone(desk: Schedules) -> None:
    by_map = desk.preview({"cron": "0 17 * * *", "timezone": "Asia/Tokyo"}, n=2)
    by_text = desk.preview("0 17 * * *", timezone="Asia/Tokyo", after=NOW, n=2)

    assert by_map == by_text == [NOW + timedelta(hours=8), NOW + timedelta(hours=32)]


def test_a_preview_of_nonsense_names_the_field(desk: Schedules) -> None:
    with pytest.raises(InvalidInput, match="cron minute"):
        desk.preview("61 * * * *")
    with pytest.raises(InvalidInput, match="did you mean Asia/Tokyo"):
        desk.preview("0 * * * *", timezone="Asia/Tokio")
    with pytest.raises(InvalidInput, match="n: expected"):
        desk.preview("0 * * * *", n=0)


def test_all_schedules_are_listed_in_words_and_those_that_cannot_be_read_too(desk: Schedules, books: Books) -> None:
    books.group("bars", schedule=after_close("XTKS", "16:30"), overlap=Overlap.QUEUE)
    books.group("gone", schedule=every(hours=1))
    books.group("by hand")
    books.change("""UPDATE schedules SET spec = '{"cron": "x"}', error = 'cron: no' WHERE spec ? 'every_s'""")

    bars, gone = desk.list()

    assert (bars["group"], bars["overlap"]) == ("bars", "queue")
    assert bars["in_words"] == "at 16:30 on each trading day of XTKS, Asia/Tokyo"
    assert (gone["group"], gone["in_words"], gone["error"]) == ("gone", None, "cron: no")


def test_a_schedule_is_shown_with_its_next_instants(desk: Schedules, books: Books) -> None:
    books.group("bars", schedule=after_close("XTKS", "16:30"))

    shown = desk.show("bars", n=2)

    assert shown["upcoming"] == [NOW + timedelta(hours=7.5), NOW + timedelta(days=4, hours=7.5)]


def test_a_group_without_a_schedule_has_none_to_show(desk: Schedules, books: Books) -> None:
    books.group("by hand")

    with pytest.raises(NotFound, match="schedule of group by hand"):
        desk.show("by hand")
    with pytest.raises(NotFound, match="group bar"):
        desk.show("bar")


def test_the_next_instants_of_all_groups_come_in_order_with_the_dates_they_are_about(
    desk: Schedules, books: Books
) -> None:
    books.group("two hours", schedule=every(hours=2))
    books.group("night", schedule={"cron": "0 1 * * *", "timezone": "Pacific/Kiritimati"})
    books.group("off", schedule=every(minutes=1), is_enabled=False)

    instants = [(record["due_at"], record["group"], record["for_on"]) for record in desk.next(3)]

    assert instants == [
        (NOW + timedelta(hours=2), "two hours", date(2026, 11, 20)),
        (NOW + timedelta(hours=4), "two hours", date(2026, 11, 20)),
        (NOW + timedelta(hours=6), "two hours", date(2026, 11, 20)),
    ]
    assert ("night", date(2026, 11, 21)) in [(record["group"], record["for_on"]) for record in desk.next(10)]


def test_the_ledger_is_read_by_group_outcome_and_time(desk: Schedules, books: Books) -> None:
    for name in ("a", "b"):
        books.group(name, schedule=every(hours=1))
    ledger(books, "a", "ran", "skipped", "ran")
    ledger(books, "b", "ran")

    everything = desk.occurrences()
    narrowed = desk.occurrences("a", status="ran", from_at=NOW + timedelta(hours=1), to_at=NOW + timedelta(hours=3))

    assert len(everything) == 4
    assert [(record["job_group"], record["due_at"]) for record in narrowed] == [("a", NOW + timedelta(hours=2))]
    assert desk.occurrences("a", to_at=NOW) == []


def test_questions_to_the_ledger_that_make_no_sense_are_refused(desk: Schedules) -> None:
    with pytest.raises(InvalidInput, match="status: expected one of pending, ran"):
        desk.occurrences(status="done")
    with pytest.raises(InvalidInput, match="from_at: expected an instant with its offset"):
        desk.occurrences(from_at=datetime(2026, 1, 1))
    with pytest.raises(NotFound, match="group a"):
        desk.occurrences("a")


def test_what_comes_next_leaves_out_the_groups_below_one_that_is_switched_off(desk: Schedules, books: Books) -> None:
    books.group("top", schedule=every(hours=1))
    books.group("below", schedule=every(hours=1))
    books.group("other", schedule=every(hours=1))
    books.change(
        "UPDATE job_groups SET parent_id = (SELECT id FROM job_groups WHERE name = 'top') WHERE name = 'below'"
    )
    books.change("UPDATE job_groups SET is_enabled = false WHERE name = 'top'")

    assert [record["group"] for record in desk.next(2)] == ["other", "other"]
    assert [record["is_enabled"] for record in desk.list()] == [False, True, False]
