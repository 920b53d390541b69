"""Margin trading of the fictional issues: outstanding volumes, and the issues that are published day by day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from datasources.simulators.issues import Issue
from datasources.simulators.jquants.accounts import shares_of
from datasources.simulators.jquants.chance import draw
from datasources.simulators.jquants.view import Row, View, instant, texts
from datasources.simulators.tokyo_calendar import is_trading_day, trading_day_from, trading_day_off, trading_day_until

DAILY_SINCE = date(2026, 9, 25)
_REASONS = ("Restricted", "DailyPublication", "Monitoring", "RestrictedByJSF", "PrecautionByJSF", "UnclearOrSecOnAlert")
_CLASSES = ("001", "002", "003", "004", "005", "006", "101", "102")


def outstanding_from(day: date) -> datetime:
    """When the volumes as of `day` come out: the next business day, or the second of the week after in weekly times."""
    if day >= DAILY_SINCE:
        return instant(trading_day_off(day, 1), 16, 30)
    monday = day + timedelta(days=7 - day.weekday())
    return instant(trading_day_off(trading_day_from(monday), 1), 16, 30)


def outstanding(view: View, day: date, code: str) -> list[str]:
    """Volumes as of a day; before they became daily, as of the last business day of a week."""
    if not is_trading_day(day) or (day < DAILY_SINCE and not _is_last_of_week(day)):
        return []
    return texts(_outstanding_row(view, issue, day) for issue in view.listed(code, day))


def published_on(view: View, day: date, code: str) -> list[str]:
    """The volumes that came out on a day; of weekly times nothing is known by that date."""
    of_day = trading_day_off(day, -1)
    if not is_trading_day(day) or of_day < DAILY_SINCE or view.now < outstanding_from(of_day):
        return []
    return outstanding(view, of_day, code)


def _is_last_of_week(day: date) -> bool:
    friday = day + timedelta(days=4 - day.weekday())
    return trading_day_until(friday) == day


def _outstanding_row(view: View, issue: Issue, day: date) -> Row:
    number = day.toordinal()
    parts = [100.0 * (draw(issue.seed, number, 41 + place) % limit) for place, limit in enumerate((90, 800, 400, 4000))]
    short_free, long_free, short_standard, long_standard = parts
    volumes = {
        "ShrtVol": short_free + short_standard,
        "LongVol": long_free + long_standard,
        "ShrtNegVol": short_free,
        "LongNegVol": long_free,
        "ShrtStdVol": short_standard,
        "LongStdVol": long_standard,
    }
    values: dict[str, float | None] = {name.replace("Vol", "Val"): None for name in volumes}
    published = None
    if day >= DAILY_SINCE:
        price = view.market.bar(issue, day, day)["C"] or round(issue.level, 1)
        values = {name.replace("Vol", "Val"): float(round(volume * price)) for name, volume in volumes.items()}
        published = str(trading_day_off(day, 1))
    kind = "2" if issue.product == "011" else "1"
    return {"PubDate": published, "Date": str(day), "Code": issue.code, "IssType": kind, **volumes, **values}


def alerts(view: View, day: date, code: str) -> list[str]:
    """The issues under daily publication; what was outstanding the business day before."""
    if not is_trading_day(day):
        return []
    return texts(_alert_row(issue, day) for issue in view.listed(code, day) if _is_on_alert(view, issue, day))


def _is_on_alert(view: View, issue: Issue, day: date) -> bool:
    # A few always are, the others for a month now and then.
    return view.market.place_of(issue) % 200 == 0 or draw(issue.seed, day.year * 12 + day.month, 47) % 41 == 0


def _alert_row(issue: Issue, day: date) -> Row:
    applied = trading_day_off(day, -1)
    now, before = _alert_volumes(issue, applied), _alert_volumes(issue, trading_day_off(applied, -1))
    short, long = now[0] + now[1], now[2] + now[3]
    short_change, long_change = short - before[0] - before[1], long - before[2] - before[3]
    reason = draw(issue.seed, day.year * 12 + day.month, 48) % len(_REASONS)
    return {
        "PubDate": str(day),
        "Code": issue.code,
        "AppDate": str(applied),
        "PubReason": {name: "1" if place in (1, reason) else "0" for place, name in enumerate(_REASONS)},
        "ShrtOut": short,
        "ShrtOutChg": short_change,
        "ShrtOutRatio": f"{100 * short / shares_of(issue):.1f}",
        "LongOut": long,
        "LongOutChg": long_change,
        "LongOutRatio": f"{100 * long / shares_of(issue):.1f}",
        "SLRatio": round(100 * short / long, 1),
        "ShrtNegOut": now[0],
        "ShrtNegOutChg": now[0] - before[0],
        "ShrtStdOut": now[1],
        "ShrtStdOutChg": now[1] - before[1],
        "LongNegOut": now[2],
        "LongNegOutChg": now[2] - before[2],
        "LongStdOut": now[3],
        "LongStdOutChg": now[3] - before[3],
        "TSEMrgnRegCls": _CLASSES[reason % len(_CLASSES)],
    }


def _alert_volumes(issue: Issue, day: date) -> tuple[float, float, float, float]:
    """Negotiable and standardized shorts, then longs."""
    number = day.toordinal()
    a, b, c, d = (100.0 * (10 + draw(issue.seed, number, 51 + place) % 5000) for place in range(4))
    return a, b, c, d
