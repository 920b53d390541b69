"""The meaning of refusals, by status and message."""

from __future__ import annotations

from datetime import date

import pytest

from datasources.jquants.answers import detail_of, learnt_window, reason_of
from moomarkets.domain.errors import Reason
from tests.datasources.support import sample


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("v2_error_400_missing_param", Reason.INVALID),
        ("v2_error_400_out_of_window", Reason.PLAN_RESTRICTED),
        ("v2_error_403_no_key", Reason.AUTH),
        ("v2_error_403_bad_key", Reason.AUTH),
        ("v2_error_403_plan", Reason.PLAN_RESTRICTED),
        ("v2_error_403_bad_path", Reason.INVALID),
        ("v2_error_500_server", Reason.UPSTREAM),
    ],
)
def test_a_sample_of_a_refusal_has_its_reason(name: str, reason: Reason) -> None:
    status, body = sample(name)

    assert reason_of(status, body["message"]) is reason


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (401, "The incoming token is invalid or expired.", Reason.AUTH),
        (403, "There is no active subscription for this account", Reason.AUTH),
        (403, "", Reason.AUTH),
        (404, "", Reason.INVALID),
        (413, "Response data is too large.", Reason.TOO_LARGE),
        (502, "<html>", Reason.UPSTREAM),
        (302, "", Reason.UPSTREAM),
    ],
)
def test_other_refusals_are_classified_too(status: int, message: str, reason: Reason) -> None:
    assert reason_of(status, message) is reason


def test_the_plan_window_is_learnt_from_the_refusal() -> None:
    detail = detail_of(sample("v2_error_400_out_of_window")[1]["message"])

    assert learnt_window(detail) == (date(2024, 8, 28), date(2026, 8, 28))


def test_a_plan_window_may_have_an_open_end() -> None:
    detail = detail_of("Your subscription covers the following dates: 2021-09-04 ~ . If you want")

    assert learnt_window(detail) == (date(2021, 9, 4), None)
    assert learnt_window("something else") is None
    assert learnt_window("outside the plan window 2021-99-99 ~") is None
