"""Which columns of a dataset change when past prices are made comparable with today's, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from moomarkets.domain.dataset import ColumnType, Dataset

FACTOR = "adjustment_factor"
SPLIT, ADJUSTED_CLOSE = "split_ratio", "adjusted_close"
_PRICES = frozenset({"open", "high", "low", "close"})
_VOLUMES = frozenset({"volume"})
_PER_SHARE = ("dividend", "capital_gain")


class Rule(StrEnum):
    """What the rows hold, and what follows from it.

    FACTORS: prices as traded, and a factor on each ex-date. SPLITS: prices that the provider has adjusted for splits
    already, a close that it has adjusted for dividends too, and the ratio of each split on its ex-date.
    """

    FACTORS = "factors"
    SPLITS = "splits"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """How one dataset is adjusted: its prices, its volumes, and amounts of money per share."""

    rule: Rule
    prices: tuple[str, ...]
    volumes: tuple[str, ...]
    per_share: tuple[str, ...] = ()


def adjustment_of(dataset: Dataset) -> Adjustment | None:
    """How the dataset is adjusted, told by its columns; None where it has nothing to adjust by.

    A column is a price or a volume by the last word of its name, so `morning_open` is a price.

    Example:
        >>> from moomarkets.domain.datasets.equities import DAILY_BARS, LISTED_ISSUES
        >>> adjustment_of(DAILY_BARS).prices, adjustment_of(LISTED_ISSUES)
        (('open', 'high', 'low', 'close'), None)
    """
    names = dataset.column_names
    numbers = [column.name for column in dataset.columns if column.type is ColumnType.NUMBER]
    prices = tuple(name for name in numbers if _last_word(name) in _PRICES and name != ADJUSTED_CLOSE)
    volumes = tuple(name for name in numbers if _last_word(name) in _VOLUMES)
    if FACTOR in names:
        return Adjustment(Rule.FACTORS, prices, volumes)
    if SPLIT in names and ADJUSTED_CLOSE in names:
        return Adjustment(Rule.SPLITS, prices, volumes, tuple(name for name in _PER_SHARE if name in names))
    return None


def _last_word(name: str) -> str:
    return name.rpartition("_")[2]
