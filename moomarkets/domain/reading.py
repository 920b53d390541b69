"""What is to be read of a dataset, checked: codes, dates, columns, adjusted or not, and as it was known when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from moomarkets.domain import iso
from moomarkets.domain.adjustment import adjustment_of
from moomarkets.domain.calendar import TOKYO
from moomarkets.domain.dataset import Dataset
from moomarkets.domain.datasets.catalogue import DATASETS
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.nearest import did_you_mean

EXTRA = "extra"
PROVENANCE = ("source", "execution_id", "fetched_at")
"""Columns that every dataset has beside its own: the code of the source, the attempt that brought the row, and when."""

_A_DATE = "a date such as 2026-11-20"
_AN_INSTANT = "a date such as 2026-11-20 or an instant with its offset such as 2026-11-20T17:00+09:00"

Day = date | str | None
Instant = datetime | date | str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A question about one dataset; `codes` empty and the rest None mean that nothing is narrowed down.

    `first` and `last` are both included. `known_at` is the instant whose knowledge is asked for.
    """

    dataset: Dataset
    columns: tuple[str, ...]
    codes: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    is_adjusted: bool = False
    known_at: datetime | None = None


def dataset_named(name: object) -> Dataset:
    """The dataset of that name; `InvalidInput` with the nearest one where there is none.

    Example:
        >>> dataset_named("daily_bars").key
        ('code', 'on_date')
    """
    found = DATASETS.get(name) if isinstance(name, str) else None
    if found is None:
        raise InvalidInput("dataset", f"one of {', '.join(DATASETS)}{did_you_mean(name, DATASETS)}", name)
    return found


def known_datasets() -> Mapping[str, Dataset]:
    """All datasets that can be read, by name."""
    return DATASETS


def code_column(dataset: Dataset) -> str | None:
    """The column that says which issue or symbol a row is about; None where the dataset has none."""
    return dataset.symbol or None


def date_column(dataset: Dataset) -> str | None:
    """The column that dates are asked for by; None where the dataset has none."""
    return dataset.date or None


def reading(
    dataset: object,
    *,
    code: str | Iterable[str] | None = None,
    start: Day = None,
    end: Day = None,
    adjusted: bool = False,
    as_of: Instant = None,
    columns: Sequence[str] | None = None,
) -> Reading:
    """The checked question that these arguments ask.

    Codes may be one text or several. Dates may be text; `as_of` may be a date, which means its end in Tokyo. Without
    `columns` all of the dataset's are asked for, but for `extra`.

    Raises:
        InvalidInput: something is not known, or does not fit the dataset.

    Example:
        >>> reading("daily_bars", code="7203", start="2026-11-02").first
        datetime.date(2026, 11, 2)
    """
    found = dataset_named(dataset)
    first, last = day_of("start", start), day_of("end", end)
    if first is not None and last is not None and first > last:
        raise InvalidInput("start", f"a date up to the end, {last}", first.isoformat())
    if (first or last) and date_column(found) is None:
        raise InvalidInput("start, end", f"none, as {found.name} has no dates", str(first or last))
    if adjusted and adjustment_of(found) is None:
        able = ", ".join(name for name, other in DATASETS.items() if adjustment_of(other) is not None)
        raise InvalidInput("adjusted", f"a dataset with factors or splits ({able})", found.name)
    return Reading(found, _columns(found, columns), _codes(found, code), first, last, bool(adjusted), _instant(as_of))


def _columns(dataset: Dataset, given: Sequence[str] | None) -> tuple[str, ...]:
    own = dataset.column_names
    if given is None:
        return tuple(name for name in own if name != EXTRA)
    if isinstance(given, str) or not given:
        raise InvalidInput("columns", f"a list of some of {', '.join((*own, *PROVENANCE))}", given)
    for name in given:
        if name not in own and name not in PROVENANCE:
            guess = did_you_mean(name, (*own, *PROVENANCE))
            raise InvalidInput("column", f"one of {', '.join((*own, *PROVENANCE))}{guess}", name)
    return tuple(dict.fromkeys(given))


def _codes(dataset: Dataset, given: str | Iterable[str] | None) -> tuple[str, ...]:
    if given is None:
        return ()
    if code_column(dataset) is None:
        raise InvalidInput("code", f"none, as {dataset.name} is about no single issues", given)
    codes = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    for code in codes:
        if not isinstance(code, str) or not code.strip() or "\0" in code:
            raise InvalidInput("code", 'a text such as "7203"', code)
    if not codes:
        raise InvalidInput("code", "at least one code, or None for all", "an empty list")
    return tuple(dict.fromkeys(code.strip() for code in codes))


def day_of(name: str, given: Day) -> date | None:
    """The date that is given as such or as text; a text that is none is refused as `name`."""
    if given is None or (isinstance(given, date) and not isinstance(given, datetime)):
        return given
    if (found := iso.day(given)) is None:
        raise InvalidInput(name, _A_DATE, given)
    return found


def _instant(given: Instant) -> datetime | None:
    """The instant meant; the end of a date is the last microsecond of it in Tokyo."""
    found = iso.instant(given) or iso.day(given) or given
    if isinstance(found, datetime) and found.utcoffset() is not None:
        return found.astimezone(UTC)
    if isinstance(found, date) and not isinstance(found, datetime):
        midnight = datetime.combine(found, time(), TOKYO) + timedelta(days=1)
        return (midnight - timedelta(microseconds=1)).astimezone(UTC)
    if found is None:
        return None
    raise InvalidInput("as_of", _AN_INSTANT, given)
