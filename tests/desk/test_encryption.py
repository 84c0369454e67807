"""Stored secrets: they decrypt in their own place alone, with every key of the ring, and errors tell nothing."""

import base64
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.encryption import LONGEST, NONCE_BYTES, Keyring, NotDecrypted, Place

OLD, NEW = "old-key-" + "o" * 50, "new-key-" + "n" * 50
SECRET = "tgram://123456:planted-secret/42"
PLACE = Place(7, "channel:12", "address")
RING = Keyring([NEW])


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_a_secret_comes_back(secret: str) -> None:
    assert RING.decrypt(RING.encrypt(secret, PLACE), PLACE) == secret


def test_the_stored_text_tells_nothing_and_is_never_the_same() -> None:
    stored = [RING.encrypt(SECRET, PLACE) for _ in range(50)]
    assert len({base64.urlsafe_b64decode(text.rpartition(":")[2])[:NONCE_BYTES] for text in stored}) == 50
    assert not any(part in text for text in stored for part in ("planted", "tgram", NEW))


@pytest.mark.parametrize(
    "place",
    [
        Place(8, "channel:12", "address"),
        Place(7, "channel:13", "address"),
        Place(7, "channel:12", "signing_key"),
        # The parts do not run into each other.
        Place(7, "channel:1", "2address"),
        Place(71, "channel:12", "address"),
    ],
)
def test_a_copy_in_another_place_does_not_decrypt(place: Place) -> None:
    with pytest.raises(NotDecrypted, match="copied from another record"):
        RING.decrypt(RING.encrypt(SECRET, PLACE), place)


def test_no_changed_character_decrypts() -> None:
    stored = RING.encrypt(SECRET, PLACE)
    raw = base64.urlsafe_b64decode(stored.rpartition(":")[2])
    for index in range(len(raw)):
        changed = raw[:index] + bytes([raw[index] ^ 1]) + raw[index + 1 :]
        text = stored.rpartition(":")[0] + ":" + base64.urlsafe_b64encode(changed).decode()
        with pytest.raises(NotDecrypted):
            RING.decrypt(text, PLACE)


@pytest.mark.parametrize("stored", ["", SECRET, "v1", "v1:", "v1::", "v2:aa:bb"])
def test_what_is_no_stored_secret_is_refused(stored: str) -> None:
    with pytest.raises(NotDecrypted) as refusal:
        RING.decrypt(stored, PLACE)
    assert "planted" not in str(refusal.value)


@pytest.mark.parametrize("rest", ["", "A", "AAAA", "!!!!", "ä", "A" * 200])
def test_a_damaged_ciphertext_is_refused(rest: str) -> None:
    head = RING.encrypt(SECRET, PLACE).rpartition(":")[0]
    with pytest.raises(NotDecrypted):
        RING.decrypt(f"{head}:{rest}", PLACE)


def test_a_rotated_key_still_decrypts_and_the_newest_encrypts() -> None:
    stored = Keyring([OLD]).encrypt(SECRET, PLACE)
    both = Keyring([NEW, OLD])
    assert both.decrypt(stored, PLACE) == SECRET
    assert not both.is_current(stored)
    renewed = both.encrypt(SECRET, PLACE)
    assert both.is_current(renewed)
    assert RING.decrypt(renewed, PLACE) == SECRET


def test_a_key_that_is_gone_is_named_as_the_cause() -> None:
    with pytest.raises(NotDecrypted, match="ENCRYPTION_KEY"):
        RING.decrypt(Keyring([OLD]).encrypt(SECRET, PLACE), PLACE)


def test_the_whole_traceback_of_a_failure_has_nothing_of_the_secret_or_the_key() -> None:
    stored = RING.encrypt(SECRET, PLACE)
    with pytest.raises(NotDecrypted) as failure:
        RING.decrypt(stored[:-4] + "AAA=", PLACE)
    assert failure.value.__suppress_context__
    shown = "".join(traceback.format_exception(failure.value))
    assert not any(text in shown for text in ("planted", NEW, stored))


def test_limits() -> None:
    assert RING.decrypt(RING.encrypt("x" * LONGEST, PLACE), PLACE) == "x" * LONGEST
    with pytest.raises(ValueError, match="at most"):
        RING.encrypt("x" * (LONGEST + 1), PLACE)
    with pytest.raises(ValueError, match="at least one key"):
        Keyring([])
