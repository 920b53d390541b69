"""One installation as it lies on a machine: its database, brought up to date, its keyring, and its sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress

from datasources.registry import ENTRY_POINTS, installed
from moomarkets.demo import with_plan
from moomarkets.domain.account import Right
from moomarkets.domain.clock import Clock
from moomarkets.domain.datasets.catalogue import DATASETS
from moomarkets.domain.errors import CannotDecrypt, SettingsError
from moomarkets.domain.events import Events
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import SourceSpec
from moomarkets.jobtypes.freshness import Watch
from moomarkets.jobtypes.job_type import JobType
from moomarkets.jobtypes.plan_view import Sources as KnownSources
from moomarkets.jobtypes.registry import job_types
from moomarkets.services.budgets import Budgets
from moomarkets.services.coverage import Coverage
from moomarkets.services.credentials import Credentials, Known
from moomarkets.services.data import Data
from moomarkets.services.freshness import FreshnessDesk
from moomarkets.services.groups import GroupDesk
from moomarkets.services.jobs import Executions, JobDesk, QueueRules
from moomarkets.services.keys import Keys
from moomarkets.services.purge import Purge
from moomarkets.services.quarantine import Quarantine
from moomarkets.services.runs import Runs
from moomarkets.services.schedules import Schedules
from moomarkets.services.source_clients import Learn
from moomarkets.services.source_setup import effective_specs, subscriptions
from moomarkets.services.status import Status
from moomarkets.services.subscriptions import Subscriptions
from moomarkets.services.switches import Sources, Switches
from moomarkets.services.users import Users
from moomarkets.services.validation import Validator
from moomarkets.services.why import Why
from moomarkets.settings import Settings
from moomarkets.store import accounts, dataset_tables, sources
from moomarkets.store.database import Database
from moomarkets.store.live_keyring import LiveKeyring
from moomarkets.store.migrate import upgrade
from moomarkets.store.patience import Patience
from moomarkets.store.place import open_place
from moomarkets.store.reading import Reader
from moomarkets.store.seal import known_answer, prove

LOCAL_USER = 1
"""The built-in user, to whom everything belongs that nobody else has made."""

READ_CONNECTIONS = 2


class Installation:
    """Opened from the settings; `undo` gets what closes each part again.

    With `shares`, an embedded server that a supervisor of the same account runs is used as it is: for commands that
    look or change something beside it.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        events: Events,
        undo: ExitStack,
        *,
        shares: bool = False,
        learn: Learn | None = None,
    ) -> None:
        """`learn` is told every secret that is decrypted, so that logs can hide it.

        Raises:
            NotFound: there is no such user as the settings say.
            Forbidden: they are switched off.
        """
        settings = with_plan(settings) if settings.demo else settings
        self._settings, self._clock, self._events, self._undo = settings, clock, events, undo
        self._learn = learn or _ignore
        self.patience = Patience()
        try:
            self.specs: dict[str, SourceSpec] = {spec.code: spec for spec in effective_specs(settings.sources)}
        except SettingsError as error:
            raise settings.spelled(error) from None
        url = settings.database_url.reveal() if settings.database_url else None
        self.place = open_place(url, settings.data_dir, clock, events, shares=shares)
        undo.callback(self.place.close)
        upgrade(self.place.owner_url, events)
        self.source_faults = self._make_tables()
        self.reads = self.pool("reads", READ_CONNECTIONS)
        # Opened here, though few need them: what is opened later would not be closed with the rest.
        self._slow = self.pool("slow", statement_timeout_s=120.0)
        self._looking = self.pool("looking", READ_CONNECTIONS, is_read_only=True)
        self.account = self.reads.perform(lambda connection: accounts.find(connection, settings.user))
        self.account.check(Right.READ)
        self.keyring = LiveKeyring(settings.keys_path, settings.keys, settings.keys_cmd, clock, events)
        self._prove_keyring()
        self.source_ids = {code: self._ensure_source(spec) for code, spec in self.specs.items()}
        self._keep_given_keys()

    @property
    def credentials(self) -> Credentials:
        """The credentials of sources."""
        return self._credentials_of(self.account.id, self.desk)

    @property
    def keys(self) -> Keys:
        """The keys that credentials are sealed with."""
        self.account.check(Right.ADMINISTER)
        return Keys(self._slow, self.keyring)

    @property
    def groups(self) -> GroupDesk:
        """The groups: create, edit, ask for runs, pause, delete."""
        return GroupDesk(self.desk, self.account.id, job_types(self._events), self._clock)

    @property
    def jobs(self) -> JobDesk:
        """The jobs: look, queue, pause, cancel, retry."""
        return JobDesk(self.desk, self.account.id, self._clock, self.queue_rules(job_types(self._events)))

    @property
    def runs(self) -> Runs:
        """The runs of groups, to look at."""
        return Runs(self.desk, self.account.id)

    @property
    def schedules(self) -> Schedules:
        """The schedules of groups: preview, what comes next, what became of every instant."""
        return Schedules(self.desk, self.account.id, self._clock)

    @property
    def executions(self) -> Executions:
        """The attempts of jobs."""
        return Executions(self.desk, self.account.id)

    @property
    def data(self) -> Data:
        """The stored data, as frames and files."""
        return Data(self.reads, Reader(self.place.app_url), self.account.id)

    @property
    def coverage(self) -> Coverage:
        """What is here of every dataset, what is missing, and filling it."""
        return self.coverage_of(job_types(self._events), self.groups)

    @property
    def status(self) -> Status:
        """Where everything stands."""
        return Status(self.desk, self.account.id, self.credentials)

    @property
    def sources(self) -> Sources:
        """The sources, their switches and budgets."""
        return self.sources_of(())

    @property
    def subscriptions(self) -> Subscriptions:
        """What is subscribed to at the sources."""
        chosen = subscriptions(self.specs, self._settings.sources)
        return Subscriptions(
            self.desk,
            self.account.id,
            self.specs,
            chosen,
            self.source_ids,
            self._clock,
            self._validator.with_client,
        )

    @property
    def switches(self) -> Switches:
        """The switch of the whole."""
        return Switches(self._for(Right.ADMINISTER))

    @property
    def why(self) -> Why:
        """Why something is as it is."""
        return Why(self.desk, self.account.id)

    @property
    def users(self) -> Users:
        """The users: add, list, role, enable, disable, password, remove; and signing in."""
        return Users(self._slow, self.account.name, self._clock)

    @property
    def purge(self) -> Purge:
        """Deletes data that may not be kept, or are not wanted."""
        self.account.check(Right.OPERATE)
        asked = {name: job_type.source for name, job_type in job_types(self._events).items()}
        return Purge(self._slow, self.account.id, self.specs, self._clock, asked)

    def sources_of(self, host_job_types: Sequence[JobType]) -> Sources:
        """The sources, where an embedding program has brought these job types along."""

        def asked() -> dict[str, str]:
            return {name: job_type.source for name, job_type in job_types(self._events, host_job_types).items()}

        budgets = Budgets(self.reads, self.specs, self.source_ids, asked, self.account.id)
        return Sources(self._for(Right.ADMINISTER), budgets, self.subscriptions.detect, self.source_faults)

    def coverage_of(self, known: Mapping[str, JobType], groups: GroupDesk) -> Coverage:
        """The same where these job types are known; what it orders, it orders of `groups`."""
        sources = KnownSources(self.source_ids, subscriptions(self.specs, self._settings.sources))
        missing = self.missing_credentials
        return Coverage(self.desk, self.account.id, self._clock, known, self.specs, sources, groups, missing)

    @property
    def quarantine(self) -> Quarantine:
        """The answers that were not stored, and the strange rows that were."""
        return Quarantine(self.desk, self.account.id, self._clock)

    @property
    def freshness(self) -> FreshnessDesk:
        """How fresh the data are."""
        known = job_types(self._events)
        watch = Watch(known, self.source_ids, subscriptions(self.specs, self._settings.sources))
        return FreshnessDesk(self.reads, self.account.id, watch, self._clock)

    def queue_rules(self, job_types: Iterable[str]) -> QueueRules:
        """What holds for jobs that stand alone, where these job types are known."""
        settings = self._settings
        return QueueRules(frozenset(job_types), settings.queue_max_retries, settings.queue_retry_delay_s)

    def missing_credentials(self) -> list[str]:
        """The sources that need a credential and have none."""
        return [
            spec.code
            for spec in self.specs.values()
            if spec.needs_credential and self.status.is_enabled(spec.code) and not self.credentials.is_set(spec.code)
        ]

    def pool(
        self,
        purpose: str,
        size: int = 1,
        statement_timeout_s: float = 5.0,
        *,
        waits_for_disk: bool = True,
        is_read_only: bool = False,
    ) -> Database:
        """A small pool of connections for one purpose, closed with the installation."""
        database = Database(
            self.place.app_url,
            purpose=purpose,
            pool_size=size,
            statement_timeout_s=statement_timeout_s,
            lock_timeout_s=max(2.0, statement_timeout_s / 3),
            waits_for_disk=waits_for_disk,
            is_read_only=is_read_only,
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

    def _make_tables(self) -> dict[str, str]:
        """Have the tables of datasets that other packages bring; returns the sources that cannot be used, and why.

        Those are left out, and everything else works.
        """
        faults = dict(installed().faults)
        brought = {
            endpoint.dataset.name: (spec.code, endpoint.dataset)
            for spec in self.specs.values()
            for endpoint in spec.endpoints
            if endpoint.dataset is not DATASETS.get(endpoint.dataset.name)
        }
        made = dataset_tables.ensure(self.place.owner_url, (dataset for _, dataset in brought.values()))
        for name, fault in made.items():
            code = brought[name][0]
            faults[code] = fault
            self._events.emit("plugin.failed", group=ENTRY_POINTS, plugin=code, error=fault)
            del self.specs[code]
        return faults

    def _ensure_source(self, spec: SourceSpec) -> int:
        choice = self._settings.sources.get(spec.code)
        is_enabled = choice.is_enabled if choice else None
        return self.reads.perform(lambda connection: sources.ensure(connection, spec, is_enabled=is_enabled))

    @property
    def desk(self) -> Database:
        """The connections of whoever acts: those who may look only cannot change anything over them."""
        return self._for(Right.OPERATE)

    def _for(self, right: Right) -> Database:
        return self.reads if self.account.role.may(right) else self._looking

    @property
    def _validator(self) -> Validator:
        return Validator(self.reads, self.keyring, self.specs, self.source_ids, self._clock, self._events, self._learn)

    def _credentials_of(self, user_id: int, database: Database) -> Credentials:
        return Credentials(database, self.keyring, user_id, self._clock, Known(self.specs, self._validator.ask))

    def _keep_given_keys(self) -> None:
        """A key that the settings give is the built-in user's, kept like any other unless it is there already."""
        for code, choice in self._settings.sources.items():
            if choice.api_key is not None:
                self._keep(code, {"api_key": choice.api_key})

    def _keep(self, code: str, credential: dict[str, Secret]) -> None:
        credentials = self._credentials_of(LOCAL_USER, self.reads)
        try:
            if credentials.holds(code, credential):
                return
        except CannotDecrypt:
            self._events.emit("credential.rejected", source=code, note="replaced by the one that the settings give")
        credentials.set(code, credential)


def _ignore(secret: Secret) -> None:
    """Nobody asked to be told."""
