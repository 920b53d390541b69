"""What may be shown of state and messages."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest

from actors.otp.redaction import is_secret, one_line, snapshot


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str
    raw: str = field(default="", repr=False)


SECRET_NAMES = """
    key api_key API-KEY apiKey xApiKey x_api_key token refreshToken id_token lease_tokens secret clientSecret
    password passwd db_password pwd passphrase credential encrypted_credentials authorization Proxy-Authorization
    cookie setCookie headers dsn
"""


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_names_of_secrets_are_known_in_every_spelling(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["monkey", "keyboard", "count", "name", "code", "tokenized", "author", "path"])
def test_harmless_names_are_no_secrets(name: str) -> None:
    assert not is_secret(name)


def test_a_snapshot_is_a_redacted_copy_that_leaves_live_objects_behind() -> None:
    sent: list[int] = [1]
    shown: Any = snapshot(
        {"login": Login("bob", "hunter2"), "sent": sent, "lock": threading.Lock(), "t": (Login("", "x"),)}
    )
    sent.append(2)

    assert shown["sent"] == [1]
    assert shown["lock"] == "<lock>"
    assert shown["login"]["password"] == shown["t"][0]["password"] == "***"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (None, "None"),
        (True, "True"),
        (1.5, "1.5"),
        (10**30, "<int>"),
        (Colour.RED, "Colour.RED"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (date(2026, 11, 20), "2026-11-20"),
        (datetime(2026, 11, 20, tzinfo=UTC), "2026-11-20 00:00:00+00:00"),
        (timedelta(seconds=3), "0:00:03"),
        ("hunter2", "<str of 7>"),
        (b"hunter2", "<bytes of 7>"),
        ({"hunter2"}, "<set of 1>"),
        (ValueError("hunter2"), "<ValueError>"),
        (int, "int"),
        (Login("bob", "hunter2", "hunter2"), "Login(user=bob, password=***)"),
        ({"user": "bob", "url": "https://x/?key=hunter2"}, "{user=bob, url=<str of 22>}"),
        (list(range(9)), "[0, 1, 2, 3, 4, 4 more]"),
        ([[[[1]]]], "[[[<list of 1>]]]"),
    ],
)
def test_a_value_is_shown_in_one_line_without_free_text(value: object, line: str) -> None:
    assert one_line(value) == line


def test_a_line_is_of_sane_length() -> None:
    assert len(one_line([Login("someone", "")] * 5 + [Login("someone", "")])) <= 203
