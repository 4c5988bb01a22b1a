"""Changes of a NumPy file: other arrays, and pickles that would run code."""

import io
import math
import os
import pickle
import struct
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from fuzzing import strange
from fuzzing.changes.bytewise import changed_bytes


def changed_npy(data: bytes, chance: Random) -> bytes:
    """A NumPy file: changed bytes, another array, or a pickle that would run code."""
    kind = chance.randrange(9)
    if kind < 4:
        return changed_bytes(data, chance)
    if kind < 6:
        return strange_array(chance)
    if kind == 6:  # Nested deeper than Python's own pickler writes; a huge memo.
        head = pickled(0).split(b"\n", 1)[0] + b"\n"
        deep = b"]" * 20_000 + b"a" * 19_999
        return head + b"\x80\x04" + chance.choice((deep, b"Nr\xff\xff\xff\x0f")) + b"."
    return pickled(_evil(chance))


def pickled(value: Any) -> bytes:
    """A .npy file around a pickle."""
    array = np.empty((), object)
    array[()] = value
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def strange_array(chance: Random) -> bytes:
    """A .npy file of an array that nobody expects, or that says it is enormous."""
    array = chance.choice(
        (
            *(np.zeros(0), np.zeros((0, 3)), np.float64(math.nan), np.full(3, -1)),
            *(np.full((1, 2, 3), 1e300), np.array("x"), np.array(["é" * 9] * 3)),
            *(np.zeros(2, complex), np.array([True]), np.zeros(2, "m8[s]")),
            *(np.zeros(3, [("a", "f4"), ("b", "O")]), np.zeros(3, ">f4"), np.zeros(1)),
        )
    )
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    data = out.getvalue()
    if chance.random() < 0.3:
        size = chance.choice((10**9, 10**12, 10**30, -3))
        head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({size},), }}\n"
        data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode()
    return data


class _Runs:
    """Pickled, it is a call."""

    def __init__(self, function: Callable, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple:
        return self.call


def _evil(chance: Random) -> Any:
    own: list = []
    own.append(own)
    say = f"open({strange.CANARY!r}, 'w').close()"
    return chance.choice(
        (
            _Runs(os.system, f"touch {strange.CANARY}"),
            _Runs(exec, say),
            [{"qpos": _Runs(eval, say), "scale": 1.0}],
            {"qpos": _Runs(os.unlink, "bystander.txt")},
            _Runs(
                pickle.loads, pickle.dumps(_Runs(os.system, f"touch {strange.CANARY}"))
            ),
            own,
            {"qpos": {"WRJRx": own}, "scale": own},
            [{1: 2}, None, object],
        )
    )
