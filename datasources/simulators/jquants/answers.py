"""What each path of the simulated J-Quants answers to a query: which days, which key, which rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta

from datasources.simulators.jquants import earnings_dates, edinet, equities, margin, market_wide, refusals, short_sales
from datasources.simulators.jquants.asking import Asking
from datasources.simulators.jquants.catalogue import DATA_SETS, SINCE, DataSet
from datasources.simulators.jquants.corrections import Corrections
from datasources.simulators.jquants.disclosures import DISCLOSED_SINCE
from datasources.simulators.jquants.view import View, instant
from datasources.simulators.tokyo_calendar import FIRST_DAY, is_trading_day, trading_day_from, trading_day_off

_ONE_DAY, _A_YEAR = timedelta(days=1), timedelta(days=366)


class NotNow(Exception):
    """There is nothing to say at this time of the day, or to that code: status 210."""


class Answers:
    """Rows for a query as of a view, corrected as ordered."""

    def __init__(self, view: View, corrections: Corrections) -> None:
        self._view, self._corrections = view, corrections

    def rows(self, path: str, asking: Asking) -> Sequence[str]:
        """All rows that the query asks for, as JSON text."""
        special = _SPECIAL.get(path)
        return special(self, asking) if special else self._keyed(DATA_SETS[path], asking)

    def of_day(self, data_set: DataSet, day: date, key: str = "") -> Sequence[str]:
        """The rows of one day; none before they are out."""
        is_past = data_set.since <= day <= self._view.now.date()
        if not is_past or self._view.now < data_set.out_at(day):
            return ()
        rows = data_set.rows(self._view, day, key)
        return self._corrections.applied(data_set.path, day, rows, self._view.now.date())

    def of_days(self, data_set: DataSet, first: date, last: date, key: str = "") -> Sequence[str]:
        """The rows of all days from `first` to `last`, oldest first."""
        rows: list[str] = []
        day, last = max(first, data_set.since), min(last, self._view.now.date())
        while day <= last:
            rows += self.of_day(data_set, day, key)
            day += _ONE_DAY
        return rows

    def _keyed(self, data_set: DataSet, asking: Asking) -> Sequence[str]:
        """By key, by date, by both, or by key and range; a date goes before a range."""
        name = data_set.key
        key = asking.code(name) if name == "code" else asking.text(name)
        day = asking.day("date")
        if day is not None:
            return self.of_day(data_set, day, key)
        if not key:
            raise refusals.missing("date", name)
        if data_set.has_range:
            return self.of_days(data_set, *asking.range(), key)
        return self.of_days(data_set, asking.reach.first, asking.reach.last or asking.today, key)

    def _master(self, asking: Asking) -> Sequence[str]:
        code, day, now = asking.code(), asking.day("date"), self._view.now
        asked = day or min(now.date(), asking.reach.last or now.date())
        # The next business day's list comes out in the evening, and none further ahead.
        newest = trading_day_from(now.date() + (_ONE_DAY if now >= instant(now.date(), 17, 30) else timedelta()))
        shown = equities.list_day(asked, newest)
        if shown < SINCE:
            return ()
        return self._corrections.applied(
            "/equities/master", shown, equities.master(self._view, shown, code), now.date()
        )

    def _mornings(self, asking: Asking) -> Sequence[str]:
        data_set, code = DATA_SETS["/equities/bars/daily/am"], asking.code()
        rows = self.of_day(data_set, asking.today, code) if is_trading_day(asking.today) else ()
        if not rows:
            raise NotNow
        return rows

    def _valuation(self, asking: Asking) -> Sequence[str]:
        if asking.text("from") and asking.text("to") and not asking.has("code", "date"):
            raise refusals.missing("code")
        return self._keyed(DATA_SETS["/equities/valuation"], asking)

    def _investor_types(self, asking: Asking) -> Sequence[str]:
        return self.of_days(DATA_SETS["/equities/investor-types"], *asking.range(), asking.text("section"))

    def _topix(self, asking: Asking) -> Sequence[str]:
        return self.of_days(DATA_SETS["/indices/bars/daily/topix"], *asking.range())

    def _earnings_calendar(self, asking: Asking) -> Sequence[str]:
        return earnings_dates.calendar(self._view)

    def _earnings_dates(self, asking: Asking) -> Sequence[str]:
        names = ("code", "date", "scheduled_date")
        given = [name for name in names if asking.text(name)]
        if not given:
            raise refusals.missing(*names)
        if len(given) > 1:
            raise refusals.not_together(*given)
        scheduled_on = asking.day("scheduled_date", is_limited=False)
        if scheduled_on is not None and not DISCLOSED_SINCE <= scheduled_on <= asking.today + _A_YEAR:
            return ()
        if scheduled_on is not None:
            return earnings_dates.scheduled_for(self._view, scheduled_on)
        return self._keyed(DATA_SETS["/fins/earnings-date"], asking)

    def _calendar(self, asking: Asking) -> Sequence[str]:
        end = market_wide.calendar_ends_on(self._view)
        first = asking.day("from", is_limited=False) or FIRST_DAY
        last = asking.day("to", is_limited=False) or end
        if first > last:
            raise refusals.wrong_order()
        data_set, division = DATA_SETS["/markets/calendar"], asking.text("hol_div")
        days = _days(max(first, FIRST_DAY), min(last, end))
        return [row for day in days for row in data_set.rows(self._view, day, division)]

    def _margin_interest(self, asking: Asking) -> Sequence[str]:
        published_on = asking.day("published_date")
        if published_on is None:
            return self._keyed(DATA_SETS["/markets/margin-interest"], asking)
        if asking.has("date", "from", "to"):
            raise refusals.not_together("published_date", "date, from, to")
        if published_on > asking.today:
            return ()
        rows = margin.published_on(self._view, published_on, asking.code())
        about = trading_day_off(published_on, -1)
        return self._corrections.applied("/markets/margin-interest", about, rows, asking.today)

    def _short_sale_reports(self, asking: Asking) -> Sequence[str]:
        data_set, code = DATA_SETS["/markets/short-sale-report"], asking.code()
        day, calculated_on = asking.day("disc_date"), asking.day("calc_date")
        if calculated_on is not None:
            if calculated_on > asking.today or not is_trading_day(calculated_on):
                return ()
            day = trading_day_off(calculated_on, short_sales.CALCULATED_BEFORE)
        if day is not None:
            return self.of_day(data_set, day, code)
        if not code:
            raise refusals.missing("code", "disc_date", "calc_date")
        return self.of_days(data_set, *asking.range("disc_date_from", "disc_date_to"), code)

    def _derivatives(self, path: str, asking: Asking) -> Sequence[str]:
        day = asking.day("date")
        if day is None:
            raise refusals.missing("date")
        rows = self.of_day(DATA_SETS[path], day, asking.text("category"))
        if flag := asking.text("contract_flag"):
            rows = [row for row in rows if json.loads(row).get("CCMFlag", flag) == flag]
        if path.endswith("options") and asking.text("category") and (code := asking.code()):
            rows = [row for row in rows if json.loads(row)["UndSSO"] in (code, f"{code}0")]
        return rows

    def _edinet(self, path: str, asking: Asking) -> Sequence[str]:
        code, filer, day = asking.code(), asking.text("edinet_code"), asking.day("date")
        if code and filer:
            raise refusals.not_together("edinet_code", "code")
        if filer:
            code = edinet.issue_with(self._view, filer)
            if not code:
                return ()
        data_set = DATA_SETS[path]
        if day is None and code:
            return self.of_days(data_set, asking.reach.first, asking.reach.last or asking.today, code)
        return self.of_day(data_set, day or asking.today, code)

    def _disclosures(self, asking: Asking) -> Sequence[str]:
        data_set, code, day = DATA_SETS["/td/list"], asking.code(), asking.day("date")
        if code and day is not None:
            raise refusals.not_together("date", "code")
        if day is not None:
            rows = self.of_day(data_set, day)
        elif code:
            if asking.has("from") != asking.has("to"):
                raise refusals.missing("from", "to")
            rows = self.of_days(data_set, *asking.range(), code)
        else:
            raise refusals.missing("date", "code")
        wanted = set(filter(None, asking.text("discItems").split(",")))
        return [row for row in rows if wanted <= set(json.loads(row)["DiscItems"])] if wanted else rows


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _at(path: str, method: Callable[[Answers, str, Asking], Sequence[str]]) -> Callable[..., Sequence[str]]:
    return lambda answers, asking: method(answers, path, asking)


_SPECIAL: Mapping[str, Callable[[Answers, Asking], Sequence[str]]] = {
    "/equities/master": Answers._master,
    "/equities/bars/daily/am": Answers._mornings,
    "/equities/valuation": Answers._valuation,
    "/equities/investor-types": Answers._investor_types,
    "/equities/earnings-calendar": Answers._earnings_calendar,
    "/fins/earnings-date": Answers._earnings_dates,
    "/indices/bars/daily/topix": Answers._topix,
    "/markets/calendar": Answers._calendar,
    "/markets/margin-interest": Answers._margin_interest,
    "/markets/short-sale-report": Answers._short_sale_reports,
    "/td/list": Answers._disclosures,
    **{
        path: _at(path, Answers._derivatives)
        for path in (f"/derivatives/bars/daily/{name}" for name in ("futures", "options", "options/225"))
    },
    **{
        path: _at(path, Answers._edinet)
        for path in (f"/edinet/{name}-shareholders" for name in ("major", "large-volume"))
    },
    "/edinet/cross-shareholdings": _at("/edinet/cross-shareholdings", Answers._edinet),
}
