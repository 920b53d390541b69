"""Sources as they are used here: what code says, changed by what the settings say."""

from __future__ import annotations

from datetime import date

import pytest

from datasources.jquants.endpoints import JQUANTS
from datasources.jquants.plans import PLANS
from moomarkets.domain.errors import InvalidInput, NotFound, SettingsError
from moomarkets.domain.limits import Window
from moomarkets.services.source_setup import check_takes_key, effective_specs, subscription
from moomarkets.settings import SourceSettings


def spec(code: str, **choice: object) -> object:
    choices = {code: SourceSettings(**choice)} if choice else {}  # type: ignore[arg-type]  # any setting
    return next(spec for spec in effective_specs(choices) if spec.code == code)


def test_without_settings_the_free_plan_counts() -> None:
    assert spec("jquants").windows == PLANS["free"].windows  # type: ignore[attr-defined]


def test_the_plan_decides_the_windows_and_the_reach() -> None:
    today = date(2026, 11, 20)

    assert spec("jquants", plan="light").windows == PLANS["light"].windows  # type: ignore[attr-defined]
    assert subscription(JQUANTS, SourceSettings(plan="light")).reach(today) == PLANS["light"].reach(today)
    assert subscription(JQUANTS, None).reach(today) == PLANS["free"].reach(today)


def test_given_limits_and_addresses_take_the_place_of_those_of_the_source() -> None:
    changed = spec("yahoo", limits=((5, 60),), base_url="http://127.0.0.1:9")

    assert changed.windows == (Window(5, 60),)  # type: ignore[attr-defined]
    assert changed.base_url == "http://127.0.0.1:9"  # type: ignore[attr-defined]


def test_a_plan_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(SettingsError, match="expected one of free, light, standard, premium, got 'gold'"):
        effective_specs({"jquants": SourceSettings(plan="gold")})


def test_a_plan_of_a_source_without_plans_is_refused() -> None:
    with pytest.raises(SettingsError, match="this source has no plans"):
        effective_specs({"yahoo": SourceSettings(plan="light")})


def test_all_unknown_sources_and_plans_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as failure:
        effective_specs({"jquant": SourceSettings(), "yaho": SourceSettings(), "yahoo": SourceSettings(plan="light")})

    assert len(failure.value.faults) == 3


def test_only_a_source_that_needs_a_key_takes_one() -> None:
    assert check_takes_key("jquants") == ("api_key",)
    assert check_takes_key("jquants-v1") == ("mailaddress", "password")

    with pytest.raises(InvalidInput, match=r"one that needs a credential \(jquants, jquants-v1\), got 'yahoo'"):
        check_takes_key("yahoo")
    with pytest.raises(NotFound, match="source yaho does not exist; there are: jquants, jquants-v1, yahoo"):
        check_takes_key("yaho")


def test_a_plan_contains_the_smaller_ones_and_an_add_on_lies_beside_it() -> None:
    bought = subscription(JQUANTS, SourceSettings(plan="standard", add_ons=("tdnet",)))

    may = {endpoint.name for endpoint in JQUANTS.endpoints if bought.may_ask(endpoint)}

    assert {"daily_bars", "topix_bars", "index_bars", "disclosures"} <= may
    assert not {"minute_bars", "breakdowns", "financial_details"} & may


def test_an_add_on_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(SettingsError, match="expected some of minute, tdnet, got 'ticks'"):
        effective_specs({"jquants": SourceSettings(add_ons=("ticks",))})
