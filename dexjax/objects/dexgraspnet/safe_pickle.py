"""Reads NumPy files that contain pickles, and runs nothing that they ask for.

A pickle is a program: it names any importable callable and calls it. Here the only
names that resolve are those NumPy itself writes, and even these resolve to stand-ins
that build plain lists and numeric arrays. NumPy's own constructors are never called
with the file's arguments, since `dtype.__setstate__` can be made to misread memory.
"""

import io
import lzma
import pickle
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dexjax.errors import DexjaxError, one_line
from dexjax.reading import read_bytes

# Bytes; a DexGraspNet file holds some hundred grasps of about 1 kB.
_LARGEST = 64_000_000
_NUMBERS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}
_DAMAGED = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,  # Lists in themselves, archives under a password.
    SyntaxError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,
    zlib.error,
)


def load_npy(path: Path) -> Any:
    """The content of a .npy file: a numeric array, or lists and dicts of numbers.

    Raises:
        DexjaxError: missing, truncated, or asking for anything else to be built.
    """
    return _guarded(path, _read_npy)


def load_npz(path: Path) -> dict[str, Any]:
    """The arrays of a .npz file by name; see `load_npy`."""
    return _guarded(path, _read_npz)


def _guarded(path: Path, read: Callable[[bytes], Any]) -> Any:
    data = read_bytes(path, _LARGEST)
    try:
        return read(data)
    except DexjaxError as error:
        raise DexjaxError(f"{path}: {error}") from None
    except _DAMAGED as error:
        what = one_line(f"{type(error).__name__}: {error}")
        raise DexjaxError(f"{path}: damaged or truncated ({what})") from None


def _read_npz(data: bytes) -> dict[str, Any]:
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(member.file_size for member in archive.infolist()) > _LARGEST:
            raise DexjaxError(f"unpacks to more than {_LARGEST // 1_000_000} MB")
        for name in archive.namelist():
            arrays[name.removesuffix(".npy")] = _read_npy(archive.read(name))
    return arrays


def _read_npy(data: bytes) -> Any:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise DexjaxError(f"unknown .npy version {version}")
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(stream)
    else:
        header = np.lib.format.read_array_header_2_0(stream)
    shape, fortran, dtype = header
    if not dtype.hasobject:
        if dtype.str[1:] not in _NUMBERS:
            raise DexjaxError(f"holds {dtype}, not numbers")
        values = np.frombuffer(stream.read(), dtype)
        return values.reshape(shape, order="F" if fortran else "C")
    return _plain(_Restricted(stream).load())


def _plain(value: Any) -> Any:
    """Unwraps the arrays that were built while unpickling."""
    if isinstance(value, _Array):
        return _plain(value.content)
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if value is None or isinstance(value, str | int | float | np.ndarray | np.generic):
        return value
    raise DexjaxError(f"holds a {type(value).__name__}, not numbers")


class _Array:
    """Stands in for an ndarray while it is being unpickled."""

    __slots__ = ("content",)

    def __init__(self) -> None:
        self.content: Any = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        if not isinstance(dtype, _Dtype):
            raise DexjaxError("an array of an unknown type")
        if dtype.code == "O":
            if not isinstance(data, list):
                raise DexjaxError("an object array that is not a list")
            self.content = data if shape else data[0]
        else:
            values = np.frombuffer(data, dtype.code)
            self.content = values.reshape(shape, order="F" if fortran else "C")


class _Dtype:
    """Stands in for a dtype: a number's code or "O"."""

    __slots__ = ("code",)

    def __init__(self, code: Any, *_: Any) -> None:
        if code in ("O", "O8"):
            self.code = "O"
        elif code in _NUMBERS:
            self.code = code
        else:
            raise DexjaxError(f"holds values of type {code!r}, not numbers")

    def __setstate__(self, state: Any) -> None:
        if state[1] not in ("<", "|", "="):
            raise DexjaxError(f"holds numbers of byte order {state[1]!r}")


def _scalar(dtype: Any, data: Any) -> Any:
    if not isinstance(dtype, _Dtype) or dtype.code == "O":
        raise DexjaxError("a scalar of an unknown type")
    return np.frombuffer(data, dtype.code)[0]


class _Builder:
    """A callable that a pickle may call but whose attributes it cannot set."""

    __slots__ = ("_build",)

    def __init__(self, build: Callable[..., Any]) -> None:
        self._build = build

    def __call__(self, *args: Any) -> Any:
        return self._build(*args)

    def __setstate__(self, _: Any) -> None:
        raise DexjaxError("tries to change the reader")


def _bytes_of(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes at pickle protocol 2."""
    if encoding != "latin1":
        raise DexjaxError(f"text encoded as {encoding!r}")
    return str.encode(text, "latin1")


_ALLOWED: dict[str, Callable[..., Any]] = {
    "numpy.ndarray": lambda *_: None,
    "numpy.dtype": _Dtype,
    "numpy.core.multiarray._reconstruct": lambda *_: _Array(),
    "numpy._core.multiarray._reconstruct": lambda *_: _Array(),
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    "_codecs.encode": _bytes_of,
}


class _Restricted(pickle.Unpickler):
    """Resolves the names in `_ALLOWED` and no other."""

    def find_class(self, module: str, name: str) -> _Builder:
        full = f"{module}.{name}"
        if full not in _ALLOWED:
            raise DexjaxError(f"refused: the file asks to run {full}")
        return _Builder(_ALLOWED[full])
