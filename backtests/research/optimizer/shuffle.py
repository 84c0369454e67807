"""Shuffle: the numbers below n in a random order, computed for any position without storing the order."""

from hashlib import blake2b

ROUNDS = 4


class Shuffle:
    """A permutation of range(length) by seed; the cost of `at(place)` does not depend on the length.

    A Feistel network over twice `_half` bits, applied again while its result is outside the range (cycle walking).
    Source: J. Black and P. Rogaway, Ciphers with Arbitrary Finite Domains, CT-RSA 2002.
    """

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self._half = max((max(length - 1, 1).bit_length() + 1) // 2, 1)
        self._mask = (1 << self._half) - 1
        self._seed = seed.to_bytes(8, "little")

    def at(self, place: int) -> int:
        """The number at this place. Raises IndexError unless 0 <= place < length: for other values the cycle
        walking might not end."""
        if not 0 <= place < self.length:
            raise IndexError(f"Place {place} is not in a shuffle of {self.length:,} numbers.")
        number = place
        while True:
            left, right = number >> self._half, number & self._mask
            for step in range(ROUNDS):
                left, right = right, left ^ self._mixed(step, right)
            number = (left << self._half) | right
            if number < self.length:
                return number

    def _mixed(self, step: int, value: int) -> int:
        key = self._seed + bytes([step])
        hashed = blake2b(value.to_bytes(16, "little"), key=key, digest_size=8).digest()
        return int.from_bytes(hashed, "little") & self._mask
