"""What may be wrong with a file: changes of bytes, of text, of values and of archives.

Every function takes what is there and a generator of chances, and gives what is there
afterwards; the same chances give the same file.
"""

import io
import json
import math
import os
import pickle
import re
import struct
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

# What code that runs makes, in the folder where the command runs.
CANARY = "CODE_RAN"
_NUMBERS = (
    *(b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0" * 4, b"\0\0\0\x80"),
    *(struct.pack("<f", x) for x in (math.nan, math.inf, -1.0, 1e38, 1e-38)),
    *(struct.pack("<d", x) for x in (math.nan, -math.inf, 1e300, -1.0)),
)
# What stands where a word or a number stood.
WORDS = (
    *("nan", "-inf", "1e999", "1e308", "-1", "0", "1e-30", "9" * 400, "0x10", "1_0"),
    *("true", "~", "[]", "{}", "*a", "&a", "!!python/name:os.system", "2001-99-99"),
    *("'", '"', "<", "&", "&#0;", "<!--", "]]>", "\0", "\x7f", "é", "\ufeff", "\n"),
    *("\u2028", "../..", "/dev/zero", "x" * 5000, "١٢", "1,5", "-", "+", "."),
    f"!!python/object/apply:os.system [touch {CANARY}]",
    f"$(touch {CANARY})",
)
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 10**400, 1e308, math.nan, math.inf, -math.inf),
    *(
        "",
        "x",
        "é\n",
        "\0",
        "9" * 400,
        "../..",
        "/dev/zero",
        [],
        {},
        [[]],
        [1],
        {"": 0},
    ),
)
_ENCODINGS = ("utf-16", "utf-16-be", "utf-8-sig", "utf-32", "latin-1", "cp500")
_ENTITIES = (
    b'<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">\n'
    + b"".join(
        b'<!ENTITY %c "%s">\n' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(8)
    )
)


def changed_bytes(data: bytes, chance: Random) -> bytes:
    """One to three changes of a file of any kind."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice(_BYTE_CHANGES)(data, chance)
    return data


def changed_text(data: bytes, chance: Random) -> bytes:
    """One to three changes of words, lines or letters; now and then of bytes."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice(_TEXT_CHANGES)(data, chance)
    return data


def changed_value(value: Any, chance: Random) -> Any:
    """A tree of dicts and lists with one or two of its entries changed."""
    for _ in range(chance.choice((1, 1, 1, 2))):
        value = _changed_entry(value, chance)
    return value


def changed_json(data: bytes, chance: Random) -> bytes:
    """A JSON file: changed values mostly, else changed text, or nested without end."""
    kind = chance.randrange(10)
    if kind == 0:
        return b"[" * 200_000
    if kind < 3:
        return changed_text(data, chance)
    return json.dumps(changed_value(json.loads(data), chance)).encode()


def changed_xml(data: bytes, chance: Random) -> bytes:
    """An XML file: changed text, entities that unfold, or elements without end."""
    kind = chance.randrange(12)
    if kind == 0:
        return _ENTITIES + b"]>" + re.sub(rb"^<\?xml[^>]*\?>", b"", data) + b"&i;"
    if kind == 1:
        return b"<mujoco>" + b"<worldbody><body>" * 50_000
    return changed_text(data, chance)


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


def changed_npz(data: bytes, chance: Random) -> bytes:
    """An archive of arrays: one of them changed, or the archive itself."""
    return changed_zip(data, chance, changed_npy)


def changed_zip(
    data: bytes, chance: Random, member: Callable[[bytes, Random], bytes]
) -> bytes:
    """A zip archive.

    Args:
        data: the archive.
        chance: of what is changed.
        member: how one of its files is changed.
    """
    kind = chance.randrange(8)
    if kind == 0:
        return changed_bytes(data, chance)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(list(files))
    if kind == 1:
        del files[name]
    elif kind == 2:
        files[f"{chance.choice(('../', '/', 'x'))}{name}"] = files.pop(name)
    elif kind == 3:
        files[name] = bytes(chance.choice((1, 80)) * 1_000_000)
    else:
        files[name] = member(files[name], chance)
    packed = zipped(files)
    if kind == 7:  # The size that the directory tells is a lie.
        place = packed.rfind(b"PK\x01\x02") + 24
        packed = packed[:place] + b"\xf0\xff\xff\x7f" + packed[place + 4 :]
    return packed


