from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moomarkets.domain.redaction import MAX_TEXT, Scrubber
from moomarkets.domain.secret import Secret

CANARY = 'k3y/+ "ü\\42='


def scrubber(*secrets: str) -> Scrubber:
    made = Scrubber()
    for secret in secrets:
        made.learn(Secret(secret))
    return made


@pytest.mark.parametrize(
    "leaked",
    [
        CANARY,
        repr(CANARY)[1:-1],
        json.dumps(CANARY)[1:-1],
        json.dumps({"a": CANARY}, ensure_ascii=False)[7:-2],
        quote(CANARY),
        quote(CANARY, safe=""),
        quote_plus(CANARY),
        urlencode({"q": CANARY})[2:],
        quote(CANARY, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
        CANARY.encode().hex(),
        CANARY.encode().hex().upper(),
        base64.b64encode(CANARY.encode()).decode(),
        base64.urlsafe_b64encode(CANARY.encode()).decode(),
        base64.b64encode(CANARY.encode()).decode().rstrip("="),
    ],
)
def test_a_learnt_secret_is_scrubbed_in_every_usual_encoding(leaked: str) -> None:
    assert leaked not in scrubber(CANARY).scrub(f"before {leaked} after")


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_a_secret_is_found_inside_a_longer_base64_text(before: bytes, after: bytes) -> None:
    secret = "sk-live-51f0c2b7a9"

    text = scrubber(secret).scrub(base64.b64encode(before + secret.encode() + after).decode())

    assert "***" in text
    assert len(text.replace("***", "")) <= (len(before) + len(after)) * 4 / 3 + 10


def test_a_short_form_does_not_leave_the_rest_of_a_longer_secret() -> None:
    assert scrubber("abcd", "abcdefgh").scrub("x abcdefgh y abcd") == "x *** y ***"


def test_a_very_short_secret_does_not_blacken_ordinary_text() -> None:
    assert scrubber("a", "ab", "").scrub("a cab") == "a cab"


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "x-api-key",
        "X_API_KEY",
        "Authorization",
        "refresh_token",
        "id_token",
        "api_key",
        "db_password",
    ],
)
def test_fields_that_say_they_are_secret_are_hidden_unseen(name: str) -> None:
    assert Scrubber().clean({"outer": {name: "anything"}}) == {"outer": {name: "***"}}


def test_a_number_called_token_is_the_one_of_a_lease_and_is_shown() -> None:
    assert Scrubber().clean({"lease_token": 7, "tokens": 12}) == {"lease_token": 7, "tokens": 12}


def test_values_become_plain_ones_and_keep_their_shape() -> None:
    value = {
        "n": 1,
        "x": 1.5,
        "t": True,
        "none": None,
        "list": ("a", {"b"}),
        "raw": b"\xffz",
        "secret_box": [Secret("q")],
    }

    cleaned = Scrubber().clean(value)

    assert cleaned == {
        "n": 1,
        "x": 1.5,
        "t": True,
        "none": None,
        "list": ["a", ["b"]],
        "raw": "\\xffz",
        "secret_box": ["***"],
    }


def test_a_secret_is_scrubbed_before_a_long_text_is_cut() -> None:
    text = "x" * (MAX_TEXT - 5) + "sk-live-51f0c2b7a9"

    cleaned = scrubber("sk-live-51f0c2b7a9").clean(text)

    assert isinstance(cleaned, str)
    assert "sk-l" not in cleaned
    assert len(cleaned) <= MAX_TEXT + 3


def test_keys_and_deep_values_are_scrubbed_too() -> None:
    deep: object = "leak-me"
    for _ in range(20):
        deep = [deep]

    cleaned = scrubber("leak-me").clean({"leak-me": deep})

    assert "leak-me" not in str(cleaned)
