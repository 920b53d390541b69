from __future__ import annotations

import base64
import copy
import json
import os
import pickle

import pytest

from moomarkets.domain.errors import Conflict, InvalidInput, NotFound
from moomarkets.domain.secret import Secret
from moomarkets.store.keyring import Keyring


def text(primary: object, keys: object) -> Secret:
    return Secret(json.dumps({"primary": primary, "keys": keys}))


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_a_keyring_survives_its_text_form() -> None:
    keyring = Keyring.generate().with_new_key()

    assert Keyring.parse(keyring.to_text()) == keyring


def test_a_new_key_becomes_the_primary_and_the_old_ones_stay() -> None:
    keyring = Keyring.parse(text("k2026b", {"k2026b": encoded(os.urandom(32)), "k9": encoded(os.urandom(32))}))

    newer = keyring.with_new_key()

    assert newer.primary == "k10"
    assert list(newer) == ["k2026b", "k9", "k10"]
    assert newer.key("k9") == keyring.key("k9")


def test_every_generated_key_is_another_and_is_good_enough() -> None:
    assert len({Keyring.generate().key("k1") for _ in range(500)}) == 500


def test_the_primary_cannot_be_taken_away_nor_an_unknown_key() -> None:
    keyring = Keyring.generate().with_new_key()

    assert list(keyring.without("k1")) == ["k2"]
    with pytest.raises(Conflict):
        keyring.without("k2")
    with pytest.raises(NotFound):
        keyring.without("k7")


def test_a_keyring_shows_no_key_and_leaves_the_process_in_no_pickle() -> None:
    keyring = Keyring.generate()
    key = keyring.key("k1")

    assert str(key) not in repr(keyring)
    assert encoded(key) not in str(keyring) + str(keyring.to_text())
    with pytest.raises(TypeError):
        pickle.dumps(keyring)
    with pytest.raises(TypeError):
        copy.deepcopy(keyring)


@pytest.mark.parametrize(
    "key",
    [
        b"",
        os.urandom(31),
        os.urandom(33),
        b"\0" * 32,
        b"ab" * 16,
        bytes(range(32)),
        bytes(range(0, 256, 8)),
        b"my-very-secret-32-character-pass",
        b"0123456789abcdef0123456789abcdef",
    ],
    # Random keys must not be names: the workers of one test run have to agree on them.
    ids=range(9),
)
def test_a_poor_key_is_refused_without_being_shown(key: bytes) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Keyring.parse(text("k1", {"k1": encoded(key)}))

    assert not key or encoded(key) not in str(refusal.value)


@pytest.mark.parametrize(
    "wrong",
    [
        Secret(""),
        Secret("not json canary"),
        Secret("[" * 100_000),
        Secret("[]"),
        Secret('{"primary": "k1"}'),
        text("k2", {"k1": encoded(os.urandom(32))}),
        text(1, {"k1": encoded(os.urandom(32))}),
        text("k1", []),
        text("k1", {}),
        text("k1", {"k1": "canary!"}),
        text("k1", {"k1": 5}),
        text("K 1", {"K 1": encoded(os.urandom(32))}),
        text("k" * 33, {"k" * 33: encoded(os.urandom(32))}),
    ],
)
def test_a_wrong_text_is_refused_without_being_shown(wrong: Secret) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Keyring.parse(wrong)

    assert "canary" not in str(refusal.value)
    assert refusal.value.__cause__ is None
