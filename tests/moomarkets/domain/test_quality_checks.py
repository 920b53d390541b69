from __future__ import annotations

from datetime import date

import pytest

from moomarkets.domain.dataset import Batch
from moomarkets.domain.datasets.catalogue import DATASETS
from moomarkets.domain.datasets.equities import DAILY_BARS
from moomarkets.domain.datasets.yahoo import YAHOO_DAILY_BARS
from moomarkets.domain.quality import Asked, Finding, Rules, Severity, severity_of
from moomarkets.domain.quality_catalogue import QUALITY
from moomarkets.domain.quality_checks import examine, judge_count

DAY = date(2026, 11, 19)
ASKED = Asked("ALL", DAY, DAY, is_whole_day=True)
BARS = QUALITY["daily_bars"]
Row = tuple[object, ...]


def bar(code: str = "72030", day: date = DAY, **changed: object) -> Row:
    values = {
        "code": code, "on_date": day, "open": 100.0, "high": 110.0, "low": 90.0, "close": 105.0, "upper_limit": "0",
        "lower_limit": "0", "volume": 200.0, "turnover": 20_000.0, "adjustment_factor": 1.0, "extra": None,
    }  # fmt: skip
    return tuple({**values, **changed}.values())


def market(count: int = 200, *others: Row) -> list[Row]:
    """A day on which no two issues close alike."""
    return [
        *(
            bar(f"{1000 + n}0", close=100 + n / count, volume=200.0 + n, turnover=(200.0 + n) * 100)
            for n in range(count)
        ),
        *others,
    ]


def found(*rows: Row, rules: Rules = BARS, asked: Asked = ASKED, **warnings: int) -> list[Finding]:
    return examine(Batch(DAILY_BARS, list(rows), warnings=warnings), rules, asked)


def rules_of(findings: list[Finding], severity: Severity | None = None) -> list[str]:
    return [finding.rule for finding in findings if severity in (None, finding.severity)]


def test_a_good_day_has_no_findings() -> None:
    assert found(*market()) == []


@pytest.mark.parametrize(
    ("rule", "row"),
    [
        ("nulls", bar(close=None)),
        ("nulls", bar(volume=None)),
        ("signs", bar(low=0.0)),
        ("signs", bar(close=-5.0)),
        ("signs", bar(volume=-1.0)),
        ("signs", bar(adjustment_factor=-1.0)),
        ("dates", bar(day=date(2026, 11, 18))),
        ("codes", bar("7203")),
        ("codes", bar("72o30")),
        ("codes", bar("7203/")),
        ("codes", bar("トヨタ自動")),
    ],
)
def test_what_is_impossible_spoils_the_whole_answer_even_in_one_row(rule: str, row: Row) -> None:
    findings = found(*market(200, row))

    assert rule in rules_of(findings, Severity.REJECT)
    assert next(finding for finding in findings if finding.rule == rule).keys == ((str(row[0]), str(row[1])),)


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("order", {"open": 89.0}),
        ("order", {"close": 111.0}),
        ("order", {"low": 101.0, "turnover": 21_000.0}),
        ("turnover", {"turnover": 17_000.0}),
        ("turnover", {"turnover": 2_000_000.0}),
    ],
)
def test_one_strange_row_is_suspicious_and_many_are_a_bad_answer(rule: str, changed: dict[str, object]) -> None:
    one, many = bar("99990", **changed), [bar(f"9{n:03}0", **changed) for n in range(20)]

    assert rules_of(found(*market(200, one))) == [rule]
    assert rules_of(found(*market(200, one)), Severity.REJECT) == []
    assert rule in rules_of(found(*market(200, *many)), Severity.REJECT)


def test_an_issue_without_trades_has_no_prices_and_no_volume() -> None:
    idle = bar("99990", open=None, high=None, low=None, close=None, volume=None, turnover=None)

    assert found(*market(200, idle)) == []


def test_rounding_is_no_disorder() -> None:
    assert found(*market(200, bar("99990", close=110.0000001, turnover=20_050.0))) == []
    assert found(*market(200, bar("99990", open=10.0, high=10.0, low=10.0, close=10.0, turnover=2_001.0))) == []


@pytest.mark.parametrize(("name", "value"), [("close", 1.0), ("volume", 5.0)])
def test_a_market_in_which_every_value_is_the_same_is_made_up(name: str, value: float) -> None:
    same = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, name: value}
    day = [bar(f"{1000 + n}0", **same, **({} if name == "volume" else {"volume": 5.0 + n})) for n in range(40)]

    assert "sameness" in rules_of(found(*day), Severity.REJECT)


