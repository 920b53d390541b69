from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from moomarkets.domain.errors import SettingsError, StoreUnavailable
from moomarkets.store.database import Database, libpq_url, sqlalchemy_url
from tests.moomarkets.store.scene import wait_until_blocked

INSERT = text("INSERT INTO users (name) VALUES (:name)")


def read(database: Database, sql: str) -> object:
    return database.perform(lambda connection: connection.scalar(text(sql)))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:geheim@127.0.0.1:1/nothing",
        "postgres://app:geheim@/nothing?host=/nowhere",
        "postgresql+psycopg://app:geheim@127.0.0.1:1/nothing",
    ],
)
def test_a_server_that_is_not_there_is_said_to_be_unavailable_without_the_password(url: str) -> None:
    database = Database(url, purpose="tests")

    with pytest.raises(StoreUnavailable) as performing:
        read(database, "SELECT 1")
    with pytest.raises(StoreUnavailable) as transacting, database.transaction():
        pass

    assert "geheim" not in f"{performing.value!r} {transacting.value} {database!r}"


def test_a_wrong_password_is_said_without_the_password(database_url: str) -> None:
    wrong = make_url(sqlalchemy_url(database_url)).set(password="geheim").render_as_string(hide_password=False)
    database = Database(wrong, purpose="tests")

    with pytest.raises(StoreUnavailable, match="password authentication failed") as raised:
        read(database, "SELECT 1")

    assert "geheim" not in str(raised.value)


@pytest.mark.parametrize("url", ["", "geheim", "sqlite:///geheim", "mysql://app:geheim@host/db"])
def test_what_is_no_postgres_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(SettingsError, match=r"database_url: expected .* got") as raised:
        sqlalchemy_url(url)

    assert "geheim" not in str(raised.value)


def test_a_url_is_given_to_either_driver() -> None:
    assert sqlalchemy_url("postgres://a:b@h/d") == "postgresql+psycopg://a:b@h/d"
    assert libpq_url("postgresql+psycopg://a:b@h/d") == "postgresql://a:b@h/d"


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    def begin() -> None:
        with database.transaction() as connection:
            connection.execute(INSERT, {"name": "nobody"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        begin()

    assert read(database, "SELECT count(*) FROM users") == 1


def test_the_server_keeps_the_deadlines_and_speaks_utc(database_url: str) -> None:
    database = Database(database_url, purpose="tests", statement_timeout_s=1.5, lock_timeout_s=0.25)
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "TimeZone", "application_name")

    shown = [read(database, f"SELECT current_setting('{name}')") for name in names]
    database.close()

    assert shown == ["1500ms", "250ms", "5s", "UTC", "moomarkets tests"]


def test_a_statement_that_takes_too_long_is_unavailability(database_url: str) -> None:
    database = Database(database_url, purpose="tests", statement_timeout_s=0.05)

    with pytest.raises(StoreUnavailable, match="statement timeout"):
        read(database, "SELECT pg_sleep(5)")

    database.close()


def test_a_deadlock_is_tried_again_until_both_are_through(database: Database) -> None:
    database.perform(lambda connection: connection.execute(INSERT, [{"name": "a"}, {"name": "b"}]) and None)
    both_hold_one, tries = threading.Barrier(2, timeout=5), []

    def taking(first: str, second: str) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            tries.append(first)
            connection.execute(text("UPDATE users SET updated_at = now() WHERE name = :name"), {"name": first})
            if len(tries) <= 2:
                both_hold_one.wait()
            connection.execute(text("UPDATE users SET updated_at = now() WHERE name = :name"), {"name": second})

        return work

    with ThreadPoolExecutor(2) as pool:
        work = [pool.submit(database.perform, taking("a", "b")), pool.submit(database.perform, taking("b", "a"))]
        results = [future.result() for future in work]

    assert results == [None, None]
    assert len(tries) == 3


def test_a_lock_that_others_hold_for_a_while_is_waited_for(database: Database, database_url: str) -> None:
    impatient = Database(database_url, purpose="tests", lock_timeout_s=0.05)
    tries: list[int] = []

    with psycopg.connect(libpq_url(database_url)) as holding:
        holding.execute("SELECT 1 FROM users FOR UPDATE")

        def work(connection: Connection) -> object:
            tries.append(1)
            if len(tries) == 3:
                holding.rollback()
            return connection.scalar(text("SELECT name FROM users FOR UPDATE"))

        found = impatient.perform(work)
    impatient.close()

    assert (found, len(tries)) == ("local", 3)


def test_what_fails_each_time_is_not_tried_for_ever(database_url: str) -> None:
    impatient, tries = Database(database_url, purpose="tests", lock_timeout_s=0.01), []

    with psycopg.connect(libpq_url(database_url)) as holding:
        holding.execute("SELECT 1 FROM users FOR UPDATE")

        def work(connection: Connection) -> object:
            tries.append(1)
            return connection.scalar(text("SELECT name FROM users FOR UPDATE"))

        with pytest.raises(StoreUnavailable, match="lock timeout"):
            impatient.perform(work)
    impatient.close()

    assert len(tries) == 5


def test_what_the_database_refuses_is_not_tried_again_and_shows_no_parameter(database: Database) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> None:
        tries.append(1)
        connection.execute(INSERT, {"name": ""})

    with pytest.raises(IntegrityError) as raised:
        database.perform(work)

    assert len(tries) == 1
    assert "[SQL parameters hidden" in str(raised.value)


def test_a_read_only_server_is_unavailability(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(INSERT, {"name": "nobody"})

    with pytest.raises(StoreUnavailable, match="read-only"):
        database.perform(work)


def test_a_connection_that_the_server_ended_is_replaced(database: Database, database_url: str) -> None:
    pid = read(database, "SELECT pg_backend_pid()")
    with psycopg.connect(libpq_url(database_url)) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    assert read(database, "SELECT 1") == 1


def test_a_connection_that_ends_in_mid_transaction_is_unavailability(database: Database, database_url: str) -> None:
    def work(connection: Connection) -> None:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
        with psycopg.connect(libpq_url(database_url)) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        connection.execute(INSERT, {"name": "nobody"})

    with pytest.raises(StoreUnavailable):
        database.perform(work)

    assert read(database, "SELECT count(*) FROM users") == 1


def test_a_pool_without_a_free_connection_lets_others_wait(database_url: str) -> None:
    database = Database(database_url, purpose="tests", pool_size=1)

    with ThreadPoolExecutor(1) as pool:
        with database.transaction():
            waiting = pool.submit(read, database, "SELECT 1")
        assert waiting.result() == 1

    database.close()


def test_waiting_for_a_lock_can_be_seen(database: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as holding:
            holding.execute(text("SELECT 1 FROM users FOR UPDATE"))
            waiting = pool.submit(read, database, "SELECT name FROM users FOR UPDATE")
            wait_until_blocked(database)
            assert not waiting.done()
        assert waiting.result() == "local"
