"""Tokens: sealed in their columns, renewed once however many ask, never kept for a credential that is another now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.errors import Cancelled, CannotDecrypt, Conflict
from moomarkets.domain.events import NoEvents
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import Tokens
from moomarkets.services.token_box import StoredTokenBox, Ticket
from moomarkets.store import sources
from moomarkets.store.database import Database
from moomarkets.store.live_keyring import LiveKeyring
from tests.moomarkets.store.scene import LOCAL, SPEC

TOKENS = Tokens(
    Secret("refresh-canary"), datetime(2026, 12, 1, tzinfo=UTC), Secret("id-canary"), datetime(2026, 11, 25, tzinfo=UTC)
)
FOUND = text("SELECT * FROM data_source_credentials")
OpenBox = Callable[..., StoredTokenBox]


@pytest.fixture
def database(database_url: str) -> Any:
    opened = Database(database_url, purpose="tests", pool_size=6)
    yield opened
    opened.close()


@pytest.fixture
def open_box(database: Database, tmp_path: Path) -> OpenBox:
    """Opens another box of the same credential, as another process would."""
    source_id = database.perform(lambda connection: sources.ensure(connection, SPEC))
    database.perform(lambda connection: sources.put_credential(connection, LOCAL, source_id, b"sealed"))
    kept = database.perform(lambda connection: sources.credential(connection, LOCAL, source_id))
    assert kept is not None
    keyring = LiveKeyring(tmp_path / "keys.json", None, None, SystemClock(), NoEvents())
    keyring.create()
    ticket, learnt = Ticket(LOCAL, source_id, kept.updated_at), []

    def opened(**rules: Any) -> StoredTokenBox:
        return StoredTokenBox(database, keyring, ticket, learnt.append, uuid4, **rules)

    return opened


def row(database: Database) -> Any:
    return database.perform(lambda connection: connection.execute(FOUND).one())


def renew(box: StoredTokenBox, tokens: Tokens = TOKENS) -> bool:
    with box.renewing(CancelToken()):
        return box.write(tokens)


def test_tokens_come_back_as_they_were_written_and_lie_sealed(open_box: OpenBox, database: Database) -> None:
    assert open_box().read() == Tokens()

    assert renew(open_box())

    kept = row(database)
    assert open_box().read() == TOKENS
    assert b"canary" not in bytes(kept.refresh_token) + bytes(kept.id_token)
    assert (kept.renewal_id, kept.renewal_until) == (None, None)


def test_twenty_threads_on_four_nodes_renew_once(open_box: OpenBox) -> None:
    boxes, renewals, together = [open_box() for _ in range(4)], [], threading.Barrier(20)

    def use(number: int) -> Tokens:
        box = boxes[number % 4]
        together.wait(10)
        with box.renewing(CancelToken()) as tokens:
            if tokens.id_token is None:
                renewals.append(number)
                assert box.write(TOKENS)
                return TOKENS
            return tokens

    with ThreadPoolExecutor(20) as pool:
        got = list(pool.map(use, range(20)))

    assert len(renewals) == 1
    assert got == [TOKENS] * 20


def test_no_transaction_is_open_while_the_provider_is_asked(open_box: OpenBox, database: Database) -> None:
    open_ones = text("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")

    with open_box().renewing(CancelToken()):
        found = database.perform(lambda connection: connection.scalar(open_ones))

    assert found == 0


def test_one_that_waits_for_its_turn_can_be_cancelled(open_box: OpenBox) -> None:
    token = CancelToken()
    token.cancel()

    with open_box().renewing(CancelToken()), pytest.raises(Cancelled), open_box().renewing(token):
        pytest.fail("two had the turn")


def test_a_silent_holder_loses_its_turn_and_its_late_tokens_are_not_kept(open_box: OpenBox) -> None:
    frozen, quick = open_box(turn_s=0.0), open_box()

    with frozen.renewing(CancelToken()):
        assert renew(quick)
        assert not frozen.write(Tokens(id_token=Secret("too late")))

    assert quick.read() == TOKENS


def test_tokens_of_a_credential_that_was_given_anew_are_not_kept(open_box: OpenBox, database: Database) -> None:
    box, source_id = open_box(), row(database).data_source_id

    with box.renewing(CancelToken()):
        database.perform(lambda connection: sources.put_credential(connection, LOCAL, source_id, b"another"))
        assert not box.write(TOKENS)

    assert box.read() == Tokens()


def test_cleared_tokens_are_gone_for_everybody(open_box: OpenBox) -> None:
    box = open_box()
    renew(box)

    with box.renewing(CancelToken()):
        assert box.clear()

    assert open_box().read() == Tokens()


def test_tokens_are_written_by_the_one_that_renews_alone(open_box: OpenBox) -> None:
    with pytest.raises(Conflict, match="inside of renewing"):
        open_box().write(TOKENS)


def test_a_token_in_the_place_of_another_does_not_open(open_box: OpenBox, database: Database) -> None:
    renew(open_box())
    swap = text("UPDATE data_source_credentials SET id_token = refresh_token")
    database.perform(lambda connection: connection.execute(swap) and None)

    with pytest.raises(CannotDecrypt):
        open_box().read()
