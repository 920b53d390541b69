"""Statements as J-Quants tells them: the summary of 111 texts, and the details by label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from datasources.simulators.jquants.accounts import Accounts, accounts_of, dividend_of
from datasources.simulators.jquants.chance import draw
from datasources.simulators.jquants.disclosures import Disclosure
from datasources.simulators.jquants.fields import FIELDS
from datasources.simulators.jquants.view import View, instant, texts

_EMPTY = dict.fromkeys(FIELDS["/fins/summary"], "")
_FLAGS = ("MatChgSub", "SigChgInC", "ChgByASRev", "ChgNoASRev", "ChgAcEst", "RetroRst")


def summary(view: View, day: date, code: str) -> list[str]:
    """The summaries of a day, in the order in which they came out."""
    return texts(summary_row(paper) for paper in papers(view, day, code))


def details(view: View, day: date, code: str) -> list[str]:
    """The accounts of a day in full; forecasts alone have none."""
    return texts(_detail_row(paper) for paper in papers(view, day, code) if paper.is_statement)


def papers(view: View, day: date, code: str) -> Sequence[Disclosure]:
    """What is known by now of the day's papers on results and forecasts."""
    if code:
        # By issue: a whole history must not need the index of every year of every issue.
        found: Iterable[Disclosure] = (
            paper for issue in view.market.issues_named(code) for paper in view.disclosures.of_issue(issue, day, day)
        )
    else:
        found = view.disclosures.of_day(day)
    return [paper for paper in found if paper.document_type and known_at(paper, view.is_premium) <= view.now]


def known_at(paper: Disclosure, is_premium: bool) -> datetime:
    """When the service shows a paper: Premium at once, others at 18:00 or, if it came late, at 24:30."""
    if is_premium:
        return instant(paper.on, paper.at.hour, paper.at.minute + 1)
    return instant(paper.on, 18) if paper.at.hour < 17 else instant(paper.on, 24, 30)


def summary_row(paper: Disclosure) -> dict[str, str]:
    """One summary; all values are texts, and what is missing is ""."""
    year = paper.year_end.year
    row = _EMPTY | _head(paper)
    row |= {
        "CurPerType": paper.period,
        "CurPerSt": str(paper.year_start),
        "CurPerEn": str(paper.period_end),
        "CurFYSt": str(paper.year_start),
        "CurFYEn": str(paper.year_end),
    }
    if paper.quarter == 4:
        start = paper.year_end + timedelta(days=1)
        row |= {"NxtFYSt": str(start), "NxtFYEn": str(_next_end(paper.year_end))}
    if paper.is_statement:
        accounts = accounts_of(paper.issue, year, paper.quarter, is_corrected=paper.kind == "correction")
        row |= _actuals(paper, accounts) | dict.fromkeys(_FLAGS, "false") | _paid_dividends(paper)
        if draw(paper.issue.seed, year, paper.quarter, 21) % 9 == 0:
            row["ChgByASRev"] = "true"
    if paper.kind != "dividend_forecast":
        row |= _forecasts(paper)
    if paper.quarter < 4 or paper.kind == "dividend_forecast":
        row |= _forecast_dividends(paper)
    return row


def _head(paper: Disclosure) -> dict[str, str]:
    return {
        "DiscDate": str(paper.on),
        "DiscTime": paper.at.isoformat(),
        "Code": paper.issue.code,
        "DiscNo": paper.number,
        "DocType": paper.document_type,
    }


def _has_ordinary(paper: Disclosure) -> bool:
    """Ordinary profit is a notion of Japanese rules only."""
    return paper.standard.endswith("_JP")


def _actuals(paper: Disclosure, accounts: Accounts) -> dict[str, str]:
    is_year, is_alone = paper.quarter == 4, paper.standard.startswith("NonConsolidated")
    row = {
        "Sales": str(accounts.sales),
        "OP": str(accounts.operating),
        "OdP": str(accounts.ordinary) if _has_ordinary(paper) else "",
        "NP": str(accounts.profit),
        "EPS": f"{accounts.earnings_per_share:.2f}",
        "DEPS": f"{accounts.earnings_per_share * 0.995:.2f}" if draw(paper.issue.seed, 13) % 3 == 0 else "",
        "TA": str(accounts.assets),
        "Eq": str(accounts.equity),
        "EqAR": f"{accounts.own_equity / accounts.assets:.3f}",
        "BPS": f"{accounts.book_per_share:.2f}" if is_year else "",
        "ShOutFY": str(accounts.shares),
        "TrShFY": str(accounts.treasury),
        "AvgSh": str(accounts.average_shares),
        "ShEq": str(accounts.own_equity),
        "ROE": f"{accounts.profit / accounts.own_equity:.3f}" if is_year else "",
    }
    if paper.quarter in (2, 4):
        row |= {"CFO": str(accounts.operating_cash), "CFI": str(accounts.investing_cash)}
        row |= {"CFF": str(accounts.financing_cash), "CashEq": str(accounts.cash)}
    if is_year and not is_alone:
        row |= _of_the_parent(paper, accounts)
    return row


