"""What a good answer looks like, as data: the rules of a dataset, and what was found against them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from moomarkets.domain.dataset import Batch

OUTAGES = frozenset({date(2020, 10, 1)})
"""Days on which Tokyo was open and nothing was traded: the exchange's system had failed."""

MOST_KEYS = 200
"""How many rows a finding names."""

FEW_ROWS = 3
"""So many strange rows in an answer are never too many of them."""

LARGE_PART = 0.02
"""The part of the rows from which on strange rows mean that the whole answer is bad."""


class Severity(StrEnum):
    """What follows from a finding."""

    SUSPECT = "suspect"
    """The rows are stored; the finding is kept beside them and shown."""

    REJECT = "reject"
    """Nothing of the answer is stored; it goes to quarantine as it came."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the rule, what was found, and the keys of the rows, where it is about rows.

    `count` is how many rows there are of it; `keys` names at most `MOST_KEYS` of them.
    """

    rule: str
    severity: Severity
    detail: str
    keys: tuple[tuple[str, ...], ...] = ()
    count: int = 0

    def to_json(self) -> dict[str, object]:
        """As it is stored and shown."""
        return {
            "rule": self.rule,
            "severity": str(self.severity),
            "detail": self.detail,
            "count": self.count,
            "keys": [list(key) for key in self.keys],
        }


@dataclass(frozen=True, slots=True)
class Bars:
    """Names of the columns of one set of prices, and of its volume and turnover; "" where there is none.

    `is_whole`: either all of them hold a value, or none does.
    """

    open: str = "open"
    high: str = "high"
    low: str = "low"
    close: str = "close"
    volume: str = ""
    turnover: str = ""
    is_whole: bool = True

    @property
    def prices(self) -> tuple[str, str, str, str]:
        return self.open, self.high, self.low, self.close


@dataclass(frozen=True, slots=True)
class Jump:
    """A close that is `times` as high or low as the one before, and further from it than `least`, is strange.

    `factor` names the column by which the close before is multiplied first, "" for none. `least` makes room for issues
    that cost next to nothing, whose daily limits allow such moves.
    """

    column: str = "close"
    factor: str = ""
    times: float = 5.0
    least: float = 100.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every good answer of one dataset; what is left out is not looked at.

    `always_has_rows`: a trading day without any has not been published yet. `row_band`: how many rows a day may have,
    as parts of the usual number. `keeps_to_dates`: the rows are of the dates that were asked for. `code_lengths`: how
    long a code may be. `sound_numbers`: text where a number belongs is no number of this dataset. `twins`: what follows
    where a row comes twice. `varied`: columns that are never the same in all rows.
    """

    always_has_rows: bool = False
    row_band: tuple[float, float] | None = None
    keeps_to_dates: bool = False
    code_lengths: tuple[int, ...] = ()
    bars: tuple[Bars, ...] = ()
    positive: tuple[str, ...] = ()
    not_negative: tuple[str, ...] = ()
    varied: tuple[str, ...] = ()
    jump: Jump | None = None
    sound_numbers: bool = False
    twins: Severity = Severity.SUSPECT


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer has to fit: the dates that were asked for, both included, and the key of the partition.

    `is_whole_day`: everything of one trading day, as opposed to a range, or one symbol.
    """

    key: str
    from_on: date
    to_on: date
    is_whole_day: bool


def severity_of(count: int, among: int) -> Severity:
    """One strange row is a strange row; many of them are a bad answer."""
    return Severity.REJECT if count > FEW_ROWS and count > LARGE_PART * among else Severity.SUSPECT


def rejects(findings: Iterable[Finding]) -> list[Finding]:
    """Those for which nothing of the answer may be stored."""
    return [finding for finding in findings if finding.severity is Severity.REJECT]


def in_words(findings: Iterable[Finding]) -> str:
    """What was found, in one line."""
    return "; ".join(f"{finding.rule}: {finding.detail}" for finding in findings)


def keys_of(batch: Batch, places: Iterable[int]) -> tuple[tuple[str, ...], ...]:
    """The keys of the rows at these places, as text; at most `MOST_KEYS`."""
    names = batch.dataset.column_names
    positions = [names.index(name) for name in batch.dataset.key]
    chosen = [batch.rows[place] for place, _ in zip(places, range(MOST_KEYS), strict=False)]
    return tuple(tuple(str(row[position]) for position in positions) for row in chosen)
