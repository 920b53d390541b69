from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from moomarkets.domain.errors import StoreTooSlow, StoreUnavailable
from moomarkets.store import database as under_test
from moomarkets.store.database import Database
from tests.support.frozen import frozen
from tests.support.postgres import TestPostgres


@pytest.fixture
def hurried(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A pool that waits 1.5 s for a word of the server; connected already."""
    monkeypatch.setattr(under_test, "MARGIN_S", 0.5)
    database = Database(database_url, purpose="tests", pool_size=1, statement_timeout_s=1.0)
    read(database, "SELECT 1")
    yield database
    database.close()


def read(database: Database, sql: str) -> object:
    return database.perform(lambda connection: connection.scalar(text(sql)))


def test_a_frozen_server_is_given_up_soon_after_the_deadline_of_the_statement(
    hurried: Database, postgres: TestPostgres
) -> None:
    with frozen(postgres.server), pytest.raises(StoreUnavailable, match=r"no answer within 1\.5 s") as raised:
        read(hurried, "SELECT 1")

    assert not isinstance(raised.value, StoreTooSlow)  # which would be the fault of the statement


def test_a_frozen_server_is_given_up_in_mid_transaction(hurried: Database, postgres: TestPostgres) -> None:
    def work() -> None:
        with hurried.transaction() as connection:
            connection.execute(text("SELECT 1"))
            with frozen(postgres.server):
                connection.execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailable, match="no answer"):
        work()


def test_a_frozen_server_is_given_up_at_the_commit(hurried: Database, postgres: TestPostgres) -> None:
    def work(until_thawed: ExitStack) -> None:
        with hurried.transaction() as connection:
            connection.execute(text("SELECT 1"))
            until_thawed.enter_context(frozen(postgres.server))

    with ExitStack() as until_thawed, pytest.raises(StoreUnavailable, match="no answer"):
        work(until_thawed)


def test_a_server_that_thaws_is_worked_with_again_over_a_new_connection(
    hurried: Database, postgres: TestPostgres
) -> None:
    before = read(hurried, "SELECT pg_backend_pid()")
    with frozen(postgres.server), pytest.raises(StoreUnavailable):
        read(hurried, "SELECT 1")

    after = read(hurried, "SELECT pg_backend_pid()")

    assert after != before


def test_what_the_server_itself_ends_in_time_is_told_as_before(hurried: Database) -> None:
    with pytest.raises(StoreTooSlow, match="statement timeout"):
        read(hurried, "SELECT pg_sleep(5)")
