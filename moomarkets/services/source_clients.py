"""The clients of sources, one per user and credential, each behind its credential's rate limiter."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from actors import names
from actors.otp.administration import start_child
from actors.otp.child import ChildSpec, Restart
from actors.otp.errors import AlreadyStarted, CallError, ChildRefused, StartError
from actors.otp.promise import Promise
from actors.otp.runtime import Runtime
from actors.permit_gate import WAIT_S, LimiterGate
from actors.rate_limiter import LimiterRules, RateLimiter
from datasources import registry
from datasources.host_names import HostNames
from datasources.opening import Opening
from moomarkets.domain.errors import CannotDecrypt, CredentialsMissing
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import DataSource, SourceSpec, TokenBox
from moomarkets.services.budgets import bucket_of
from moomarkets.services.token_box import StoredTokenBox, Ticket
from moomarkets.store import readability, sources
from moomarkets.store.database import Database
from moomarkets.store.live_keyring import LiveKeyring
from moomarkets.store.seal import Place
from moomarkets.store.sealed import CREDENTIALS_COLUMN
from moomarkets.store.sources import SealedCredential

Learn = Callable[[Secret], None]
"""Is told every secret that is decrypted, so that logs can hide it."""


@dataclass(frozen=True, slots=True)
class RequestRules:
    """How long a request and an unused permit may last, and which node sends it, under which boot of its machine."""

    node_id: UUID
    boot_id: str
    deadline_s: float
    use_within_s: float


@dataclass(frozen=True, slots=True)
class _Opened:
    credential_from: datetime | None
    client: DataSource


def _in_force_since(sealed: SealedCredential | None) -> datetime | None:
    """When the credential was given, or accepted since: a client that remembers a refusal is not kept then."""
    if sealed is None:
        return None
    return sealed.last_validated_at if sealed.is_accepted and sealed.last_validated_at else sealed.updated_at


class SourceClients:
    """Opens clients on demand and keeps them until their credential changes. Used from the threads of attempts.

    `learn` is told every secret that is decrypted, so that logs can hide it.
    """

    def __init__(
        self,
        runtime: Runtime,
        database: Database,
        keyring: LiveKeyring,
        specs: Mapping[str, SourceSpec],
        source_ids: Mapping[str, int],
        rules: RequestRules,
        learn: Learn,
    ) -> None:
        self._runtime, self._database, self._keyring = runtime, database, keyring
        self._specs, self._source_ids, self._rules, self._learn = specs, source_ids, rules, learn
        self._lock = threading.Lock()
        self._starting: dict[str, Promise[None]] = {}
        self._hosts = HostNames(runtime.spawn, runtime.events)
        self._opened: dict[tuple[int, str], _Opened] = {}
        # Attempts may be using them still.
        self._replaced: list[DataSource] = []

    def open(self, user_id: int, code: str) -> DataSource:
        """The client of that source for that user.

        Raises:
            CredentialsMissing: the source needs a credential and the user has given none.
            CannotDecrypt: the credential does not open with this keyring.
        """
        source_id = self._source_ids[code]
        sealed = self._database.perform(lambda connection: sources.credential(connection, user_id, source_id))
        given_at = _in_force_since(sealed)
        with self._lock:
            held = self._opened.get((user_id, code))
            if held is not None and held.credential_from == given_at:
                return held.client
            # Under the lock, so that of two threads one builds and the other finds.
            credential = self._unseal(user_id, source_id, sealed.sealed) if sealed else {}
            tokens = self._token_box(user_id, source_id, sealed.updated_at) if sealed else None
            client = self._build(user_id, code, source_id, credential, tokens)
            self._opened[(user_id, code)] = _Opened(given_at, client)
            if held is not None:
                self._replaced.append(held.client)
            return client

    def close(self) -> None:
        """Close all clients."""
        with self._lock:
            clients = [*(held.client for held in self._opened.values()), *self._replaced]
            self._opened, self._replaced = {}, []
        for client in clients:
            client.close()

    def _unseal(self, user_id: int, source_id: int, sealed: bytes) -> dict[str, Secret]:
        place = Place(str(user_id), str(source_id), CREDENTIALS_COLUMN)
        try:
            fields = json.loads(self._keyring.open(sealed, place))
        except CannotDecrypt:
            self._mark(user_id, source_id)
            raise CannotDecrypt(f"{self._code_of(source_id)}: its credential does not open with these keys") from None
        credential = {str(name): Secret(str(value)) for name, value in fields.items()}
        for secret in credential.values():
            self._learn(secret)
        return credential

    def _token_box(self, user_id: int, source_id: int, given_at: datetime) -> TokenBox:
        return StoredTokenBox(
            self._database,
            self._keyring,
            Ticket(user_id, source_id, given_at),
            self._learn,
            self._runtime.new_id,
            mark=lambda: self._mark(user_id, source_id),
        )

    def _mark(self, user_id: int, source_id: int) -> None:
        """From now on nobody takes up what needs it, until a key opens it or it is given anew."""
        node_id = self._rules.node_id
        self._database.perform(lambda connection: readability.mark(connection, user_id, source_id, node_id))

    def _code_of(self, source_id: int) -> str:
        return next(code for code, known in self._source_ids.items() if known == source_id)

    def _build(
        self,
        user_id: int,
        code: str,
        source_id: int,
        credential: Mapping[str, Secret],
        tokens: TokenBox | None,
    ) -> DataSource:
        spec = self._specs[code]
        if spec.needs_credential and not credential:
            raise CredentialsMissing(code)
        bucket = bucket_of(spec)
        rules = LimiterRules(
            source=code,
            source_id=source_id,
            user_id=user_id,
            windows=bucket.windows,
            endpoint_windows=bucket.endpoint_windows,
            node_id=self._rules.node_id,
            deadline_s=self._rules.deadline_s,
            use_within_s=self._rules.use_within_s,
            silences=spec.silences,
            boot_id=self._rules.boot_id,
            apart=bucket.apart,
        )
        gate = LimiterGate(self._runtime, rules, self._ensure_limiter)
        runtime = self._runtime
        opening = Opening(
            spec.base_url, credential, gate, runtime.clock, spec.windows, runtime.events, self._hosts, tokens
        )
        return registry.build(code, opening)

    def _ensure_limiter(self, rules: LimiterRules) -> None:
        """Start the credential's limiter where there is none; while somebody else is at it, wait a moment for that.

        No lock is held meanwhile: of many who ask at once one starts it, and the others ask again.
        """
        name, mine = names.limiter(rules.source, rules.user_id), Promise[None]()
        with self._lock:
            starting = self._starting.setdefault(name, mine)
        if starting is not mine:
            self._runtime.wait_for(starting, WAIT_S)
            return
        try:
            self._start_limiter(name, rules)
        finally:
            with self._lock:
                del self._starting[name]
            mine.resolve(None)

    def _start_limiter(self, name: str, rules: LimiterRules) -> None:
        if self._runtime.whereis(name) is not None:
            return
        # Whoever needs it next starts it again: a supervisor that did so too would find the name taken.
        spec = ChildSpec(f"{rules.source}-{rules.user_id}", RateLimiter, (rules,), restart=Restart.TEMPORARY, name=name)
        try:
            start_child(self._runtime.named(names.LIMITERS), spec)
        except AlreadyStarted:
            return  # somebody else was quicker
        except (StartError, ChildRefused, CallError) as error:
            # Its supervisor is being restarted: the caller asks again.
            self._runtime.events.emit("limiter.not_started", source=rules.source, error=str(error))
