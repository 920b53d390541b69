"""Finds out with the least requests what a key of J-Quants is subscribed to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from datasources.jquants.endpoints import (
    DAILY_BARS_ENDPOINT,
    DISCLOSURES_ENDPOINT,
    FINANCIAL_DETAILS_ENDPOINT,
    INVESTOR_TYPES_ENDPOINT,
    MINUTE_BARS_ENDPOINT,
    SHORT_RATIOS_ENDPOINT,
)
from datasources.jquants.plans import MINUTES, PLANS, TDNET
from moomarkets.domain.errors import Reason, SourceError
from moomarkets.domain.learnt import Readable
from moomarkets.domain.source import Detected, Endpoint

BEFORE_ALL = date(1990, 1, 4)
"""A trading day that no subscription reaches back to: the refusal names the window that it has."""

Probe = Callable[[Endpoint, dict[str, str]], object]
"""Sends one request and raises what its answer means."""


def detect(probe: Probe, today: date) -> Detected:
    """The plan, from the window that a refusal names, else from what may be asked; and the add-ons.

    Raises `SourceError` where the key itself is refused, or the service cannot be asked.
    """
    asked = _Asked(probe)
    window = _window(asked)
    plan = next((name for name, plan in PLANS.items() if window and window.is_about(*plan.reach(today))), "")
    plan = plan or _by_endpoints(asked, today)
    day = {"date": today.isoformat()}
    beside = ((MINUTES, MINUTE_BARS_ENDPOINT), (TDNET, DISCLOSURES_ENDPOINT)) if plan != "free" else ()
    add_ons = tuple(name for name, endpoint in beside if asked.may(endpoint, day))
    found = window or Readable(*PLANS[plan].reach(today))
    return Detected(plan, found, add_ons, asked.count)


class _Asked:
    """Counts the requests."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self.count = 0

    def error(self, endpoint: Endpoint, query: dict[str, str]) -> SourceError | None:
        self.count += 1
        try:
            self._probe(endpoint, query)
        except SourceError as error:
            if error.reason not in (Reason.PLAN_RESTRICTED, Reason.INVALID):
                raise
            return error
        return None

    def may(self, endpoint: Endpoint, query: dict[str, str]) -> bool:
        """Whether the endpoint belongs to the subscription, whatever else is wrong with the question."""
        error = self.error(endpoint, query)
        return error is None or error.reason is not Reason.PLAN_RESTRICTED or error.readable is not None


def _window(asked: _Asked) -> Readable | None:
    error = asked.error(DAILY_BARS_ENDPOINT, {"date": BEFORE_ALL.isoformat()})
    return Readable(*error.readable) if error is not None and error.readable else None


def _by_endpoints(asked: _Asked, today: date) -> str:
    day = {"date": today.isoformat()}
    if asked.may(SHORT_RATIOS_ENDPOINT, day):
        return "premium" if asked.may(FINANCIAL_DETAILS_ENDPOINT, day) else "standard"
    return "light" if asked.may(INVESTOR_TYPES_ENDPOINT, {}) else "free"
