"""The composition root: builds everything from the settings, starts it in order, and stops it in reverse."""

from __future__ import annotations

# ruff: noqa: E402 - the guard comes before the first import of a package that a host may hide
from moomarkets._siblings import check_siblings

check_siblings()

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from actors import job_manager, scheduler, tree
from actors.otp.errors import CallError
from actors.otp.reasons import SHUTDOWN, ExitReason
from actors.otp.ref import Ref
from actors.otp.supervisor import Supervisor
from actors.otp.thread_runtime import ThreadRuntime
from actors.pulse import Beat, Pulse
from moomarkets.assembly import build_parts, enter_node, open_site
from moomarkets.demo import with_simulators
from moomarkets.domain import failpoints
from moomarkets.domain.clock import Clock, SystemClock
from moomarkets.domain.errors import MoomarketsError
from moomarkets.domain.events import Events, NoEvents
from moomarkets.domain.job import NodeIdentity
from moomarkets.domain.secret import Secret
from moomarkets.installation import Installation
from moomarkets.jobtypes.job_type import JobType
from moomarkets.jobtypes.registry import job_types
from moomarkets.services.console import Console
from moomarkets.services.coverage import Coverage
from moomarkets.services.credentials import Credentials
from moomarkets.services.data import Data
from moomarkets.services.freshness import FreshnessDesk
from moomarkets.services.groups import Groups
from moomarkets.services.job_manager_desk import JobManagerDesk
from moomarkets.services.jobs import Executions, Jobs
from moomarkets.services.keys import Keys
from moomarkets.services.progress import Progress
from moomarkets.services.purge import Purge
from moomarkets.services.quarantine import Quarantine
from moomarkets.services.readiness import Fault, Readiness
from moomarkets.services.runs import Runs
from moomarkets.services.schedules import Schedules
from moomarkets.services.starter_groups import create_starter_groups, starter_groups
from moomarkets.services.status import Status
from moomarkets.services.switches import Sources, Switches
from moomarkets.services.users import Users
from moomarkets.services.why import Why
from moomarkets.settings import Settings
from moomarkets.store.migrate import preload
from moomarkets.web.site import WebSite

GIVE_BACK_S = 8.0
"""How long interrupted attempts may take to be given back; what has not ended then is fenced and rescued."""

HURRY_S = 1.0
"""How long anything waits for the database when not even that came to an end."""


