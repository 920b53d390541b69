"""Follows the runs of a fill: a bar on a terminal, a line now and then where the output is piped."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import click

from moomarkets.cli.coverage import duration
from moomarkets.cli.output import print_json
from moomarkets.domain.clock import SystemClock
from moomarkets.exit_codes import ExitCode
from moomarkets.logs import LogEvents

if TYPE_CHECKING:
    from moomarkets.services.coverage import Coverage
    from moomarkets.services.coverage_views import Filling
    from moomarkets.services.jobs import JobDesk
    from moomarkets.services.runs import Runs
    from moomarkets.wakes import Wakes

LOOK_EVERY_S = 0.5
MOST_ROUNDS = 3
"""So often at most it is asked for again what a run that was under way before did not plan."""


class Fillable(Protocol):
    """What is needed of a system or an installation."""

    @property
    def coverage(self) -> Coverage:
        """Orders the fill."""

    @property
    def runs(self) -> Runs:
        """Tells how far it is."""

    @property
    def jobs(self) -> JobDesk:
        """Tells what went wrong."""


class QuietEvents(LogEvents):
    """Logs only what needs attention: the bar says the rest."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        super().__init__(sys.stderr, self.clock, level="warning")


def quiet_events() -> QuietEvents:
    """Events of a system that runs for a fill alone."""
    return QuietEvents()


@dataclass(frozen=True, slots=True)
class Stage:
    """How far the runs of a fill are, all together."""

    total: int
    done: int
    failed: int
    requests: int
    rows: int
    is_over: bool
    is_planned: bool
    blocked_by: str
    error: str

    def told(self, dataset: str) -> dict[str, object]:
        """The same as part of a document."""
        return {
            "dataset": dataset,
            "jobs": self.total,
            "done": self.done,
            "failed": self.failed,
            "requests": self.requests,
            "rows": self.rows,
            "error": self.error or None,
        }

    def line(self, elapsed_s: float, left_s: float | None) -> str:
        """The same in one line."""
        if self.blocked_by and not self.is_over:
            return f"waits for {self.blocked_by}"
        if not self.total and not self.is_over:
            return "is being planned"
        rate = f", {60 * self.requests / elapsed_s:.0f} requests a minute" if elapsed_s >= 1 else ""
        left = "" if left_s is None or left_s < 1 or self.is_over else f", about {duration(left_s)} left"
        failed = f", {self.failed} failed" if self.failed else ""
        error = f"; newest error: {self.error}" if self.error else ""
        requests = f"{self.requests:,} request{'' if self.requests == 1 else 's'}"
        return f"{self.done}/{self.total} jobs{failed}, {requests}, {self.rows:,} rows{rate}{left}{error}"


class Follower:
    """Orders the fill of some datasets, one after the other, and stays until each is over."""

    def __init__(
        self,
        house: Fillable,
        wakes: Wakes,
        names: list[str],
        part: dict[str, Any],
        timeout_s: float | None,
        *,
        is_ours: bool,
        is_json: bool,
    ) -> None:
        self._house, self._wakes, self._names, self._part, self._is_ours = house, wakes, names, part, is_ours
        self._is_json, self._stages = is_json, dict[str, Stage]()
        self._clock = SystemClock()
        self._began = self._clock.monotonic()
        self._deadline = None if timeout_s is None else self._began + timeout_s

    def follow(self) -> int:
        """Until all is here, or nothing more comes of it; returns the exit code."""
        from rich.console import Console

        console = Console(stderr=self._is_json)
        for name in self._names:
            for _ in range(MOST_ROUNDS):
                filling = self._house.coverage.fill(name, **self._part)
                if not filling.runs:
                    break
                stage = self._watch(filling, console)
                if not stage.is_over:
                    return self._leave()
                if stage.failed:
                    break
        left = sum(plan.missing for name in self._names for plan in self._house.coverage.plan(name, **self._part))
        self._say(
            "nothing is missing" if not left else f"{left:,} partition{' is' if left == 1 else 's are'} still missing"
        )
        self._report(left)
        return ExitCode.WORK_REMAINS if left else ExitCode.OK

    def _watch(self, filling: Filling, console: Any) -> Stage:
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[line]}"))
        is_live = bool(console.is_terminal)
        with Progress(*columns, console=console, transient=True, disable=not is_live, auto_refresh=False) as progress:
            bar = progress.add_task(filling.dataset, total=None, line="")
            shown = ""
            while True:
                stage = self._look(filling)
                line = stage.line(self._clock.monotonic() - self._began, self._left_s(filling, stage))
                progress.update(bar, total=stage.total or None, completed=stage.done, line=line, refresh=is_live)
                mark = f"{stage.done * 10 // stage.total if stage.total else 0} {stage.blocked_by} {stage.error}"
                if not is_live and (mark != shown or stage.is_over):
                    shown = mark
                    self._say(f"{filling.dataset}: {line}")
                if stage.is_over or self._is_enough():
                    break
                self._wakes.wait(LOOK_EVERY_S)
        if is_live:
            self._say(f"{filling.dataset}: {line}")
        self._stages[filling.dataset] = stage
        return stage

    def _look(self, filling: Filling) -> Stage:
        found = [self._house.runs.progress(run.run_id) for run in filling.runs]
        shown = [self._house.runs.show(run.run_id) for run in filling.runs]
        errors = [job["last_error"] for run in filling.runs for job in self._troubled(run.group)]
        return Stage(
            total=sum(one.total for one in found),
            done=sum(one.done for one in found),
            failed=sum(one.failed or one.status == "failed" for one in found),
            requests=sum(int(str(one["requests"])) for one in shown),
            rows=sum(int(str(one["rows_written"])) for one in shown),
            is_over=all(one.status not in ("pending", "running") for one in found),
            is_planned=all(one.total for one in found),
            blocked_by=", ".join(dict.fromkeys(one.blocked_by for one in found if one.blocked_by)),
            error=str(errors[0])
            if errors
            else next((str(o["error_message"]) for o in shown if o["error_message"]), ""),
        )

    def _troubled(self, group: str) -> list[dict[str, object]]:
        jobs = [job for status in ("failed", "pending") for job in self._house.jobs.list(group=group, status=status)]
        return [job for job in jobs if job["last_error"]]

    def _left_s(self, filling: Filling, stage: Stage) -> float | None:
        """As long as the limits make what is left take."""
        picked = [plan.picked for plan in filling.plans if plan.picked is not None]
        requests, seconds = sum(way.requests for way in picked), sum(way.seconds for way in picked)
        if not stage.is_planned or not requests:
            return None
        return seconds * max(stage.total - stage.done, 0) / max(stage.total, 1)

    def _is_enough(self) -> bool:
        late = self._deadline is not None and self._clock.monotonic() >= self._deadline
        return late or self._wakes.is_over

    def _leave(self) -> int:
        ending = "it stops, and the next fill goes on" if self._is_ours else "the supervisor goes on with it"
        self._say(f"not done yet: {ending}")
        self._report(None)
        return ExitCode.WORK_REMAINS

    def _say(self, line: str) -> None:
        click.echo(line, err=self._is_json)

    def _report(self, missing: int | None) -> None:
        """Where a document is wanted: what came of it; what is missing is not known of a fill that goes on."""
        if self._is_json:
            print_json({"missing": missing, "fills": [stage.told(name) for name, stage in self._stages.items()]})
