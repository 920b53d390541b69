"""What every source's client promises, as tests: the author of one subclasses `DataSourceContract`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from math import isfinite

import pytest

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.dataset import Batch, ColumnType
from moomarkets.domain.errors import AttemptError, Cancelled, ErrorClass, RateLimited, Reason, SourceError
from moomarkets.domain.source import DataSource
from moomarkets.testing.open_gate import OpenGate
from moomarkets.testing.relay import Mode, Relay

LONG_S = 20.0
PERIODS = {"second", "minute", "hour", "day"}
_TYPES: dict[ColumnType, type | tuple[type, ...]] = {
    ColumnType.TEXT: str,
    ColumnType.DATE: date,
    ColumnType.INSTANT: datetime,
    ColumnType.NUMBER: float,
    ColumnType.JSON: (dict, list, str, int, float, bool),
}


class DataSourceContract:
    """Runs against a simulator of the provider, with a relay in between that can be told to misbehave.

    Example:
        ```python
        class TestSunspots(DataSourceContract):
            endpoint = "sunspots"
            request = {"from": "2026-11-01", "to": "2026-11-20"}
            empty_request = {"from": "1700-01-01", "to": "1700-01-02"}

            def simulator(self): ...            # a context manager that gives the address of a simulated provider
            def open(self, base_url, gate, clock): ...  # the client under test
        ```
    """

    endpoint: str
    """The name of an endpoint of the source."""

    request: dict[str, str]
    """Parameters with which it has rows."""

    empty_request: dict[str, str] | None = None
    """Parameters with which it has none; None where there are no such."""

    secrets: tuple[str, ...] = ()
    """The values of the credential that `open` uses."""

    def simulator(self) -> AbstractContextManager[str]:
        """The address of a provider that accepts the credential."""
        raise NotImplementedError

    def open(self, base_url: str, gate: OpenGate, clock: SystemClock) -> DataSource:
        """The client under test; every request of it asks `gate` first."""
        raise NotImplementedError

    @pytest.fixture
    def relay(self) -> Iterator[Relay]:
        with self.simulator() as url, Relay(url) as relay:
            yield relay

    def test_rows_have_the_declared_types_and_keys_of_their_own(self, relay: Relay) -> None:
        with self._opened(relay) as (client, _):
            batch = self._fetch(client)

        dataset = batch.dataset
        places = [dataset.column_names.index(name) for name in dataset.key]
        keys = [tuple(row[place] for place in places) for row in batch.rows]
        assert dataset == client.spec.endpoint(self.endpoint).dataset
        assert batch.rows, "expected rows for the request of the contract, got none"
        assert len(set(keys)) == len(keys)
        assert not [key for key in keys if None in key]
        assert [row for row in batch.rows if not _fits(row, batch)] == []

    def test_what_came_is_counted(self, relay: Relay) -> None:
        with self._opened(relay) as (client, gate):
            batch = self._fetch(client)

        assert batch.requests >= batch.pages >= 1
        assert batch.bytes > 0
        assert len(gate.permits) == relay.requests >= batch.requests

    def test_every_request_has_a_permit_that_is_answered(self, relay: Relay) -> None:
        with self._opened(relay) as (client, gate):
            self._fetch(client)

        assert [permit.is_answered for permit in gate.permits] == [True] * relay.requests
        assert not any(permit.is_unsent for permit in gate.permits)

    def test_nothing_matching_is_an_empty_batch(self, relay: Relay) -> None:
        if self.empty_request is None:
            pytest.skip("every request has rows")
        with self._opened(relay) as (client, _):
            batch = self._fetch(client, self.empty_request)

        assert batch.rows == []

    def test_without_a_permit_nothing_is_sent(self, relay: Relay) -> None:
        gate = OpenGate(refusal=AttemptError(Reason.INTERRUPTED, "too old"))
        with self._opened(relay, gate) as (client, _), pytest.raises(AttemptError):
            self._fetch(client)

        assert relay.requests == 0
        assert all(permit.is_unsent for permit in gate.permits)

    def test_a_429_silences_the_gate_before_it_is_raised(self, relay: Relay) -> None:
        relay.mode = Mode.TOO_MANY
        with self._opened(relay) as (client, gate), pytest.raises(RateLimited) as caught:
            self._fetch(client)

        assert gate.silences == [7.0]
        assert caught.value.retry_after_s == 7.0
        assert relay.requests == 1, "expected no second request after a 429"

    def test_a_server_error_is_worth_another_try_and_shows_no_secret(self, relay: Relay) -> None:
        relay.mode = Mode.UNAVAILABLE

        error = self._error(relay)

        assert error.error_class is ErrorClass.RETRYABLE
        self._assert_silent(error)

    def test_a_page_that_is_no_data_is_malformed(self, relay: Relay) -> None:
        relay.mode = Mode.GARBAGE

        error = self._error(relay)

        assert error.reason in (Reason.MALFORMED, Reason.SCHEMA)
        self._assert_silent(error)

    def test_a_cancel_wakes_a_request_that_hangs(self, relay: Relay) -> None:
        relay.mode = Mode.HANG
        token, caught = CancelToken(), []

        with self._opened(relay) as (client, _):

            def fetch() -> None:
                with pytest.raises(Cancelled) as error:
                    self._fetch(client, token=token)
                caught.append(error.value)

            thread = threading.Thread(target=fetch, daemon=True)  # a test's own: it has no runtime
            thread.start()
            assert relay.arrived.wait(LONG_S)
            token.cancel()
            thread.join(LONG_S)

        assert len(caught) == 1, "expected the fetch to end when it was cancelled, got none"

    def test_a_request_that_hangs_ends_at_its_deadline(self, relay: Relay) -> None:
        relay.mode = Mode.HANG
        with self._opened(relay, OpenGate(timeout_s=0.3)) as (client, _), pytest.raises(SourceError) as caught:
            self._fetch(client)

        assert caught.value.reason is Reason.TIMEOUT

    def test_after_trouble_the_same_client_works(self, relay: Relay) -> None:
        with self._opened(relay) as (client, _):
            relay.mode = Mode.UNAVAILABLE
            with pytest.raises(SourceError):
                self._fetch(client)
            relay.mode = Mode.FORWARD

            assert self._fetch(client).rows

    def test_a_good_credential_is_accepted(self, relay: Relay) -> None:
        with self._opened(relay) as (client, gate):
            assert client.validate_credentials() is True

        assert len(gate.permits) == relay.requests <= 1

    def test_the_limit_is_a_count_in_a_named_time(self, relay: Relay) -> None:
        with self._opened(relay) as (client, _):
            count, period = client.get_rate_limit()

        assert count >= 1
        assert period in PERIODS

    def test_the_client_shows_no_secret_and_can_be_closed_twice(self, relay: Relay) -> None:
        with self._opened(relay) as (client, _):
            self._fetch(client)
            client.close()

            assert not [secret for secret in self.secrets if secret in f"{client!r}{client.spec!r}"]

    @contextmanager
    def _opened(self, relay: Relay, gate: OpenGate | None = None) -> Iterator[tuple[DataSource, OpenGate]]:
        gate = gate or OpenGate()
        client = self.open(relay.url, gate, SystemClock())
        try:
            yield client, gate
        finally:
            client.close()

    def _fetch(
        self, client: DataSource, request: dict[str, str] | None = None, token: CancelToken | None = None
    ) -> Batch:
        endpoint = client.spec.endpoint(self.endpoint)
        return client.fetch_data(endpoint, dict(self.request if request is None else request), token or CancelToken())

    def _error(self, relay: Relay) -> SourceError:
        with self._opened(relay) as (client, _), pytest.raises(SourceError) as caught:
            self._fetch(client)
        return caught.value

    def _assert_silent(self, error: SourceError) -> None:
        shown = f"{error}{error!r}{error.body!r}{error.__cause__!r}"
        assert not [secret for secret in self.secrets if secret in shown], "a secret shows up in an error"


def _fits(row: tuple[object, ...], batch: Batch) -> bool:
    columns = batch.dataset.columns
    return len(row) == len(columns) and all(
        value is None
        or (isinstance(value, _TYPES[column.type]) and not (isinstance(value, float) and not isfinite(value)))
        for value, column in zip(row, columns, strict=True)
    )
