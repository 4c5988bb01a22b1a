"""Changes of a file of any kind: bits, cuts, numbers, noise."""

import math
import struct
from random import Random

_NUMBERS = (
    *(b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0" * 4, b"\0\0\0\x80"),
    *(struct.pack("<f", x) for x in (math.nan, math.inf, -1.0, 1e38, 1e-38)),
    *(struct.pack("<d", x) for x in (math.nan, -math.inf, 1e300, -1.0)),
)


def changed_bytes(data: bytes, chance: Random) -> bytes:
    """One to three changes of a file of any kind."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice(_BYTE_CHANGES)(data, chance)
    return data


def _place(data: bytes, chance: Random) -> int:
    """Files begin with what tells of the rest: half of the places lie there."""
    most = len(data) if chance.random() < 0.5 else min(len(data), 200)
    return chance.randrange(most + 1)


def flip(data: bytes, chance: Random) -> bytes:
    """Other bits, up to eight."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 8) if data else 0):
        found[min(_place(data, chance), len(data) - 1)] ^= 1 << chance.randrange(8)
    return bytes(found)


def cut(data: bytes, chance: Random) -> bytes:
    """No end."""
    return data[: chance.randrange(len(data) + 1)]


def _drop(data: bytes, chance: Random) -> bytes:
    start = _place(data, chance)
    return data[:start] + data[start + chance.randint(1, 200) :]


def _double(data: bytes, chance: Random) -> bytes:
    start = _place(data, chance)
    chunk = data[start : start + chance.randint(1, 400)]
    return data[:start] + chunk * chance.choice((2, 2, 50)) + data[start + len(chunk) :]


def _swap(data: bytes, chance: Random) -> bytes:
    a, b, c = sorted(_place(data, chance) for _ in range(3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def _number(data: bytes, chance: Random) -> bytes:
    start, number = _place(data, chance) & ~3, chance.choice(_NUMBERS)
    return data[:start] + number + data[start + len(number) :]


def noise(data: bytes, chance: Random) -> bytes:
    """Bytes of no meaning, in the place of others or between them."""
    start = _place(data, chance)
    noise = chance.randbytes(chance.randint(1, 40))
    return data[:start] + noise + data[start + len(noise) * chance.randrange(2) :]


_BYTE_CHANGES = (flip, flip, cut, _drop, _double, _swap, _number, _number, noise)
