"""What cannot be queued is refused before anything is stored, in words that name field and remedy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.json_value import MOST_BYTES, json_map
from moomarkets.domain.submission import Submission

AT = datetime(2026, 11, 20, tzinfo=UTC)


def nested(levels: int) -> dict[str, Any]:
    """Maps in maps."""
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"job_type": "sumarize"},
            r"job_type: expected one of fetch, summarize \(did you mean summarize\?\), got",
        ),
        ({"job_type": "plan_group"}, "job_type: expected any other than the one that plans the run of a group"),
        ({"job_type": ""}, "job_type: expected 1 to 200 visible characters"),
        ({"priority": 0}, r"priority: expected a whole number from 1 \(low\) to 10 \(critical\), got 0"),
        ({"priority": 11}, "priority: .* got 11"),
        ({"priority": True}, "priority: .* got True"),
        ({"priority": 5.0}, "priority: .* got 5.0"),
        ({"due_at": datetime(2026, 11, 20)}, "due_at: expected a datetime with a time zone"),
        ({"due_at": datetime.max.replace(tzinfo=UTC)}, "due_at: expected an instant from 1970 to 2199"),
        ({"deadline_at": datetime.min.replace(tzinfo=UTC)}, "deadline_at: expected an instant from 1970 to 2199"),
        ({"deadline_at": "tomorrow"}, "deadline_at: expected a datetime with a time zone, got 'tomorrow'"),
        ({"due_at": AT, "deadline_at": AT}, "deadline_at: expected an instant after due_at"),
        ({"timeout_s": 0.5}, "timeout_s: expected seconds from 1 to 86,400"),
        ({"timeout_s": float("nan")}, "timeout_s: .* got nan"),
        ({"max_retries": 1001}, "max_retries: "),
        ({"retry_delay_s": 1.5}, "retry_delay: expected whole seconds"),
        ({"unique_keys": ("",)}, "unique_key: expected 1 to 200 visible characters"),
        ({"unique_keys": ("x" * 201,)}, "unique_key: "),
        ({"unique_keys": ("a", "b")}, "unique_keys: expected one for each of the 1 jobs, got 2"),
        ({"name": " summary"}, "name: .* without spaces around"),
    ],
)
def test_a_senseless_submission_is_refused_by_field(wrong: dict[str, Any], words: str) -> None:
    submission = Submission(**{"job_type": "summarize", "parameters": [{}], **wrong})

    with pytest.raises(InvalidInput, match=words):
        submission.check({"summarize", "fetch"})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([1], "a map such as"),
        ({1: "number"}, "a map whose names are text"),
        ({"rate": float("nan")}, "JSON without NaN and infinity"),
        ({"rates": [float("inf")]}, "JSON without NaN and infinity"),
        ({"at": AT}, "JSON without NaN and infinity"),
        ({"text": "a\0b"}, "text without NUL characters"),
        ({"text": "\ud800"}, "text of whole characters"),
        ({"text": "x" * MOST_BYTES}, "at most 1,048,576 bytes of JSON"),
        (nested(51), "at most 50 levels, got '51 levels'"),
        (nested(100_000), "at most 50 levels"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_parameters_that_are_no_json_or_too_much_are_refused(wrong: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=f"parameters: expected .*{words}"):
        Submission("fetch", [{}, wrong]).check()


def test_parameters_are_kept_as_they_are() -> None:
    given = {"text": 'a "quoted" [bracket] \\u0000 {', "japanese": "日本", "wide": [{}] * 60, **nested(50)}

    assert json_map("parameters", given).startswith('{"text":"a \\"quoted\\" [bracket] \\\\u0000 {","japanese":"日本"')


def test_a_priority_that_is_not_given_is_that_of_the_job_type() -> None:
    job_types = ("summarize", "generate_podcast", "calculate_similarity", "fetch")

    assert [Submission(job_type, [{}]).ranked for job_type in job_types] == [7, 5, 3, 5]
    assert Submission("summarize", [{}], priority=1).ranked == 1


def test_a_submission_within_all_bounds_passes() -> None:
    submission = Submission(
        "fetch", [{"a": 1}, {}], ("x", "y"), "two", 10, AT, AT + timedelta(seconds=1), 86400, 1000, 604800
    )

    assert submission.check({"fetch"}) == '[{"a":1},{}]'
