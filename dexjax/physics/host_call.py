"""Calls from compiled JAX code to Python on the host.

`jax.pure_callback` copies every array twice and keeps what calls it out of the
compilation cache. On a CPU a `HostFunction` instead reads and writes XLA's own buffers,
through XLA's C interface for foreign functions (`xla/ffi/api/c_api.h` in jaxlib's
include folder). Its structures, those of major version 0, are spelled out here for
ctypes; with another version `jax.pure_callback` serves on a CPU too.
"""

import ctypes
import functools
import itertools
import math
import re
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import numpy as np

Arrays = list[np.ndarray]

_TARGET = "dexjax_host_call"
_DTYPES = {2: np.int8, 4: np.int32, 6: np.uint8, 11: np.float32, 12: np.float64}
_EXECUTE = 3  # XLA_FFI_ExecutionStage
_INTERNAL = 13  # XLA_FFI_Error_Code

_numbers = itertools.count()
_functions: weakref.WeakValueDictionary = weakref.WeakValueDictionary()


class HostFunction:
    """A Python function over NumPy arrays that compiled code can call.

    Under `vmap` it is called once, all arrays with the batch in front. The object must
    live as long as computations that call it. Functions are known to compiled code by
    the order in which they were made: a program that makes them in the same order finds
    its compiled code in JAX's cache.
    """

    def __init__(self, function: Callable[[Arrays, Arrays], None]) -> None:
        """Makes it callable.

        Args:
            function: of inputs, which it must not change, and outputs, which it fills.
        """
        self.function = function
        self._number = next(_numbers)
        _functions[self._number] = self

    def __call__(
        self, outputs: Sequence[jax.ShapeDtypeStruct], *inputs: jax.Array
    ) -> list[jax.Array]:
        """Calls it from JAX.

        Args:
            outputs: shapes and types of the results, without a batch.
            inputs: int8, uint8, int32, float32 or float64 arrays.
        """
        through_ffi = self._through_ffi(outputs)
        through_callback = self._through_callback(outputs)
        return jax.lax.platform_dependent(
            *inputs,
            cpu=through_ffi if _registered() else through_callback,
            default=through_callback,
        )

    def _through_ffi(self, outputs: Sequence[jax.ShapeDtypeStruct]) -> Callable:
        call = jax.ffi.ffi_call(_TARGET, outputs, vmap_method="broadcast_all")
        return lambda *inputs: list(call(*inputs, number=np.int64(self._number)))

    def _through_callback(self, outputs: Sequence[jax.ShapeDtypeStruct]) -> Callable:
        def call(*inputs):
            rank = np.ndim(inputs[0])

            def on_host(*inputs):
                batch = np.shape(inputs[0])[: np.ndim(inputs[0]) - rank]
                filled = [np.empty(batch + out.shape, out.dtype) for out in outputs]
                self.function([np.asarray(x) for x in inputs], filled)
                return filled

            return jax.pure_callback(
                on_host, list(outputs), *inputs, vmap_method="broadcast_all"
            )

        return call


class _Extension(ctypes.Structure):
    pass


_Extension._fields_ = [
    ("struct_size", ctypes.c_size_t),
    ("type", ctypes.c_int),
    ("next", ctypes.POINTER(_Extension)),
]


class _Version(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("major", ctypes.c_int),
        ("minor", ctypes.c_int),
    ]


class _Metadata(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("version", _Version)]


class _MetadataExtension(ctypes.Structure):
    _fields_ = [("base", _Extension), ("metadata", ctypes.POINTER(_Metadata))]


class _ErrorArguments(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("message", ctypes.c_char_p),
        ("code", ctypes.c_int),
    ]


_MakeError = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(_ErrorArguments))


class _Api(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("version", _Version),
        ("internal", ctypes.c_void_p),
        ("make_error", _MakeError),
    ]


class _Buffer(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("dtype", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("rank", ctypes.c_int64),
        ("dims", ctypes.POINTER(ctypes.c_int64)),
    ]


class _Buffers(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("size", ctypes.c_int64),
        ("types", ctypes.c_void_p),
        ("buffers", ctypes.POINTER(ctypes.POINTER(_Buffer))),
    ]


class _Scalar(ctypes.Structure):
    _fields_ = [("dtype", ctypes.c_int), ("value", ctypes.POINTER(ctypes.c_int64))]


class _Attributes(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("size", ctypes.c_int64),
        ("types", ctypes.c_void_p),
        ("names", ctypes.c_void_p),
        ("attributes", ctypes.POINTER(ctypes.POINTER(_Scalar))),
    ]


class _Frame(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.POINTER(_Extension)),
        ("api", ctypes.POINTER(_Api)),
        ("context", ctypes.c_void_p),
        ("stage", ctypes.c_int),
        ("inputs", _Buffers),
        ("outputs", _Buffers),
        ("attributes", _Attributes),
    ]


@ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(_Frame))
def _handle(pointer):
    """What XLA calls: NULL if all went well, else one of its errors."""
    frame = pointer.contents
    if frame.extension:
        _tell_version(frame)
        return None
    if frame.stage != _EXECUTE:
        return None
    try:
        number = frame.attributes.attributes[0].contents.value.contents.value
        if number not in _functions:
            raise RuntimeError("the engine of this computation no longer exists")
        _functions[number].function(_arrays(frame.inputs), _arrays(frame.outputs))
    except BaseException as error:  # It cannot pass through C.
        return _error(frame, f"{type(error).__name__}: {error}")
    return None


def _tell_version(frame: _Frame) -> None:
    """Answers XLA's question at registration: for which version this was written."""
    extension = ctypes.cast(frame.extension, ctypes.POINTER(_MetadataExtension))
    told = extension.contents.metadata.contents.version
    told.major, told.minor = _header_version()


@functools.cache
def _header_version() -> tuple[int, int]:
    """Of XLA's interface, (major, minor); major is -1 where jaxlib lacks its header.

    A call's frame tells it too, but not before jaxlib 0.8.1.
    """
    header = Path(jax.ffi.include_dir()) / "xla/ffi/api/c_api.h"
    text = header.read_text(encoding="utf-8") if header.is_file() else ""
    found = dict(re.findall(r"#define XLA_FFI_API_(MAJOR|MINOR) (\d+)", text))
    return int(found.get("MAJOR", -1)), int(found.get("MINOR", -1))


@functools.cache
def _registered() -> bool:
    """Makes `_handle` known to XLA, once; whether its structures are those above.

    Not when imported: a registration that XLA refuses takes the CPU from JAX.
    """
    if _header_version()[0] != 0:
        return False
    jax.ffi.register_ffi_target(_TARGET, jax.ffi.pycapsule(_handle), platform="cpu")
    return True


def _error(frame: _Frame, message: str) -> int:
    size = ctypes.sizeof(_ErrorArguments)
    arguments = _ErrorArguments(size, None, message.encode(), _INTERNAL)
    return frame.api.contents.make_error(ctypes.byref(arguments))


def _arrays(buffers: _Buffers) -> Arrays:
    """XLA's buffers as they lie in memory."""
    return [_array(buffers.buffers[i].contents) for i in range(buffers.size)]


def _array(buffer: _Buffer) -> np.ndarray:
    shape = tuple(buffer.dims[: buffer.rank])
    dtype = np.dtype(_DTYPES[buffer.dtype])
    size = math.prod(shape) * dtype.itemsize
    memory = (ctypes.c_char * size).from_address(buffer.data if size else 0)
    return np.ndarray(shape, dtype, memory) if size else np.empty(shape, dtype)