class System(Console):
    """The whole of moomarkets inside a process: database, actors, and the verbs to use and to operate them.

    Touches nothing global: no signal handlers, no logging set-up. Two systems in one process do not notice each other.

    Example:
        ```python
        from moomarkets import Settings, System

        with System(Settings.load()) as system:
            run = system.groups.run("daily-bars")
            run.wait(timeout_s=600)
        ```
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        events: Events | None = None,
        learn_secret: Callable[[Secret], None] | None = None,
        job_types: Sequence[JobType] = (),
        web: bool = False,
    ) -> None:
        """Nothing is started yet.

        `learn_secret` is told every secret that is decrypted, so that logs can hide it. `job_types` are the host's own,
        beside the built-in ones and those that other packages bring along. With `web` it serves health and REST.
        """
        super().__init__(ThreadRuntime(clock or SystemClock(), events or NoEvents()))
        self.settings = settings
        self._learn = learn_secret or _ignore
        self._job_types = tuple(job_types)
        self._undo = ExitStack()
        self._root: Ref | None = None
        self._is_drained = False
        self._installation: Installation | None = None
        self._known_job_types: dict[str, JobType] = {}
        self._has_web = web
        self._site: WebSite | None = None
        self._pulse = Pulse(self.runtime)
        self._readiness: Readiness | None = None
        self.new_groups: list[str] = []
        """The groups that this start has put into a fresh database; they run when due, or when asked to."""
        self._node: NodeIdentity | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the database, bring it up to date, start the tree; returns when all of it runs.

        Raises:
            SettingsError: the settings do not fit together, or the keyring is no good.
            StoreError: the database cannot be started, reached or migrated.
        """
        if self._root is not None:
            raise MoomarketsError("system: expected one that is stopped, got one that runs")
        with ExitStack() as undo:
            # Whatever fails below takes back what was started before it.
            runtime = self.runtime
            site = open_site(self.settings, runtime, self, undo) if self._has_web else None
            if not self.settings.data_dir.exists():
                # While another process makes the database, this one has time to import what fills it with tables.
                runtime.spawn(preload, "preload")
            settings = with_simulators(self.settings, runtime.clock, undo) if self.settings.demo else self.settings
            installation = Installation(settings, runtime.clock, runtime.events, undo, learn=self._learn)
            self._installation = installation
            self._readiness = Readiness(runtime, installation.reads)
            undo.callback(self._forget)
            self.new_groups = create_starter_groups(
                installation.groups,
                starter_groups(settings.max_retries, settings.retry_delay_s, is_chained=settings.demo),
            )
            self._node = enter_node(installation, runtime, undo)
            parts = build_parts(settings, runtime, installation, self._node, self._learn, self._job_types, undo)
            self._known_job_types = job_types(NoEvents(), self._job_types)
            if site is not None:
                parts = replace(parts, web=(site, self._pulse))
            self._is_drained = False
            self._site = site
            self._root = runtime.start(Supervisor, tree.root(parts), name="root", start_timeout_s=None)
            self._undo = undo.pop_all()

    def stop(self) -> None:
        """Let running jobs finish, give back those that do not, stop everything in reverse; harmless to repeat."""
        root, self._root = self._root, None
        if root is None:
            return
        with self._undo:
            if root.is_alive:
                self.drain()
                self._stop_tree(root)

    def drain(self) -> None:
        """Start nothing new, for good, and wait until nothing runs; what does not finish in time is given back.

        The first step of a stop: needed only by whoever wants to see how things ended before that.
        """
        if self._is_drained:
            return
        self._is_drained = True
        for patience_s in (self.settings.drain_deadline_s, GIVE_BACK_S):
            try:
                job_manager.drain(self.runtime, patience_s)
                failpoints.hit("drain_released")
                return
            except CallError:
                self.runtime.events.emit("drain.timed_out", after_s=patience_s)
                job_manager.interrupt(self.runtime)
        # What could not even be given back waits for a database that says nothing: the rest of the stop does not.
        self.installation.patience.shorten(HURRY_S)

    def wait(self, timeout_s: float | None = None) -> ExitReason:
        """Wait until the tree has ended by itself, which means that it gave up; raises `CallTimeout` if it goes on."""
        return self.runtime.wait(self._running(), timeout_s)

    def book_due(self) -> int:
        """Book what the schedules have due by now; returns how many runs that brought."""
        return scheduler.look(self.runtime)

    @property
    def is_running(self) -> bool:
        """Whether the tree is there."""
        return self._root is not None and self._root.is_alive

    @property
    def groups(self) -> Groups:
        """The groups: create, run, stop, pause, resume."""
        return Groups(self.runtime, self.installation.desk, self._user_id, self._known_job_types or None)

    @property
    def jobs(self) -> Jobs:
        """The jobs: look, queue, pause, cancel, retry."""
        return Jobs(
            self.runtime,
            self.installation.desk,
            self._user_id,
            self.installation.queue_rules(self._known_job_types),
        )

    @property
    def switches(self) -> Switches:
        """The switch of the whole: pause, resume."""
        return self.installation.switches

    @property
    def sources(self) -> Sources:
        """The sources: pause, resume, switch on and off, and what may still be asked of them."""
        return self.installation.sources_of(self._job_types)

    @property
    def manager(self) -> JobManagerDesk:
        """The verbs of groups and jobs under the names of the JobManager's first design."""
        return JobManagerDesk(self.groups, self.jobs, self.runs, self.status, self.activity)

    @property
    def runs(self) -> Runs:
        """The runs of groups: look."""
        return Runs(self.installation.reads, self._user_id)

    @property
    def schedules(self) -> Schedules:
        """The schedules of groups: preview, what comes next, what became of every instant."""
        return self.installation.schedules

    @property
    def why(self) -> Why:
        """Why something is as it is, from the schedule to the rows."""
        return self.installation.why

    @property
    def executions(self) -> Executions:
        """The attempts of jobs."""
        return self.installation.executions

    @property
    def credentials(self) -> Credentials:
        """The credentials of sources: set, remove."""
        return self.installation.credentials

    @property
    def coverage(self) -> Coverage:
        """What is here of every dataset, what is missing and why, what it would cost to get it, and getting it."""
        return self.installation.coverage_of(self._known_job_types, self.groups)

    @property
    def data(self) -> Data:
        """The stored data, as frames and files: `system.data("daily_bars", code="7203")`."""
        return self.installation.data

    @property
    def keys(self) -> Keys:
        """The keys that credentials are sealed with: new, rotate, list, verify, remove."""
        return self.installation.keys

    @property
    def users(self) -> Users:
        """The users: add, list, role, enable, disable, password, remove; and signing in."""
        return self.installation.users

    @property
    def purge(self) -> Purge:
        """Deletes data that may not be kept, or are not wanted: look, perform."""
        return self.installation.purge

    @property
    def status(self) -> Status:
        """Where everything stands, from the store."""
        return self.installation.status

    @property
    def quarantine(self) -> Quarantine:
        """The answers that were not stored: look, release, dismiss; and the strange rows that were."""
        return self.installation.quarantine

    @property
    def freshness(self) -> FreshnessDesk:
        """How fresh the data are, and what was told of that: `system.freshness()`."""
        return self.installation.freshness

    @property
    def node_id(self) -> str:
        """This node's id, fresh at every start."""
        if self._node is None:
            raise MoomarketsError("system: expected one that runs, got one that is stopped")
        return str(self._node.id)

    def progress(self) -> Progress:
        """Follow what happens from now on."""
        return Progress(self.installation.reads, self._user_id)

    def missing_credentials(self) -> list[str]:
        """The sources that need a credential and have none."""
        return self.installation.missing_credentials()

    @property
    def url(self) -> str | None:
        """Where the web server is; None where none was asked for."""
        return self._site.url if self._site is not None else None

    def beats(self) -> list[Beat]:
        """The signs of life of every server; they are asked for only where there is a web server."""
        return self._pulse.look()

    def faults(self) -> list[Fault]:
        """What keeps this node from working; empty when it can. Does not wait long for a database that is stuck."""
        if not self.is_running or self._readiness is None:
            return [Fault("tree", "expected one that runs, got none")]
        ending = [Fault("tree", "expected one that takes work, got one that is being stopped")]
        return [*(ending if self._is_drained else []), *self._readiness.faults()]

    def on_end(self, hook: Callable[[], object]) -> None:
        """Run `hook`, which must be quick, when the tree has ended, in whatever way."""
        self._running().process.exited.subscribe(hook)

    def activity(self) -> dict[str, object]:
        """What runs on this node now, from the manager; needs no database."""
        return job_manager.status(self.runtime)

    @property
    def _user_id(self) -> int:
        return self.installation.account.id

    def _stop_tree(self, root: Ref) -> None:
        try:
            self.runtime.stop(root, SHUTDOWN)
        except CallError as error:
            self.runtime.events.emit("tree.stop_failed", error=str(error))
            self.runtime.kill(root)

    def _forget(self) -> None:
        """What is closed must not be used again: a closed pool would open new connections."""
        self._installation = self._node = self._site = self._readiness = None

    def _running(self) -> Ref:
        if self._root is None:
            raise MoomarketsError("system: expected one that runs, got one that is stopped")
        return self._root

    @property
    def installation(self) -> Installation:
        """Database, keyring and sources below the tree."""
        if self._installation is None:
            raise MoomarketsError("system: expected one that runs, got one that is stopped")
        return self._installation


def _ignore(secret: Secret) -> None:
    """Nobody asked to be told."""
