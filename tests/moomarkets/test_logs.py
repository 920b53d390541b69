from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
import structlog

from moomarkets.domain.redaction import Scrubber
from moomarkets.domain.secret import Secret
from moomarkets.logs import LogEvents, LogFormat, level_of
from moomarkets.testing.manual_clock import ManualClock

CANARY = "canary-9f2c41"
CLOCK = ManualClock(datetime(2026, 11, 20, 7, 30, tzinfo=UTC))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    def write(self, text: str, /) -> int:
        raise OSError("disk full")


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no words")


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_where_the_stream_is_no_terminal() -> None:
    stream = io.StringIO()

    LogEvents(stream, CLOCK).emit("job.finished", job_id=7, text="two\nlines")

    assert lines(stream) == [
        {
            "job_id": 7,
            "text": "two\nlines",
            "event": "job.finished",
            "timestamp": "2026-11-20T07:30:00Z",
            "level": "info",
        }
    ]


def test_a_terminal_gets_lines_for_people_unless_json_is_asked_for() -> None:
    console, forced = Terminal(), Terminal()

    LogEvents(console, CLOCK).emit("job.finished", job_id=7)
    LogEvents(forced, CLOCK, form=LogFormat.JSON).emit("job.finished", job_id=7)

    assert "job.finished" in console.getvalue()
    assert not console.getvalue().startswith("{")
    assert lines(forced)[0]["job_id"] == 7


def test_colours_are_left_out_when_the_user_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()

    LogEvents(stream, CLOCK).emit("job.finished", job_id=7)

    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("form", list(LogFormat))
def test_a_secret_is_in_no_line_whatever_carries_it(form: LogFormat) -> None:
    stream, scrubber = io.StringIO(), Scrubber()
    scrubber.learn(Secret(CANARY))
    events = LogEvents(stream, CLOCK, form=form, scrubber=scrubber)

    try:
        hidden = CANARY
        raise ValueError(f"bad key {hidden}")
    except ValueError as error:
        events.emit("server.crashed", error=error, url=f"https://x/?k={CANARY}", deep={"a": [CANARY]})
    events.emit("job.failed", raw=CANARY.encode().hex(), held=Secret(CANARY), **{CANARY: 1})

    assert CANARY not in stream.getvalue()
    assert CANARY.encode().hex() not in stream.getvalue()
    assert "job.failed" in stream.getvalue()


def test_fields_with_secret_names_are_hidden_without_being_known() -> None:
    stream = io.StringIO()

    LogEvents(stream, CLOCK).emit("job.finished", authorization="Bearer 1", headers={"x": "y"}, lease_token=4)

    assert lines(stream)[0]["authorization"] == lines(stream)[0]["headers"] == "***"
    assert lines(stream)[0]["lease_token"] == 4


@pytest.mark.parametrize("form", [LogFormat.JSON, LogFormat.CONSOLE])
def test_a_crash_shows_its_traceback_but_no_variables(form: LogFormat) -> None:
    stream = io.StringIO()

    try:
        local = "value-of-a-" + "variable"
        raise KeyError(len(local))
    except KeyError as error:
        LogEvents(stream, CLOCK, form=form).emit("server.crashed", error=error)

    assert "KeyError: 19" in stream.getvalue()
    assert "test_logs.py" in stream.getvalue()
    assert "value-of-a-variable" not in stream.getvalue()


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("job.finished", "info"),
        ("child.start_failed", "warning"),
        ("keyring.created", "warning"),
        ("server.slow", "warning"),
        ("server.crashed", "error"),
        ("supervisor.gave_up", "error"),
    ],
)
def test_the_level_follows_from_the_verb(name: str, level: str) -> None:
    assert level_of(name) == level


def test_events_under_the_least_level_are_left_out() -> None:
    stream = io.StringIO()
    events = LogEvents(stream, CLOCK, level="warning")

    events.emit("job.finished")
    events.emit("job.failed")

    assert [line["event"] for line in lines(stream)] == ["job.failed"]


def test_emitting_never_raises_and_keeps_the_event_if_it_can() -> None:
    closed, stream = io.StringIO(), io.StringIO()
    closed.close()

    LogEvents(Broken(), CLOCK).emit("job.finished")
    LogEvents(closed, CLOCK).emit("job.finished")
    LogEvents(stream, CLOCK).emit("job.finished", odd=Unprintable())
    LogEvents(stream, CLOCK).emit("job.started", event="own", level="own", timestamp="own", name="own")

    assert [line["event"] for line in lines(stream)] == ["job.finished", "job.started"]


def test_text_from_outside_does_not_steer_the_terminal() -> None:
    stream = io.StringIO()

    LogEvents(stream, CLOCK, form=LogFormat.CONSOLE).emit("job.failed", group="\x1b[2J\u202eevil", deep=["\x1b[2J"])

    assert not {"\x1b", "\u202e"} & set(stream.getvalue())


def test_setting_up_logs_leaves_the_configuration_of_the_host_alone() -> None:
    before = structlog.get_config()

    LogEvents(io.StringIO(), CLOCK).emit("job.finished")

    assert structlog.get_config() == before
    assert not structlog.is_configured()
