"""A shuffle: the numbers below n in a random order that can be asked for at any place, without keeping it."""

from hashlib import blake2b

ROUNDS = 4


class Shuffle:
    """A permutation of range(length) by seed: `at(place)` takes the same few steps however long the range is.

    A Feistel network over twice `_half` bits; what it puts outside the range is put through again until it falls
    inside (cycle walking). Source: J. Black and P. Rogaway, Ciphers with Arbitrary Finite Domains, CT-RSA 2002.
    """

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self._half = max((max(length - 1, 1).bit_length() + 1) // 2, 1)
        self._mask = (1 << self._half) - 1
        self._seed = seed.to_bytes(8, "little")

    def at(self, place: int) -> int:
        """The number at this place. Raises IndexError beyond 0 <= place < length, where it might walk for ever."""
        if not 0 <= place < self.length:
            raise IndexError(f"There is no place {place} among {self.length}.")
        number = place
        while True:
            left, right = number >> self._half, number & self._mask
            for turn in range(ROUNDS):
                left, right = right, left ^ self._mixed(turn, right)
            number = (left << self._half) | right
            if number < self.length:
                return number

    def _mixed(self, turn: int, value: int) -> int:
        key = self._seed + bytes([turn])
        digest = blake2b(value.to_bytes(16, "little"), key=key, digest_size=8).digest()
        return int.from_bytes(digest, "little") & self._mask
