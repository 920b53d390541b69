from __future__ import annotations

import pytest

from moomarkets.domain.catch_up import CatchUp, CatchUpPolicy
from moomarkets.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("skip", CatchUp(CatchUpPolicy.SKIP)),
        ({}, CatchUp()),
        ({"policy": "all", "max": 3, "window_s": 3600}, CatchUp(CatchUpPolicy.ALL, 3, 3600.0)),
    ],
)
def test_a_policy_is_given_by_name_or_as_a_map_and_survives_it(value: object, expected: CatchUp) -> None:
    assert CatchUp.from_json(value) == expected
    assert CatchUp.from_json(expected.to_json()) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("lates", r"catch_up policy: expected one of skip, latest, all \(did you mean latest\?\)"),
        ({"policy": None}, "catch_up policy: expected one of"),
        ({"policy": ["all"]}, "catch_up policy: expected one of"),
        ({"polcy": "all"}, r"catch_up: .*\(did you mean policy\?\)"),
        ({"window": 60}, r"catch_up: .*\(did you mean window_s\?\)"),
        (5, "catch_up: expected a policy, or a map"),
        (None, "catch_up: expected a policy, or a map"),
        ({"policy": "all", "max": 0}, "catch_up max: expected a whole number from 1 to 1,000"),
        ({"policy": "all", "max": True}, "catch_up max"),
        ({"policy": "all", "max": 2.0}, "catch_up max"),
        ({"policy": "all", "window_s": 0}, "catch_up window_s: expected seconds"),
        ({"policy": "all", "window_s": float("nan")}, "catch_up window_s"),
        ({"policy": "all", "window_s": "60"}, "catch_up window_s"),
    ],
)
def test_a_wrong_policy_is_refused_naming_the_field_and_what_was_meant(value: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        CatchUp.from_json(value)
