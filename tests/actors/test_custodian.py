"""The Custodian: what does not open waits with a reason, is never overwritten, and goes on when the key is back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from actors import names
from actors.custodian import Custodian, CustodyRules
from actors.otp.ref import Ref
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.dependencies import Block, decide
from moomarkets.domain.errors import CannotDecrypt
from moomarkets.domain.events import NoEvents
from moomarkets.domain.limits import Window
from moomarkets.domain.source import SourceSpec
from moomarkets.store import nodes, runs, sources
from moomarkets.store.database import Database
from moomarkets.store.live_keyring import LiveKeyring
from moomarkets.store.seal import Place
from moomarkets.store.sealed import CREDENTIALS_COLUMN
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.otp.patience import eventually

SPEC = SourceSpec("vendor", "Vendor", "", "rest", "http://127.0.0.1", "v1", (Window(5, 60),), (), True)
FLAG = text("SELECT unreadable_by FROM data_source_credentials")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def sealed_with(pool: Database, path: Path) -> LiveKeyring:
    """The keyring with which the user's credential is sealed."""
    keyring = LiveKeyring(path, None, None, SystemClock(), NoEvents())
    keyring.create()
    source_id = pool.perform(lambda connection: sources.ensure(connection, SPEC))
    blob = keyring.seal(b"{}", Place("1", str(source_id), CREDENTIALS_COLUMN))
    pool.perform(lambda connection: sources.put_credential(connection, 1, source_id, blob))
    return keyring


@pytest.fixture
def start(still: ThreadRuntime, pool: Database) -> Iterator[Callable[..., object]]:
    started: list[Ref] = []

    def start_one(keyring: LiveKeyring, name: str = names.CUSTODIAN) -> object:
        node = nodes.identify(uuid4(), "test")
        pool.perform(lambda connection: nodes.register(connection, node))
        started.append(still.start(Custodian, pool, CustodyRules(node.id, keyring.open), name=name))
        return node.id

    yield start_one
    # Before the pool is closed: a look that is under way would leave its connection open.
    for ref in started:
        if ref.is_alive:
            still.stop(ref)


def flag(pool: Database) -> Any:
    return pool.perform(lambda connection: connection.scalar(FLAG))


def fresh(path: Path) -> LiveKeyring:
    return LiveKeyring(path, None, None, SystemClock(), NoEvents())


def test_what_opens_is_left_alone(
    start: Callable[..., object], sealed_with: LiveKeyring, pool: Database, clock: ManualClock, events: RecordedEvents
) -> None:
    start(sealed_with)
    clock.advance(5)

    assert flag(pool) is None
    assert not events.of("credential.unreadable")


def test_a_lost_key_is_said_once_and_taken_back_when_it_is_there_again(
    start: Callable[..., object],
    sealed_with: LiveKeyring,
    pool: Database,
    path: Path,
    clock: ManualClock,
    events: RecordedEvents,
) -> None:
    aside = path.rename(path.with_name("aside"))
    node_id = start(fresh(path))
    events.wait_for("credential.unreadable")
    assert flag(pool) == node_id

    aside.rename(path)

    assert eventually(lambda: clock.advance(5) or flag(pool) is None)
    events.wait_for("credential.readable")
    assert len(events.of("credential.unreadable", source="vendor", user="local")) == 1


def test_a_node_with_the_key_does_not_overrule_a_living_one_without(
    start: Callable[..., object],
    sealed_with: LiveKeyring,
    pool: Database,
    path: Path,
    clock: ManualClock,
    events: RecordedEvents,
) -> None:
    aside = path.rename(path.with_name("aside"))
    without = start(fresh(path))
    events.wait_for("credential.unreadable")

    start(LiveKeyring(aside, None, None, SystemClock(), NoEvents()), "other")
    clock.advance(5)
    assert flag(pool) == without
    pool.perform(lambda connection: nodes.leave(connection, without))

    assert eventually(lambda: clock.advance(5) or flag(pool) is None)


def test_a_run_waits_for_a_credential_that_does_not_open(
    start: Callable[..., object], sealed_with: LiveKeyring, pool: Database, path: Path, events: RecordedEvents
) -> None:
    pool.perform(
        lambda connection: (
            connection.execute(
                text(
                    "WITH made AS (INSERT INTO job_groups (user_id, data_source_id, name)"
                    " SELECT 1, id, 'g' FROM data_sources WHERE code = 'vendor' RETURNING id)"
                    " INSERT INTO runs (job_group_id, creation_key, kind)"
                    " SELECT id, gen_random_uuid(), 'manual' FROM made"
                )
            )
            and None
        )
    )
    path.unlink()
    start(fresh(path))
    events.wait_for("credential.unreadable")

    (verdict,) = decide(pool.perform(runs.waiting))

    assert isinstance(verdict, Block)
    assert (
        verdict.blocked_by == "credentials: that of vendor does not open; put the key back (`moomarkets keys verify`)"
    )


def test_no_transaction_waits_while_keys_are_asked_for(
    start: Callable[..., object], sealed_with: LiveKeyring, pool: Database
) -> None:
    open_transactions = text("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'")
    seen: list[int] = []

    class Missing:
        def open(self, blob: bytes, place: Place) -> bytes:
            seen.append(pool.perform(lambda connection: connection.scalar(open_transactions) or 0))
            raise CannotDecrypt("no keys")

    start(Missing())

    assert eventually(lambda: flag(pool))
    assert seen == [0]
