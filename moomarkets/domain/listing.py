"""From when to when codes were listed, as far as the lists that were fetched tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from moomarkets.domain.coverage import Expected


@dataclass(frozen=True, slots=True)
class Listing:
    """First and last date on which a code may have been listed; None where no list tells.

    Example:
        >>> Listing(from_on=date(2024, 4, 2)).has(date(2024, 4, 1))
        False
    """

    from_on: date | None = None
    to_on: date | None = None

    def has(self, day: date) -> bool:
        """Whether the code may have been listed on that day."""
        return (self.from_on is None or day >= self.from_on) and (self.to_on is None or day <= self.to_on)


def expected_of_codes(
    codes: Iterable[str],
    days: Sequence[date],
    listings: Mapping[str, Listing],
    published_at: Callable[[date], datetime],
) -> list[Expected]:
    """One partition for each code and each day on which it may have been listed."""
    dated = [(day, published_at(day)) for day in days]
    return [
        Expected(code, day, day, at) for code in codes for day, at in dated if listings.get(code, Listing()).has(day)
    ]


def issue_code(code: str) -> str:
    """The code with its fifth character; four mean the common share.

    Example:
        >>> issue_code("7203"), issue_code("130A0")
        ('72030', '130A0')
    """
    return f"{code}0" if len(code) == 4 else code
