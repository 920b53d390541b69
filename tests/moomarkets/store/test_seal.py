from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from moomarkets.domain.errors import CannotDecrypt
from moomarkets.store.keyring import Keyring
from moomarkets.store.seal import Place, key_id_of, known_answer, open_sealed, prove, resealed, seal

KEYRING = Keyring.generate()
PLACE = Place("7", "jquants", "encrypted_credentials")
BLOB = seal(b"canary-9f2c41", PLACE, KEYRING)


def refused(blob: bytes, place: Place = PLACE, keyring: Keyring = KEYRING) -> CannotDecrypt:
    with pytest.raises(CannotDecrypt) as refusal:
        open_sealed(blob, place, keyring)
    return refusal.value


@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_what_was_sealed_opens_at_its_place(value: bytes, user: str, source: str, column: str) -> None:
    place = Place(user, source, column)

    assert open_sealed(seal(value, place, KEYRING), place, KEYRING) == value


def test_the_layout_is_mark_version_key_id_nonce_cipher_text_and_tag() -> None:
    key_id = KEYRING.primary
    header = b"MM\x01" + bytes([len(key_id)]) + key_id.encode()
    words = ["moomarkets", 1, "data_source_credentials", "7", "jquants", "encrypted_credentials"]
    nonce, sealed = BLOB[len(header) : len(header) + 12], BLOB[len(header) + 12 :]

    value = AESGCM(KEYRING.key(key_id)).decrypt(
        nonce, sealed, header + json.dumps(words, separators=(",", ":")).encode()
    )

    assert BLOB.startswith(header)
    assert len(BLOB) == len(value) + 34
    assert value == b"canary-9f2c41"


def test_two_seals_of_one_value_differ() -> None:
    assert seal(b"x", PLACE, KEYRING) != seal(b"x", PLACE, KEYRING)


def test_no_flipped_bit_opens() -> None:
    for number in range(len(BLOB) * 8):
        damaged = bytearray(BLOB)
        damaged[number // 8] ^= 1 << number % 8
        refused(bytes(damaged))


def test_no_piece_and_no_longer_blob_opens() -> None:
    for length in range(len(BLOB)):
        refused(BLOB[:length])
        refused(BLOB[length + 1 :])
    refused(BLOB + b"\0")


@given(st.binary(max_size=100))
def test_no_other_bytes_open(blob: bytes) -> None:
    refused(blob)
    refused(b"MM\x01" + blob)


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("8", "jquants", "encrypted_credentials"),
        Place("7", "yahoo", "encrypted_credentials"),
        Place("7", "jquants", "id_token"),
        Place("7", "jquants", "encrypted_credentials", "users"),
        Place('7","jquants', "", "encrypted_credentials"),
        Place("", "7", "jquants"),
    ],
)
def test_a_blob_moved_elsewhere_does_not_open(elsewhere: Place) -> None:
    refused(BLOB, elsewhere)


def test_a_blob_does_not_open_with_another_keyring_nor_under_another_key_id() -> None:
    both = KEYRING.with_new_key()

    refused(BLOB, keyring=Keyring.generate())
    refused(BLOB.replace(b"k1", b"k2", 1), keyring=both)
    refused(BLOB.replace(b"k1", b"zz", 1))


def test_the_refusal_has_no_cause_and_tells_nothing() -> None:
    refusal = refused(BLOB[:-1])

    assert refusal.__cause__ is None
    assert refusal.__context__ is None
    assert "canary" not in str(refusal)
    assert BLOB.hex() not in str(refusal)


def test_an_old_key_still_opens_and_resealing_moves_to_the_primary() -> None:
    newer = KEYRING.with_new_key()

    moved = resealed(BLOB, PLACE, newer)

    assert key_id_of(BLOB) == "k1"
    assert key_id_of(moved) == "k2"
    assert open_sealed(moved, PLACE, newer.without("k1")) == b"canary-9f2c41"
    assert resealed(moved, PLACE, newer) is moved


def test_a_known_answer_proves_the_keyring_that_made_it_and_no_other() -> None:
    answer = known_answer(KEYRING)

    prove(answer, KEYRING.with_new_key())
    with pytest.raises(CannotDecrypt):
        prove(answer, Keyring.generate())


def test_no_blob_names_no_key() -> None:
    assert key_id_of(b"") == ""
    assert key_id_of(b"MM\x01\xff") == ""
