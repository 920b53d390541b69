"""The clients of sources: one for each credential, replaced when that changes, each behind its limiter."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from actors import names
from actors.otp import sys
from actors.otp.dynamic_supervisor import DynamicSpec, DynamicSupervisor
from actors.otp.promise import Promise
from actors.otp.thread_runtime import ThreadRuntime
from actors.store_writer import StoreWriter
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Cancelled, CannotDecrypt, CredentialsMissing
from moomarkets.domain.secret import Secret
from moomarkets.installation import LOCAL_USER, Installation
from moomarkets.services.source_clients import RequestRules, SourceClients
from moomarkets.store import sources
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.otp.patience import eventually
from tests.moomarkets.conftest import OpenInstallation
from tests.support.providers import Providers


class Desk:
    """Clients of an installation whose sources are simulated."""

    def __init__(self, installation: Installation, runtime: ThreadRuntime) -> None:
        self.installation, self.runtime = installation, runtime
        self.learnt: list[str] = []
        self.clients = SourceClients(
            runtime,
            installation.reads,
            installation.keyring,
            installation.specs,
            installation.source_ids,
            RequestRules(uuid4(), "boot", 30.0, 5.0),
            lambda secret: self.learnt.append(secret.reveal()),
        )
        runtime.start(StoreWriter, installation.reads, name=names.PERMITS)
        runtime.start(DynamicSupervisor, DynamicSpec(), name=names.LIMITERS)

    def give(self, key: str) -> None:
        self.installation.credentials.set("jquants", {"api_key": Secret(key)})


@pytest.fixture
def desk(
    simulated: Providers, open_installation: OpenInstallation, events: RecordedEvents, tmp_path: Path
) -> Iterator[Desk]:
    sources = simulated.settings(None, tmp_path, key=None).sources
    runtime = ThreadRuntime(events=events)
    with ExitStack() as undo:
        undo.callback(runtime.close, 5)
        desk = Desk(open_installation(sources=sources), runtime)
        undo.callback(desk.clients.close)
        yield desk


def test_a_client_is_opened_once_and_its_secret_is_told(desk: Desk) -> None:
    desk.give("first-key")

    first, second = desk.clients.open(LOCAL_USER, "jquants"), desk.clients.open(LOCAL_USER, "jquants")

    assert first is second
    assert desk.learnt == ["first-key"]


def test_a_new_credential_means_a_new_client(desk: Desk) -> None:
    desk.give("first-key")
    first = desk.clients.open(LOCAL_USER, "jquants")

    desk.give("second-key")

    assert desk.clients.open(LOCAL_USER, "jquants") is not first


def test_a_credential_that_is_accepted_after_a_refusal_means_a_new_client(desk: Desk) -> None:
    desk.give("first-key")
    refused = desk.clients.open(LOCAL_USER, "jquants")
    reads, source_id = desk.installation.reads, desk.installation.source_ids["jquants"]
    reads.perform(lambda connection: sources.refuse(connection, LOCAL_USER, source_id))
    kept = reads.perform(lambda connection: sources.credential(connection, LOCAL_USER, source_id))
    assert kept is not None

    reads.perform(
        lambda connection: sources.record_validation(connection, LOCAL_USER, source_id, kept.updated_at, True)
    )

    accepted = desk.clients.open(LOCAL_USER, "jquants")
    assert accepted is not refused
    assert desk.clients.open(LOCAL_USER, "jquants") is accepted


def test_a_credential_that_was_taken_away_is_missing_at_once(desk: Desk) -> None:
    desk.give("first-key")
    desk.clients.open(LOCAL_USER, "jquants")

    desk.installation.credentials.remove("jquants")

    with pytest.raises(CredentialsMissing):
        desk.clients.open(LOCAL_USER, "jquants")


def test_a_credential_that_does_not_open_says_so_without_its_text(desk: Desk) -> None:
    desk.give("first-key")
    with desk.installation.reads.transaction() as connection:
        connection.exec_driver_sql("UPDATE data_source_credentials SET encrypted_credentials = '\\x00'")

    with pytest.raises(CannotDecrypt) as failure:
        desk.clients.open(LOCAL_USER, "jquants")

    assert "first-key" not in str(failure.value)


def test_a_source_without_credential_opens_for_everybody(desk: Desk) -> None:
    assert desk.clients.open(LOCAL_USER, "yahoo").spec.code == "yahoo"


def test_many_who_ask_at_once_share_one_client_and_one_limiter(
    desk: Desk, simulated: Providers, events: RecordedEvents
) -> None:
    running = [fetch(desk, number) for number in range(8)]
    for one in running:
        assert desk.runtime.wait_for(one, 20)
        one.result()

    limiters = [info for info in desk.runtime.tree() if info.server == "RateLimiter"]
    assert len(limiters) == 1
    assert len(simulated.yahoo.ledger.entries()) == 8
    assert events.of("limiter.not_started") == events.of("child.start_failed") == []


def fetch(desk: Desk, number: int) -> Promise[None]:
    """Fetch one symbol beside the test."""

    def attempt() -> None:
        client = desk.clients.open(LOCAL_USER, "yahoo")
        asked = {"symbol": "AAPL", "from": "2026-11-02", "to": "2026-11-06"}
        client.fetch_data(client.spec.endpoints[0], asked, CancelToken())

    return desk.runtime.spawn(attempt, f"fetch {number}")


def test_a_limiter_that_died_is_started_again_by_whoever_needs_it_next(desk: Desk) -> None:
    first = fetch(desk, 1)
    assert desk.runtime.wait_for(first, 20)

    desk.runtime.kill(names.limiter("yahoo", LOCAL_USER))
    second = fetch(desk, 2)

    assert desk.runtime.wait_for(second, 20)
    second.result()


def test_a_limiter_keeps_its_looks_at_the_clock_under_the_boot_of_its_machine(desk: Desk) -> None:
    desk.give("key")
    looks = text("SELECT looked_boot_id FROM permit_buckets WHERE looked_at IS NOT NULL")

    desk.clients.open(LOCAL_USER, "jquants").validate_credentials()

    assert desk.installation.reads.perform(lambda connection: connection.scalars(looks).all()) == ["boot"]


def test_of_many_who_need_a_limiter_one_asks_for_its_start_and_no_lock_is_held_meanwhile(desk: Desk) -> None:
    limiters = desk.runtime.whereis(names.LIMITERS)
    assert limiters is not None
    sys.suspend(limiters)

    running = [fetch(desk, number) for number in range(8)]
    assert eventually(lambda: limiters.process.info().queue == 1)
    others = [fetch(desk, number) for number in range(8, 16)]
    assert not desk.runtime.wait_for(others[-1], 0.5)
    queued = limiters.process.info().queue
    desk.give("a-key-that-needs-the-lock")
    desk.clients.open(LOCAL_USER, "jquants")
    sys.resume(limiters)

    assert queued == 1
    for one in [*running, *others]:
        assert desk.runtime.wait_for(one, 20)
        one.result()


def test_a_name_that_hangs_while_it_is_looked_up_holds_up_no_cancel(
    desk: Desk, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, may_answer, token = threading.Event(), threading.Event(), CancelToken()

    def resolve(host: str, port: int, type: int, flags: int = 0) -> list[object]:
        if not flags:
            asked.set()
            may_answer.wait(20)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    client = desk.clients.open(LOCAL_USER, "yahoo")
    fetching = desk.runtime.spawn(
        lambda: client.fetch_data(client.spec.endpoints[0], {"symbol": "AAPL"}, token), "fetch"
    )
    assert asked.wait(10)
    token.cancel()
    is_over = desk.runtime.wait_for(fetching, 2)
    may_answer.set()

    assert is_over
    with pytest.raises(Cancelled):
        fetching.result()
    assert events.of("lookup.abandoned", host="127.0.0.1")
