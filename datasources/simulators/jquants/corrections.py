"""What somebody ordered to be corrected in the simulated data, and since when it shows."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from math import inf
from typing import Any

from datasources.simulators.issues import delisted_on, restated_on, split_on
from datasources.simulators.jquants.fields import FIELDS
from datasources.simulators.market import Market, factors

BARS = "/equities/bars/daily"
_FOR_GOOD = date(2999, 12, 31)
_RAW = ("O", "H", "L", "C", "Vo")


@dataclass(frozen=True, slots=True)
class Correction:
    """One order: `kind` is correct, split or delist; what it changes lies in `path` (all, where ""), on those days."""

    kind: str
    code: str
    path: str
    first_on: date
    last_on: date
    at: datetime
    values: Mapping[str, Any] = field(default_factory=dict)


class Corrections:
    """All orders so far; thread-safe."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._lock = threading.Lock()
        self._orders: list[Correction] = []
        self._patches: dict[tuple[str, date], dict[str, dict[str, Any]]] = {}

    @property
    def version(self) -> int:
        """Grows with every order."""
        return len(self._orders)

    def as_json(self) -> list[dict[str, Any]]:
        """The orders as plain values, oldest first."""
        return [json.loads(json.dumps(asdict(order), default=str)) for order in self._orders]

    def correct(self, code: str, day: date, values: Mapping[str, Any], at: datetime, path: str = BARS) -> None:
        """From now on the rows of that issue and day have these values; a price moves its adjusted price with it."""
        self.check(code, path, values)
        kept = dict(values)
        with self._lock:
            if path == BARS and "AdjFactor" in kept:
                issue = self._market.issues_named(code)[0]
                self._market.replace(restated_on(issue, day, float(kept.pop("AdjFactor"))))
            if kept:
                self._patches.setdefault((path, day), {}).setdefault(code, {}).update(kept)
            self._orders.append(Correction("correct", code, path, day, day, at, dict(values)))

    def split(self, code: str, ex_on: date, ratio: float, at: datetime) -> None:
        """One share becomes `ratio` shares on `ex_on`: prices are divided by it from then on."""
        factor = round(1 / ratio_of(ratio), 6)
        self.check(code, BARS, {})
        with self._lock:
            self._market.replace(split_on(self._market.issues_named(code)[0], ex_on, factor))
            self._orders.append(Correction("split", code, BARS, ex_on, _FOR_GOOD, at, {"ratio": ratio}))

    def delist(self, code: str, last_on: date, at: datetime) -> None:
        """The issue is listed until `last_on` and no longer."""
        self.check(code, BARS, {})
        with self._lock:
            self._market.replace(delisted_on(self._market.issues_named(code)[0], last_on))
            self._orders.append(Correction("delist", code, "", last_on + timedelta(days=1), _FOR_GOOD, at))

    def changed_at(self, path: str, first: date, last: date) -> datetime | None:
        """The newest order that changed something there between those days."""
        found = [
            order.at
            for order in self._orders
            if order.path in ("", path) and order.first_on <= last and first <= order.last_on
        ]
        return max(found, default=None)

    def applied(self, path: str, day: date, rows: Sequence[str], today: date) -> Sequence[str]:
        """The rows of a day with what was ordered for them."""
        patches = self._patches.get((path, day))
        if not patches:
            return rows
        return [self._patched(path, day, row, patches, today) for row in rows]

    def check(self, code: str, path: str, values: Mapping[str, Any]) -> None:
        """ValueError where there is no such path, field or issue."""
        if path not in FIELDS:
            raise ValueError(f"path: expected that of a data set, got {path!r}")
        if unknown := sorted(set(values) - set(FIELDS[path])):
            raise ValueError(f"value: expected a field of {path}, got {unknown[0]!r}")
        is_by_issue = "Code" in FIELDS[path] and path.startswith(("/equities", "/fins", "/markets"))
        if is_by_issue and (len(code) != 5 or not self._market.issues_named(code)):
            raise ValueError(f"code: expected one of a known issue, with 5 characters, got {code!r}")

    def _patched(self, path: str, day: date, text: str, patches: Mapping[str, Mapping[str, Any]], today: date) -> str:
        row = json.loads(text)
        values = patches.get(row.get("Code", row.get("S33", "")))
        if values is None:
            return text
        row |= values
        if path == BARS:
            _, _, shown = factors(self._market.issues_named(row["Code"])[0], day, today)
            for name in _RAW:
                if name in values and f"Adj{name}" not in values:
                    row[f"Adj{name}"] = _adjusted(name, values[name], shown)
        return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def _adjusted(name: str, value: float | None, shown: float) -> float | None:
    if value is None:
        return None
    return value / shown if name == "Vo" else round(value * shown, 1)


def ratio_of(given: Any) -> float:
    """How many shares one becomes."""
    try:
        ratio = float(given)
    except (TypeError, ValueError):
        ratio = 0.0
    if not 0 < ratio < inf:
        raise ValueError(f"ratio: expected a number above 0, got {given!r}")
    return ratio
