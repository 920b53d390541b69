"""The made-up issues of the simulated exchange: who is listed when, and what happened to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from zlib import crc32

from datasources.simulators.tokyo_calendar import trading_day_from

_ALWAYS = date(2000, 1, 1)
_NEVER = date(2999, 12, 31)
_SECTORS = (
    ("1", "食品", "0050", "水産・農林業"),
    ("1", "食品", "3050", "食料品"),
    ("3", "建設・資材", "2050", "建設業"),
    ("4", "素材・化学", "3200", "化学"),
    ("5", "医薬品", "3250", "医薬品"),
    ("6", "自動車・輸送機", "3700", "輸送用機器"),
    ("7", "鉄鋼・非鉄", "3450", "鉄鋼"),
    ("8", "機械", "3600", "機械"),
    ("9", "電機・精密", "3650", "電気機器"),
    ("10", "情報通信・サービスその他", "5250", "情報･通信業"),
    ("13", "商社・卸売", "6050", "卸売業"),
    ("14", "小売", "6100", "小売業"),
    ("15", "銀行", "7050", "銀行業"),
    ("17", "不動産", "8050", "不動産業"),
)
_MARKETS = (("0111", "プライム"), ("0112", "スタンダード"), ("0113", "グロース"))
_SCALES = ("TOPIX Core30", "TOPIX Mid400", "TOPIX Small 1", "TOPIX Small 2", "-")


@dataclass(frozen=True, slots=True)
class Action:
    """A factor that applies from `ex_on`; until `corrected_on` the provider published `first_factor`.

    Where it is `ordered`, prices before `ex_on` stay what they were and those after it change. `restated` is what the
    provider shows instead of the factor since it was asked to.
    """

    ex_on: date
    factor: float
    first_factor: float = 0.0
    corrected_on: date = _ALWAYS
    is_ordered: bool = False
    restated: float | None = None

    def published(self, today: date) -> float:
        """The factor as the provider shows it on `today`."""
        if self.restated is not None:
            return self.restated
        return self.factor if today >= self.corrected_on else self.first_factor


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue; `seed` drives its prices, `level` is about what it costs in yen."""

    code: str
    seed: int
    level: float
    product: str = "011"
    first_on: date = _ALWAYS
    last_on: date = _NEVER
    actions: tuple[Action, ...] = ()

    @property
    def is_common(self) -> bool:
        """Whether it is a company's common share."""
        return self.product == "011" and self.code.endswith("0")

    def is_listed(self, day: date) -> bool:
        return self.first_on <= day <= self.last_on

    def master_fields(self) -> dict[str, str]:
        """The descriptive fields of the provider's list of issues, without the date."""
        s17, s17_name, s33, s33_name = _SECTORS[self.seed % len(_SECTORS)]
        market, market_name = _MARKETS[self.seed // 16 % len(_MARKETS)]
        if self.product == "014":
            s17, s17_name, s33, s33_name = "99", "その他", "9999", "その他"
            market, market_name = "0109", "その他"
        return {
            "Code": self.code,
            "CoName": f"架空{self.code}",
            "CoNameEn": f"Fictional {self.code}",
            "S17": s17,
            "S17Nm": s17_name,
            "S33": s33,
            "S33Nm": s33_name,
            "ScaleCat": _SCALES[self.seed // 64 % len(_SCALES)],
            "Mkt": market,
            "MktNm": market_name,
            "Mrgn": "2",
            "MrgnNm": "貸借",
            "ProdCat": self.product,
        }


def delisted_on(issue: Issue, last_on: date) -> Issue:
    """The same issue, listed until that day only."""
    return replace(issue, last_on=last_on)


def split_on(issue: Issue, ex_on: date, factor: float) -> Issue:
    """The same issue with prices multiplied by `factor` from a day on, and not before."""
    return replace(issue, actions=(*issue.actions, Action(ex_on, factor, is_ordered=True)))


def restated_on(issue: Issue, ex_on: date, factor: float) -> Issue:
    """The same issue with that factor published for a day, while its raw prices stay."""
    known = [action for action in issue.actions if action.ex_on == ex_on]
    others = tuple(action for action in issue.actions if action.ex_on != ex_on)
    first = known[0] if known else Action(ex_on, 1.0)
    # Further actions of the day keep their part of the prices, and are published as part of the first.
    rest = tuple(replace(action, restated=1.0) for action in known[1:])
    return replace(issue, actions=(*others, replace(first, restated=factor), *rest))


def listed_issues(count: int) -> tuple[Issue, ...]:
    """`count` issues in order of their codes; the special ones are among the first nine that are taken."""
    special = {issue.code: issue for issue in _special_issues()}
    codes = dict.fromkeys((*special, "72030", "67580"))
    codes.update(dict.fromkeys(f"{number}0" for number in range(1301, 9900, 2)))
    codes.update(dict.fromkeys(f"{number}A0" for number in range(130, 990)))
    codes.update(dict.fromkeys(f"{number}0" for number in range(1302, 9900, 2)))
    chosen = list(codes)[:count]
    return tuple(special.get(code) or _ordinary(code) for code in sorted(chosen))


def _special_issues() -> tuple[Issue, ...]:
    return (
        _issue("99010", actions=(Action(date(2026, 10, 1), 0.5),)),
        _issue("990A0", first_on=date(2025, 4, 10)),
        _issue("99025"),
        _issue("99030", product="014"),
        _issue("99040", last_on=date(2026, 6, 30)),
        _issue("99050", actions=(Action(date(2025, 10, 1), 0.333333),)),
        _issue("99060", actions=(Action(date(2026, 4, 1), 10.0),)),
        _issue("99070", actions=(Action(date(2026, 6, 29), 0.9743),)),
        _issue("99080", actions=(Action(date(2026, 5, 11), 1.0, 0.98, date(2026, 6, 29)),)),
    )


def _ordinary(code: str) -> Issue:
    seed = crc32(code.encode())
    # About one in sixty was split at some time.
    if seed % 60 == 0:
        ex_on = trading_day_from(date(2022 + seed // 60 % 5, 4 if seed % 2 else 10, 1))
        return _issue(code, actions=(Action(ex_on, 0.5),))
    return _issue(code)


def _issue(
    code: str,
    product: str = "011",
    first_on: date = _ALWAYS,
    last_on: date = _NEVER,
    actions: tuple[Action, ...] = (),
) -> Issue:
    seed = crc32(code.encode())
    return Issue(code, seed, 300.0 + seed % 4700, product, first_on, last_on, actions)
