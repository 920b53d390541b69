from __future__ import annotations

import copy
import json
import pickle
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest

from moomarkets.domain.secret import Secret

CANARY = "canary-9f2c41"


@dataclass
class Holder:
    key: Secret


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!r:>20}",
        lambda secret: f"{secret} {secret!r}",
        lambda secret: str([secret, {"key": secret}]),
        lambda secret: repr(Holder(secret)),
        lambda secret: repr(asdict(Holder(secret))),
        lambda secret: json.dumps(secret, default=str),
        lambda secret: str(pickle.dumps(secret)),
        lambda secret: str(pickle.dumps(secret, protocol=0)),
        lambda secret: repr(copy.copy(secret)) + repr(copy.deepcopy(secret)),
        lambda secret: str(secret.__getstate__()) + str(secret.__reduce_ex__(4)),
        lambda secret: str(getattr(secret, "__dict__", "")),
    ],
)
def test_a_secret_shows_nowhere(show: Callable[[Secret], str]) -> None:
    assert CANARY not in show(Secret(CANARY))


def test_only_reveal_gives_the_text() -> None:
    assert Secret(CANARY).reveal() == CANARY
    assert copy.deepcopy(Secret(CANARY)).reveal() == CANARY


def test_json_refuses_a_secret() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(CANARY))


def test_what_comes_out_of_a_pickle_has_forgotten_the_text() -> None:
    copied = pickle.loads(pickle.dumps(Secret(CANARY)))

    assert repr(copied) == "***"
    assert copied != Secret(CANARY)
    with pytest.raises(ValueError, match="pickled without it"):
        copied.reveal()


def test_a_traceback_through_a_secret_does_not_show_it() -> None:
    with pytest.raises(AttributeError) as refusal:
        Secret(CANARY).nonsense = 1  # type: ignore[attr-defined]

    assert CANARY not in "".join(traceback.format_exception(refusal.value))


def test_equal_secrets_are_equal_and_a_text_is_no_secret() -> None:
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert not Secret("")


def test_a_secret_is_text() -> None:
    with pytest.raises(TypeError, match="expected text, got bytes"):
        Secret(b"x")  # type: ignore[arg-type]
