"""Encrypting secrets that the database stores: AES-256-GCM, bound to the row and the field that hold them.

A stored secret is "v1:<id of the key>:<base64 of nonce and ciphertext>". The place is authenticated with it, so
what is copied into the row of another user does not decrypt. Several keys make a rotation: the first encrypts,
all decrypt.
"""

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = "v1"
NONCE_BYTES, KEY_BYTES, ID_BYTES = 12, 32, 6
# Characters of the longest secret, such as a private key in PEM.
LONGEST = 10_000


class NotDecrypted(Exception):
    """A stored secret cannot be read. The message can be shown to a person and has nothing of the secret."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret is stored. owner: the id of its user. record: the table and the row, such as "channel:12"."""

    owner: int
    record: str
    field: str

    @property
    def associated_data(self) -> bytes:
        return json.dumps([VERSION, self.owner, self.record, self.field]).encode()


class Keyring:
    """The keys of a desk. texts: random texts of which the keys are derived, newest first."""

    def __init__(self, texts: Sequence[str]) -> None:
        if not texts:
            raise ValueError("A keyring needs at least one key.")
        # Of two equal ids, which are equal keys, the newer one stays.
        self._ciphers = {_id(text): AESGCM(_derive(text, b"key", KEY_BYTES)) for text in reversed(texts)}
        self._newest = _id(texts[0])

    def encrypt(self, secret: str, place: Place) -> str:
        if len(secret) > LONGEST:
            raise ValueError(f"A secret has at most {LONGEST:,} characters.")
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, secret.encode(), place.associated_data)
        return ":".join((VERSION, self._newest, base64.urlsafe_b64encode(nonce + sealed).decode()))

    def decrypt(self, stored: str, place: Place) -> str:
        """Raises NotDecrypted."""
        version, _, rest = stored.partition(":")
        key_id, _, text = rest.partition(":")
        if version != VERSION or not text:
            raise NotDecrypted("A stored secret is damaged: it is not in the format of this desk.")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise NotDecrypted(
                "A stored secret was encrypted with another key. Add the former key to the end of ENCRYPTION_KEY, "
                "or enter the secret again."
            )
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.associated_data).decode()
        except (ValueError, InvalidTag):
            # Without the cause, which a log would show with its values.
            raise NotDecrypted(
                "A stored secret is damaged, or was copied from another record. Enter it again."
            ) from None

    def is_current(self, stored: str) -> bool:
        """Whether the newest key has encrypted it."""
        return stored.startswith(f"{VERSION}:{self._newest}:")


def _derive(text: str, purpose: bytes, length: int) -> bytes:
    info = b"tradedesk encryption " + purpose
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(text.encode())


def _id(text: str) -> str:
    """Names a key without telling anything of it."""
    return _derive(text, b"id", ID_BYTES).hex()