def zipped(files: dict[str, bytes]) -> bytes:
    """A compressed archive of files by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            # A date of its own would make every archive another.
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


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
    say = f"open({CANARY!r}, 'w').close()"
    return chance.choice(
        (
            _Runs(os.system, f"touch {CANARY}"),
            _Runs(exec, say),
            [{"qpos": _Runs(eval, say), "scale": 1.0}],
            {"qpos": _Runs(os.unlink, "bystander.txt")},
            _Runs(pickle.loads, pickle.dumps(_Runs(os.system, f"touch {CANARY}"))),
            own,
            {"qpos": {"WRJRx": own}, "scale": own},
            [{1: 2}, None, object],
        )
    )


def _place(data: bytes, chance: Random) -> int:
    """Files begin with what tells of the rest: half of the places lie there."""
    most = len(data) if chance.random() < 0.5 else min(len(data), 200)
    return chance.randrange(most + 1)


def _flip(data: bytes, chance: Random) -> bytes:
    found = bytearray(data)
    for _ in range(chance.randint(1, 8) if data else 0):
        found[min(_place(data, chance), len(data) - 1)] ^= 1 << chance.randrange(8)
    return bytes(found)


def _cut(data: bytes, chance: Random) -> bytes:
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


def _noise(data: bytes, chance: Random) -> bytes:
    start = _place(data, chance)
    noise = chance.randbytes(chance.randint(1, 40))
    return data[:start] + noise + data[start + len(noise) * chance.randrange(2) :]


_BYTE_CHANGES = (_flip, _flip, _cut, _drop, _double, _swap, _number, _number, _noise)


def _word(data: bytes, chance: Random) -> bytes:
    words = list(re.finditer(rb"[\w.+-]+", data))
    if not words:
        return data + chance.choice(WORDS).encode()
    start, end = chance.choice(words).span()
    other = chance.random() < 0.3
    new = chance.choice(words).group() if other else chance.choice(WORDS).encode()
    return data[:start] + new + data[end:]


def _line(data: bytes, chance: Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    i, j = chance.randrange(len(lines)), chance.randrange(len(lines))
    kind = chance.randrange(4)
    if kind == 0:
        lines[i], lines[j] = lines[j], lines[i]
    elif kind == 1:
        del lines[min(i, j) : min(i, j) + chance.randint(1, 5)]
    elif kind == 2:
        lines[i] *= chance.choice((2, 1000))
    else:
        lines.insert(i, lines[j])
    return b"".join(lines)


def _encoded(data: bytes, chance: Random) -> bytes:
    text = data.decode("utf-8", errors="replace")
    return text.encode(chance.choice(_ENCODINGS), errors="replace")


def _line_ends(data: bytes, chance: Random) -> bytes:
    return data.replace(b"\n", chance.choice((b"\r", b"\r\n", b"\\\n", b"\0\n", b" ")))


_TEXT_CHANGES = (
    *(_word, _word, _word, _word, _line, _line, _line),
    *(_encoded, _line_ends, _flip, _cut, _noise),
)


def _changed_entry(value: Any, chance: Random) -> Any:
    """One entry of a tree removed, renamed or of another value."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.08:
        return chance.choice(VALUES)
    whole = dict(value) if isinstance(value, dict) else dict(enumerate(value))
    key, kind = chance.choice(list(whole)), chance.randrange(8)
    if kind < 5:
        whole[key] = _changed_entry(whole[key], chance)
    elif kind == 5:
        del whole[key]
    elif kind == 6 and isinstance(value, dict):
        whole[f"{key}x"] = whole.pop(key)
    else:
        whole[key] = chance.choice(VALUES)
    return whole if isinstance(value, dict) else list(whole.values())