def test_a_market_without_any_price_is_one_that_was_not_filled_yet_but_for_the_day_on_which_the_exchange_failed() -> (
    None
):
    failed = date(2020, 10, 1)
    nothing = {"open": None, "high": None, "low": None, "close": None, "volume": None, "turnover": None}

    assert "sameness" in rules_of(found(*(bar(f"{1000 + n}0", **nothing) for n in range(40))), Severity.REJECT)
    outage = [bar(f"{1000 + n}0", day=failed, **nothing) for n in range(40)]
    assert found(*outage, asked=Asked("ALL", failed, failed, is_whole_day=True)) == []


def test_twins_and_odd_numbers_that_the_client_has_noticed_count() -> None:
    assert rules_of(found(*market(), twin_rows=1), Severity.REJECT) == ["twins"]
    assert rules_of(found(*market(), odd_numbers=1), Severity.REJECT) == ["numbers"]
    assert rules_of(found(*market(), rules=Rules(), twin_rows=1)) == ["twins"]
    assert rules_of(found(*market(), rules=Rules(), twin_rows=1), Severity.REJECT) == []
    assert found(*market(), rules=Rules(), odd_numbers=1) == []


def yahoo(day: int, close: float) -> Row:
    return ("AAPL", date(2026, 11, day), close, close, close, close, close, 10.0, None, None, None, "USD", None)


def test_a_hundredfold_close_within_a_series_is_suspicious_whatever_the_order_of_the_rows() -> None:
    asked = Asked("AAPL", date(2026, 11, 2), date(2026, 11, 6), is_whole_day=False)
    rows = [yahoo(4, 30_000.0), yahoo(2, 300.0), yahoo(3, 301.0), yahoo(5, 302.0)]

    findings = examine(Batch(YAHOO_DAILY_BARS, rows), QUALITY["yahoo_daily_bars"], asked)

    assert [(finding.rule, finding.severity, finding.count) for finding in findings] == [("jumps", "suspect", 2)]
    assert [key[1] for key in findings[0].keys] == ["2026-11-04", "2026-11-05"]


def test_a_split_with_its_factor_is_no_jump_and_one_without_is() -> None:
    asked = Asked("72030", date(2026, 11, 18), DAY, is_whole_day=False)
    dear = {"open": 9_000.0, "high": 9_000.0, "low": 9_000.0, "close": 9_000.0, "turnover": 1_800_000.0}
    before = bar(day=date(2026, 11, 18), **dear)

    assert found(before, bar(adjustment_factor=0.0117), asked=asked) == []
    assert rules_of(found(before, bar(), asked=asked)) == ["jumps"]


@pytest.mark.parametrize(
    ("count", "usual", "is_bad"),
    [
        (4400, [4400] * 20, False),
        (2200, [4400] * 20, True),
        (9000, [4400] * 20, True),
        (0, [4400] * 20, True),
        (3400, [2300] * 20, False),  # an exchange moved in
        (2300, [3400] * 20, False),  # the same, read backwards
        (10, [4400] * 4, False),  # too few days to compare with
        (4, [10] * 20, False),  # too few rows to compare
    ],
)
def test_a_day_has_about_as_many_rows_as_those_around_it(count: int, usual: list[int], is_bad: bool) -> None:
    finding = judge_count(count, usual, BARS)

    assert (finding is not None) is is_bad
    assert finding is None or finding.severity is Severity.REJECT


def test_few_rows_are_never_too_many_and_a_small_part_neither() -> None:
    assert [severity_of(count, among) for count, among in ((3, 4), (4, 4), (88, 4400), (89, 4400))] == [
        "suspect", "reject", "suspect", "reject",
    ]  # fmt: skip


def test_an_empty_answer_alone_shows_nothing() -> None:
    assert found() == []


def test_every_dataset_has_rules_and_they_name_columns_that_it_has() -> None:
    assert set(QUALITY) == set(DATASETS)

    for name, rules in QUALITY.items():
        named = {*rules.positive, *rules.not_negative, *rules.varied}
        for bars in rules.bars:
            named |= {*bars.prices, bars.volume, bars.turnover} - {""}
        if rules.jump is not None:
            named |= {rules.jump.column, rules.jump.factor} - {""}
        assert named <= set(DATASETS[name].column_names), name
        assert not rules.keeps_to_dates or DATASETS[name].date, name
        assert not rules.code_lengths or DATASETS[name].symbol, name
