"""Short sales: by sector each day, and the positions that big sellers have to report; and who traded with whom."""

from __future__ import annotations

from datetime import date

from datasources.simulators.issues import Issue
from datasources.simulators.jquants.accounts import shares_of
from datasources.simulators.jquants.chance import draw
from datasources.simulators.jquants.view import Row, View, texts
from datasources.simulators.tokyo_calendar import is_trading_day, trading_day_off

SECTORS = (
    *("0050", "1050", "2050", "3050", "3100", "3150", "3200", "3250", "3300", "3350", "3400", "3450", "3500", "3550"),
    *("3600", "3650", "3700", "3750", "3800", "4050", "5050", "5100", "5150", "5200", "5250", "6050", "6100", "7050"),
    *("7100", "7150", "7200", "8050", "9050", "9999"),
)
_SELLERS = ("Fictional Capital LLC", "Imaginary Partners LP", "架空アセットマネジメント", "Nowhere Trading Ltd")
_PARTS = ("LongSell", "ShrtNoMrgn", "MrgnSellNew", "MrgnSellClose", "LongBuy", "MrgnBuyNew", "MrgnBuyClose")
CALCULATED_BEFORE = 2
"""A position is disclosed so many business days after the day that it is about."""


def ratios(view: View, day: date, sector: str) -> list[str]:
    """Turnover of each sector without short sales, with restricted and with unrestricted ones."""
    if not is_trading_day(day):
        return []
    return texts(_ratio_row(day, other) for other in SECTORS if sector in ("", other))


def _ratio_row(day: date, sector: str) -> Row:
    seed, number = int(sector), day.toordinal()
    total = 1e9 * (5 + draw(seed, number, 61) % 200)
    with_restrictions = float(round(total * (0.2 + draw(seed, number, 62) % 200 / 1000)))
    without = float(round(total * (0.05 + draw(seed, number, 63) % 80 / 1000)))
    return {
        "Date": str(day),
        "S33": sector,
        "SellExShortVa": total - with_restrictions - without,
        "ShrtWithResVa": with_restrictions,
        "ShrtNoResVa": without,
    }


def reports(view: View, day: date, code: str) -> list[str]:
    """Positions that were disclosed on a day; one issue may have several sellers."""
    if not is_trading_day(day):
        return []
    number = day.toordinal()
    found = []
    for issue in view.stocks(code, day):
        for place, seller in enumerate(_SELLERS):
            chance = draw(issue.seed, number, 64, place)
            if chance % 97 == 0:
                found.append(_report_row(issue, day, seller, chance // 97))
    return texts(found)


def _report_row(issue: Issue, day: date, seller: str, chance: int) -> Row:
    ratio = round((50 + chance % 400) / 10_000, 4)
    shares = round(ratio * shares_of(issue) / 100) * 100
    is_first = chance % 5 == 0
    is_foreign = seller.isascii()
    return {
        "DiscDate": str(day),
        "CalcDate": str(trading_day_off(day, -CALCULATED_BEFORE)),
        "Code": issue.code,
        "SSName": seller,
        "SSAddr": "1 Nowhere Street, London" if is_foreign else "東京都架空区一丁目",
        "DICName": "",
        "DICAddr": "",
        "FundName": "" if chance % 3 else "Fictional Master Fund",
        "ShrtPosToSO": ratio,
        "ShrtPosShares": float(shares),
        "ShrtPosUnits": float(shares // 100),
        "PrevRptDate": "" if is_first else str(trading_day_off(day, -CALCULATED_BEFORE - 5)),
        "PrevRptRatio": 0.0 if is_first else round(ratio + 0.001, 4),
        "Notes": "新規" if is_first else "",
    }


def breakdown(view: View, day: date, code: str) -> list[str]:
    """Who traded: sellers and buyers with and without credit; both sides are the volume of the day."""
    if not is_trading_day(day):
        return []
    return texts(_breakdown_row(view, issue, day) for issue in view.listed(code, day))


def _breakdown_row(view: View, issue: Issue, day: date) -> Row:
    bar = view.market.bar(issue, day, day)
    lots, price = int((bar["Vo"] or 0) // 100), bar["C"] or 0.0
    number = day.toordinal()
    sold = [lots * (draw(issue.seed, number, 65 + place) % 20) // 100 for place in range(3)]
    bought = [lots * (draw(issue.seed, number, 69 + place) % 30) // 100 for place in range(2)]
    volumes = [lots - sum(sold), *sold, lots - sum(bought), *bought]
    shares = {name: 100.0 * volume for name, volume in zip(_PARTS, volumes, strict=True)}
    return {
        "Date": str(day),
        "Code": issue.code,
        **{f"{name}Va": float(round(volume * price)) for name, volume in shares.items()},
        **{f"{name}Vo": volume for name, volume in shares.items()},
    }
