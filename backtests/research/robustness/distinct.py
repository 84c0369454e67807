"""Counting distinct results: a sketch of 64-bit hashes that merges, exact while there are few.

Up to FEW hashes are kept as they are; more become the registers of a HyperLogLog. Sources: P. Flajolet, E. Fusy,
O. Gandouet and F. Meunier, HyperLogLog, AofA (2007); the estimate: O. Ertl, New Cardinality Estimation Algorithms
for HyperLogLog Sketches (2017).
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Registers = NDArray[np.uint8]
Sketch = bytes | memoryview

BITS = 13  # of a hash choose its register
REGISTERS = 1 << BITS  # the relative error is 1.04 / sqrt(REGISTERS) = 1.1%
FEW = REGISTERS // 8 - 1  # 8 bytes each: fewer bytes than the registers, by which the two forms are told apart
LONGEST = 64 - BITS


class Distinct(NamedTuple):
    """number: of distinct hashes. is_exact: not an estimate."""

    number: int
    is_exact: bool


def merged(sketches: Iterable[Sketch], hashes: Words) -> bytes:
    """The sketch of the sketches together with more hashes (n,); b"" is the empty sketch."""
    few, registers = _read(sketches, hashes)
    if registers is None and len(few) <= FEW:
        return few.tobytes()
    return _registers_of(few, registers).tobytes()


def count_distinct(sketches: Iterable[Sketch]) -> Distinct:
    """How many hashes the sketches have seen together."""
    few, registers = _read(sketches, np.empty(0, np.uint64))
    if registers is None:
        return Distinct(len(few), True)
    return Distinct(round(_estimate(_registers_of(few, registers))), False)


def _read(sketches: Iterable[Sketch], hashes: Words) -> tuple[Words, Registers | None]:
    """All hashes that are kept as they are, each once, and the highest registers of the other sketches."""
    given = list(sketches)
    few = [np.frombuffer(sketch, np.uint64) for sketch in given if len(sketch) != REGISTERS]
    many = [np.frombuffer(sketch, np.uint8) for sketch in given if len(sketch) == REGISTERS]
    return np.unique(np.concatenate([hashes, *few])), np.max(many, axis=0) if many else None


def _registers_of(hashes: Words, registers: Registers | None) -> Registers:
    """The registers with the hashes added: the position of the first 1 in the bits that do not choose it."""
    found = np.zeros(REGISTERS, np.uint8) if registers is None else registers.copy()
    rest = (hashes >> np.uint64(BITS)).astype(np.float64)  # 51 bits, exact in a float64
    _, length = np.frexp(rest)
    np.maximum.at(found, hashes & np.uint64(REGISTERS - 1), (LONGEST + 1 - length).astype(np.uint8))
    return found


def _estimate(registers: Registers) -> float:
    """Ertl's improved raw estimator, which has no bias for any number."""
    counts = np.bincount(registers, minlength=LONGEST + 2)
    z = REGISTERS * _tau(1.0 - counts[LONGEST + 1] / REGISTERS)
    for count in counts[LONGEST:0:-1]:
        z = 0.5 * (z + count)
    z += REGISTERS * _sigma(counts[0] / REGISTERS)
    return REGISTERS**2 / (2.0 * math.log(2.0)) / z


def _sigma(x: float) -> float:
    if x == 1.0:
        return math.inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x, before = x * x, z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1.0 - x, -1.0
    while z != before:
        x, before, y = math.sqrt(x), z, y * 0.5
        z -= (1.0 - x) ** 2 * y
    return z / 3.0
