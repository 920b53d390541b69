"""Futures and options of the fictional exchange: contract months, strikes, sessions, settlement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from zlib import crc32

from datasources.simulators.jquants.chance import draw
from datasources.simulators.jquants.fields import FIELDS
from datasources.simulators.jquants.market_wide import index_close
from datasources.simulators.jquants.view import Row, View, texts
from datasources.simulators.tokyo_calendar import holiday_division, trading_day_off, trading_day_until

_FUTURE_CODES = (
    "TOPIXF TOPIXMF MOTF NKVIF NKYDF NK225F NK225MF JN400F REITF DJIAF JGBLF NK225MCF TOA3MF USDJPYF CNHJPYF EURJPYF"
)
FUTURES = tuple(_FUTURE_CODES.split())
OPTIONS = ("TOPIXE", "NK225E", "JGBLFE", "EQOP", "NK225MWE")
_NIKKEI = "NK225E"
_STRIKES = {"TOPIXE": 5, "NK225E": 13, "JGBLFE": 3, "EQOP": 3, "NK225MWE": 5}
_SESSIONS = ("", "M", "E", "A")
_OPTION_225 = FIELDS["/derivatives/bars/daily/options/225"]


@dataclass(frozen=True, slots=True)
class Contract:
    """One listed contract; `strike` and `side` (1 put, 2 call) belong to options."""

    category: str
    month: date
    place: int
    strike: float = 0.0
    side: str = ""

    @property
    def code(self) -> str:
        """Nine digits of its own."""
        kind = crc32(f"{self.category}{self.strike:.0f}{self.side}".encode()) % 100_000
        return f"1{self.month.year % 10}{self.month.month:02d}{kind:05d}"

    @property
    def last_trading_day(self) -> date:
        """The business day before the second Friday of the contract month."""
        return trading_day_off(self.quotation_day, -1)

    @property
    def quotation_day(self) -> date:
        """The second Friday of the contract month, or the business day before."""
        first = self.month.replace(day=1)
        return trading_day_until(first + timedelta(days=(4 - first.weekday()) % 7 + 7))


def futures(view: View, day: date, category: str) -> list[str]:
    """One row per contract; derivatives are traded on some holidays too."""
    if not _is_open(day):
        return []
    return texts(_future_row(contract, day) for contract in _futures(day, category))


def options(view: View, day: date, category: str) -> list[str]:
    """One row per contract month, strike and side."""
    if not _is_open(day):
        return []
    return texts(_option_row(contract, day) for contract in _options(day, category))


def options_225(view: View, day: date, category: str) -> list[str]:
    """The options on the Nikkei alone, with fewer fields."""
    if not _is_open(day):
        return []
    rows = (_option_row(contract, day) for contract in _options(day, _NIKKEI))
    return texts({name: row[name] for name in _OPTION_225} for row in rows)


def _is_open(day: date) -> bool:
    return holiday_division(day) in ("1", "2", "3")


def _futures(day: date, category: str) -> Iterator[Contract]:
    for other in FUTURES:
        if category in ("", other):
            yield from (Contract(other, month, place) for place, month in enumerate(_months(day, 3)))


def _options(day: date, category: str) -> Iterator[Contract]:
    for other in OPTIONS:
        if category not in ("", other):
            continue
        underlying = _underlying(day, other)
        step = 10 ** (len(str(int(underlying))) - 2) / 4
        middle, count = round(underlying / step), _STRIKES[other]
        for place, month in enumerate(_months(day, 1)[:3]):
            for strike in range(middle - count // 2, middle + count // 2 + 1):
                for side in ("1", "2"):
                    yield Contract(other, month, place, round(strike * step, 2), side)


def _months(day: date, spacing: int) -> list[date]:
    """The next three contract months that have not ended; futures go by quarters."""
    found: list[date] = []
    month = day.replace(day=1)
    while len(found) < 3:
        if month.month % spacing == 0 and Contract("", month, 0).last_trading_day >= day:
            found.append(month)
        month = (month + timedelta(days=32)).replace(day=1)
    return found


def _underlying(day: date, category: str) -> float:
    traded = trading_day_until(day)
    # The Nikkei is about fourteen times as high as the broad index.
    return round(index_close(traded, "0000") * (14 if category.startswith("NK225") else 1), 2)


def _prices(contract: Contract, day: date, level: float) -> Row:
    """Whole day, morning (not for contracts without a break), night and day session."""
    seed, number = crc32(contract.code.encode()), day.toordinal()
    row: Row = {}
    night: tuple[float, ...] = ()
    for session in ("E", "A"):
        opening, close = (
            round(level * (0.995 + draw(seed, number, ord(session), place) % 100 / 10_000), 1) for place in (81, 82)
        )
        spread = round(level * (1 + draw(seed, number, 83) % 30) / 10_000, 1)
        prices = (opening, max(opening, close) + spread, max(min(opening, close) - spread, 0.0), close)
        row |= {f"{session}{name}": round(price, 1) for name, price in zip("OHLC", prices, strict=True)}
        if session == "E":
            night = prices
    whole = (night[0], max(night[1], row["AH"]), min(night[2], row["AL"]), row["AC"])
    row |= {name: round(price, 1) for name, price in zip("OHLC", whole, strict=True)}
    return row | {f"M{name}": "" for name in "OHLC"}


def _traded(contract: Contract, day: date, row: Row) -> Row:
    seed, number = crc32(contract.code.encode()), day.toordinal()
    volume = float(draw(seed, number, 84) % 40_000 // (1 + contract.place * 8))
    return {
        "Code": contract.code,
        "ProdCat": contract.category,
        "Date": str(day),
        "Vo": volume,
        "OI": float(draw(seed, number, 85) % 200_000),
        "Va": float(round(volume * row["C"] * 1000)),
        "CM": f"{contract.month:%Y-%m}",
        "VoOA": float(volume // 10 * 9),
        "EmMrgnTrgDiv": "002",
        "LTD": str(contract.last_trading_day),
        "SQD": str(contract.quotation_day),
        "Settle": row["C"],
        "CCMFlag": "1" if contract.place == 0 else "0",
    }


def _future_row(contract: Contract, day: date) -> Row:
    prices = _prices(contract, day, _underlying(day, contract.category) * (1 + contract.place / 500))
    row = prices | _traded(contract, day, prices)
    return {name: row[name] for name in FIELDS["/derivatives/bars/daily/futures"]}


def _option_row(contract: Contract, day: date) -> Row:
    underlying = _underlying(day, contract.category)
    gap = contract.strike - underlying if contract.side == "1" else underlying - contract.strike
    worth = max(gap, 0.0) + underlying * 0.01 * (1 + contract.place)
    prices = _prices(contract, day, worth)
    row = prices | _traded(contract, day, prices)
    row |= {
        "UndSSO": "72030" if contract.category == "EQOP" else "-",
        "Strike": contract.strike,
        "PCDiv": contract.side,
        "Theo": round(worth, 4),
        "BaseVol": 18.5,
        "UnderPx": underlying,
        "IV": round(15 + draw(crc32(contract.code.encode()), day.toordinal(), 86) % 1000 / 100, 4),
        "IR": 0.4771,
    }
    return {name: row[name] for name in FIELDS["/derivatives/bars/daily/options"]}