def _of_the_parent(paper: Disclosure, accounts: Accounts) -> dict[str, str]:
    """Accounts of the parent company alone: seven tenths of the whole."""
    own = accounts.own_equity * 7 // 10
    return {
        "NCSales": str(accounts.sales * 7 // 10),
        "NCOP": str(accounts.operating * 7 // 10),
        "NCOdP": str(accounts.ordinary * 7 // 10) if _has_ordinary(paper) else "",
        "NCNP": str(accounts.profit * 7 // 10),
        "NCEPS": f"{accounts.earnings_per_share * 0.7:.2f}",
        "NCTA": str(accounts.assets * 7 // 10),
        "NCEq": str(accounts.equity * 7 // 10),
        "NCEqAR": f"{accounts.own_equity / accounts.assets:.3f}",
        "NCBPS": f"{accounts.book_per_share * 0.7:.2f}",
        "NCShEq": str(own),
        "NCROE": f"{accounts.profit * 0.7 / own:.3f}",
    }


def _forecasts(paper: Disclosure) -> dict[str, str]:
    """Of this year during the year, of the next one at its end; revised ones are a twentieth higher."""
    is_next = paper.quarter == 4
    expected = accounts_of(paper.issue, paper.year_end.year + is_next, 4)
    factor = 21 if paper.kind == "forecast" else 20
    head, profit = ("NxF", "Np") if is_next else ("F", "NP")
    return {
        f"{head}Sales": str(expected.sales * factor // 20),
        f"{head}OP": str(expected.operating * factor // 20),
        f"{head}OdP": str(expected.ordinary * factor // 20) if _has_ordinary(paper) else "",
        f"{head}{profit}": str(expected.profit * factor // 20),
        f"{head}EPS": f"{expected.earnings_per_share * factor / 20:.2f}",
    }


def _paid_dividends(paper: Disclosure) -> dict[str, str]:
    paid = dividend_of(paper.issue, paper.year_end.year)
    if paper.quarter in (2, 3):
        return {"Div2Q": f"{paid / 2:.1f}"}
    if paper.quarter == 1:
        return {}
    following = dividend_of(paper.issue, paper.year_end.year + 1)
    accounts = accounts_of(paper.issue, paper.year_end.year, 4)
    return {
        "Div2Q": f"{paid / 2:.1f}",
        "DivFY": f"{paid / 2:.1f}",
        "DivAnn": f"{paid:.1f}",
        "DivTotalAnn": str(round(paid * accounts.average_shares)),
        "PayoutRatioAnn": f"{paid / max(accounts.earnings_per_share, 0.01):.3f}",
        "NxFDiv2Q": f"{following / 2:.1f}",
        "NxFDivFY": f"{following / 2:.1f}",
        "NxFDivAnn": f"{following:.1f}",
        "NxFPayoutRatioAnn": "0.300",
    }


def _forecast_dividends(paper: Disclosure) -> dict[str, str]:
    expected = dividend_of(paper.issue, paper.year_end.year) + (2.0 if paper.kind == "dividend_forecast" else 0.0)
    interim = {"FDiv2Q": f"{expected / 2:.1f}"} if paper.quarter == 1 else {}
    return {**interim, "FDivFY": f"{expected / 2:.1f}", "FDivAnn": f"{expected:.1f}"}


def _detail_row(paper: Disclosure) -> dict[str, Any]:
    accounts = accounts_of(paper.issue, paper.year_end.year, paper.quarter, is_corrected=paper.kind == "correction")
    rules = "IFRS" if paper.standard.endswith("IFRS") else "US GAAP" if paper.standard.endswith("US") else "Japan GAAP"
    suffix = " (IFRS)" if rules == "IFRS" else ""
    labels = {
        "Accounting standards, DEI": rules,
        "Whether consolidated financial statements are prepared, DEI": str(
            not paper.standard.startswith("NonConsolidated")
        ).lower(),
        "Security code, DEI": paper.issue.code,
        "Filer name in English, DEI": f"Fictional {paper.issue.code}",
        "Type of current period, DEI": paper.period.replace("1Q", "Q1").replace("2Q", "Q2").replace("3Q", "Q3"),
        "Current fiscal year start date, DEI": str(paper.year_start),
        "Current period end date, DEI": str(paper.period_end),
        f"Net sales{suffix}": str(accounts.sales),
        f"Operating profit (loss){suffix}": str(accounts.operating),
        f"Profit (loss) attributable to owners of parent{suffix}": str(accounts.profit),
        f"Total assets{suffix}": str(accounts.assets),
        f"Liabilities{suffix}": str(accounts.assets - accounts.equity),
        f"Equity{suffix}": str(accounts.equity),
        f"Cash and cash equivalents{suffix}": str(accounts.cash),
    }
    return {**_head(paper), "FS": labels}


def _next_end(year_end: date) -> date:
    """The same end of a month a year later."""
    after = year_end + timedelta(days=1)
    return after.replace(year=after.year + 1) - timedelta(days=1)
