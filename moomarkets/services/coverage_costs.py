"""What the ways to close the gaps of a dataset cost, in requests, time and bytes."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from moomarkets.domain.limits import Window
from moomarkets.domain.source import SourceSpec
from moomarkets.domain.ways import Offer, Way, pick, seconds_for
from moomarkets.jobtypes.survey import Survey
from moomarkets.services.coverage_survey import Seen, endpoint_of
from moomarkets.services.coverage_views import FetchPlan, WayCost
from moomarkets.store import permits


class Costs:
    """Counts them at the limits of the sources, with what is used of these just now."""

    def __init__(
        self, connection: Connection, user_id: int, specs: Mapping[str, SourceSpec], source_ids: Mapping[str, int]
    ) -> None:
        self._connection, self._user_id, self._specs, self._source_ids = connection, user_id, specs, source_ids

    def plan(self, seen: Seen, found: Survey, way: str) -> FetchPlan:
        """Every way with its cost, the one that is taken marked."""
        picked = pick(found.offers, way)
        used = self._used_s_ago(seen.job_type.source)
        days = [gap.from_on for gap in found.gaps]
        return FetchPlan(
            dataset=seen.job_type.dataset,
            source=seen.job_type.source,
            missing=len(found.gaps),
            from_on=min(days, default=None),
            to_on=max((gap.to_on for gap in found.gaps), default=None),
            ways=tuple(self._cost(seen, offer, used, is_picked=offer is picked) for offer in found.offers),
        )

    def _cost(self, seen: Seen, offer: Offer, used: list[float], *, is_picked: bool) -> WayCost:
        return WayCost(
            way=offer.way,
            requests=offer.requests,
            jobs=len(offer.steps),
            seconds=round(seconds_for(offer.requests, self._windows(seen, offer), used), 1),
            bytes=offer.bytes,
            is_picked=is_picked,
            obstacle=offer.obstacle,
        )

    def _windows(self, seen: Seen, offer: Offer) -> tuple[Window, ...]:
        """Those of the source, and the endpoint's own; lists and addresses of files count for the source alone."""
        spec, endpoint = self._specs.get(seen.job_type.source), endpoint_of(seen.job_type)
        own = () if endpoint is None or offer.way is Way.BULK else endpoint.windows
        if own and endpoint is not None and endpoint.is_apart:
            return own
        return (*(spec.windows if spec else ()), *own)

    def _used_s_ago(self, source: str) -> list[float]:
        return permits.used_s_ago(self._connection, self._source_ids.get(source, 0), self._user_id)
