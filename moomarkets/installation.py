"""One installation as it lies on a machine: its database, brought up to date, its keyring, and its sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress

from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import CannotDecrypt, SettingsError
from moomarkets.domain.events import Events
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import SourceSpec
from moomarkets.jobtypes.registry import job_types
from moomarkets.services.credentials import Credentials
from moomarkets.services.groups import GroupDesk
from moomarkets.services.jobs import Executions, JobDesk, QueueRules
from moomarkets.services.keys import Keys
from moomarkets.services.runs import Runs
from moomarkets.services.schedules import Schedules
from moomarkets.services.source_setup import effective_specs
from moomarkets.services.status import Status
from moomarkets.services.switches import Sources, Switches
from moomarkets.services.why import Why
from moomarkets.settings import Settings
from moomarkets.store import sources
from moomarkets.store.database import Database
from moomarkets.store.live_keyring import LiveKeyring
from moomarkets.store.migrate import upgrade
from moomarkets.store.patience import Patience
from moomarkets.store.place import open_place
from moomarkets.store.seal import known_answer, prove

LOCAL_USER = 1
"""The built-in user, to whom everything belongs as long as there are no accounts."""

READ_CONNECTIONS = 2


class Installation:
    """Opened from the settings; `undo` gets what closes each part again.

    With `shares`, an embedded server that a supervisor of the same account runs is used as it is: for commands that
    look or change something beside it.
    """

    def __init__(
        self, settings: Settings, clock: Clock, events: Events, undo: ExitStack, *, shares: bool = False
    ) -> None:
        self._settings, self._clock, self._events, self._undo = settings, clock, events, undo
        self.patience = Patience()
        try:
            self.specs: dict[str, SourceSpec] = {spec.code: spec for spec in effective_specs(settings.sources)}
        except SettingsError as error:
            raise settings.spelled(error) from None
        url = settings.database_url.reveal() if settings.database_url else None
        self.place = open_place(url, settings.data_dir, clock, events, shares=shares)
        undo.callback(self.place.close)
        upgrade(self.place.owner_url, events)
        self.reads = self.pool("reads", READ_CONNECTIONS)
        self.keyring = LiveKeyring(settings.keys_path, settings.keys, settings.keys_cmd, clock, events)
        self._prove_keyring()
        self.source_ids = {code: self._ensure_source(spec) for code, spec in self.specs.items()}
        self._keep_given_keys()

    @property
    def credentials(self) -> Credentials:
        """The credentials of sources."""
        return Credentials(self.reads, self.keyring, LOCAL_USER)

    @property
    def keys(self) -> Keys:
        """The keys that credentials are sealed with."""
        return Keys(self.reads, self.keyring)

    @property
    def groups(self) -> GroupDesk:
        """The groups: create, edit, ask for runs, pause, delete."""
        return GroupDesk(self.reads, LOCAL_USER, frozenset(job_types(self._events)), self._clock)

    @property
    def jobs(self) -> JobDesk:
        """The jobs: look, queue, pause, cancel, retry."""
        return JobDesk(self.reads, LOCAL_USER, self._clock, self.queue_rules(job_types(self._events)))

    @property
    def runs(self) -> Runs:
        """The runs of groups, to look at."""
        return Runs(self.reads, LOCAL_USER)

    @property
    def schedules(self) -> Schedules:
        """The schedules of groups: preview, what comes next, what became of every instant."""
        return Schedules(self.reads, LOCAL_USER, self._clock)

    @property
    def executions(self) -> Executions:
        """The attempts of jobs."""
        return Executions(self.reads, LOCAL_USER)

    @property
    def status(self) -> Status:
        """Where everything stands."""
        return Status(self.reads, LOCAL_USER)

    @property
    def sources(self) -> Sources:
        """The sources and their switches."""
        return Sources(self.reads)

    @property
    def switches(self) -> Switches:
        """The switch of the whole."""
        return Switches(self.reads)

    @property
    def why(self) -> Why:
        """Why something is as it is."""
        return Why(self.reads, LOCAL_USER)

    def queue_rules(self, job_types: Iterable[str]) -> QueueRules:
        """What holds for jobs that stand alone, where these job types are known."""
        settings = self._settings
        return QueueRules(frozenset(job_types), settings.queue_max_retries, settings.queue_retry_delay_s)

    def missing_credentials(self) -> list[str]:
        """The sources that need a credential and have none."""
        return [
            spec.code
            for spec in self.specs.values()
            if spec.needs_credential and not self.credentials.is_set(spec.code)
        ]

    def pool(
        self, purpose: str, size: int = 1, statement_timeout_s: float = 5.0, *, waits_for_disk: bool = True
    ) -> Database:
        """A small pool of connections for one purpose, closed with the installation."""
        database = Database(
            self.place.app_url,
            purpose=purpose,
            pool_size=size,
            statement_timeout_s=statement_timeout_s,
            lock_timeout_s=max(2.0, statement_timeout_s / 3),
            waits_for_disk=waits_for_disk,
            patience=self.patience,
        )
        self._undo.callback(database.close)
        return database

    def _prove_keyring(self) -> None:
        """Make the first key where nothing is sealed yet; say at once when this is not the keyring of this database."""
        keyring = self.keyring.current()
        if keyring is None and not self.reads.perform(sources.has_sealed):
            keyring = self.keyring.create()
        if keyring is not None:
            answer = known_answer(keyring)
            kept = self.reads.perform(lambda connection: sources.known_answer(connection, answer))
            with suppress(CannotDecrypt):
                prove(kept, keyring)
                return
        note = f"stored credentials do not open with the keys of {self.keyring.place}; put the old ones back"
        self._events.emit("keyring.rejected", note=f"{note}, or set the credentials anew")

    def _ensure_source(self, spec: SourceSpec) -> int:
        choice = self._settings.sources.get(spec.code)
        is_enabled = choice.is_enabled if choice else None
        return self.reads.perform(lambda connection: sources.ensure(connection, spec, is_enabled=is_enabled))

    def _keep_given_keys(self) -> None:
        """A key that the settings give is kept like any other, unless it is there already."""
        for code, choice in self._settings.sources.items():
            if choice.api_key is not None:
                self._keep(code, {"api_key": choice.api_key})

    def _keep(self, code: str, credential: dict[str, Secret]) -> None:
        try:
            if self.credentials.holds(code, credential):
                return
        except CannotDecrypt:
            self._events.emit("credential.rejected", source=code, note="replaced by the one that the settings give")
        self.credentials.set(code, credential)


Learn = Callable[[Secret], None]
"""Is told every secret that is decrypted, so that logs can hide it."""
