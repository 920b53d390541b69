"""The figures of the fictional companies: sales, profits, assets, shares and dividends, by year and quarter."""

from __future__ import annotations

from dataclasses import dataclass

from datasources.simulators.issues import Issue
from datasources.simulators.jquants.chance import draw, share

_SHARES_OF_YEAR = (0.0, 0.238, 0.487, 0.741, 1.0)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts of one business year up to one quarter, in yen; sums run from the start of the year."""

    sales: int
    operating: int
    ordinary: int
    profit: int
    assets: int
    equity: int
    own_equity: int
    operating_cash: int
    investing_cash: int
    financing_cash: int
    cash: int
    shares: int
    treasury: int

    @property
    def average_shares(self) -> int:
        """Shares that the profit is divided by."""
        return self.shares - self.treasury

    @property
    def earnings_per_share(self) -> float:
        """In yen."""
        return round(self.profit / self.average_shares, 2)

    @property
    def book_per_share(self) -> float:
        """In yen."""
        return round(self.own_equity / self.average_shares, 2)


def accounts_of(issue: Issue, year: int, quarter: int, *, is_corrected: bool = False) -> Accounts:
    """What the company reports for `year`, or in place of that where it has been corrected."""
    seed = issue.seed
    part = _SHARES_OF_YEAR[quarter] * (1.0 if quarter == 4 else 0.97 + 0.06 * share(seed, year, quarter, 1))
    sales = _rounded(annual_sales(issue, year) * part)
    margin = 0.03 + 0.14 * share(seed, 2) + 0.02 * share(seed, year, quarter, 3) - 0.01
    operating = _rounded(sales * margin * (0.985 if is_corrected else 1.0))
    profit = _rounded(operating * 0.66)
    assets = _rounded(annual_sales(issue, year) * (0.9 + 1.4 * share(seed, 4)))
    equity = _rounded(assets * (0.25 + 0.5 * share(seed, 5)))
    shares = shares_of(issue)
    return Accounts(
        sales=sales,
        operating=operating,
        ordinary=_rounded(operating * 1.02),
        profit=profit,
        assets=assets,
        equity=equity,
        own_equity=_rounded(equity * 0.98),
        operating_cash=_rounded(profit * 1.2),
        investing_cash=-_rounded(profit * 0.5),
        financing_cash=-_rounded(profit * 0.3),
        cash=_rounded(assets * 0.13),
        shares=shares,
        treasury=shares // 200,
    )


def annual_sales(issue: Issue, year: int) -> float:
    """Sales of a whole business year, or what is expected of it."""
    base = 2.0e9 * (1 + draw(issue.seed, 6) % 400)
    return base * (1 + 0.02 * (year - 2008)) * (0.92 + 0.16 * share(issue.seed, year, 7))


def shares_of(issue: Issue) -> int:
    """Issued shares."""
    return 100_000 * (80 + draw(issue.seed, 8) % 4000)


def dividend_of(issue: Issue, year: int) -> float:
    """Yen a share for a business year; one company in eight pays none."""
    if draw(issue.seed, 11) % 8 == 0:
        return 0.0
    earned = accounts_of(issue, year, 4).earnings_per_share
    return max(1.0, round(earned * 0.3))


def _rounded(amount: float) -> int:
    """To millions of yen, as companies do."""
    return round(amount / 1e6) * 1_000_000
