"""PLY (Stanford): positions and faces, text or binary, triangles and polygons mixed."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dexjax.errors import DexjaxError

_TYPES = {
    "char": "i1",
    "uchar": "u1",
    "short": "i2",
    "ushort": "u2",
    "int": "i4",
    "uint": "u4",
    "float": "f4",
    "double": "f8",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "float32": "f4",
    "float64": "f8",
}
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_CORNERS = ("vertex_indices", "vertex_index")


class _Property(NamedTuple):
    """One value, or a list of values behind its length, which has the type `length`."""

    name: str
    type: str
    length: str | None


class _Element(NamedTuple):
    name: str
    rows: int
    properties: list[_Property]


def parse_ply(path: Path, data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Reads the bytes of a PLY file.

    Returns:
        Vertices (n, 3) and triangles (m, 3); polygons become fans.

    Raises:
        DexjaxError: no PLY file, cut off, or without vertices or faces.
    """
    order, elements, start = _parse_header(path, data)
    rows = _text_rows if order == "" else _binary_rows
    points: np.ndarray | None = None
    triangles: np.ndarray | None = None
    try:
        for element in elements:
            columns, start = rows(data, start, element, order)
            if element.name == "vertex":
                points = np.stack([columns[axis] for axis in "xyz"], axis=1)
            elif element.name == "face":
                lists = next(columns[c] for c in _CORNERS if c in columns)
                triangles = _fans(lists)
    except (ValueError, IndexError, OverflowError, MemoryError):
        raise DexjaxError(
            f"{path}: has fewer or other values than the {element.rows} of element "
            f"{element.name!r} that its header counts: is it cut off?"
        ) from None
    except (KeyError, StopIteration):
        raise DexjaxError(
            f"{path}: its element {element.name!r} lacks x, y, z or vertex_indices"
        ) from None
    if points is None or triangles is None:
        raise DexjaxError(f"{path}: holds no vertices or no faces")
    return points.astype(float), triangles


def _parse_header(path: Path, data: bytes) -> tuple[str, list[_Element], int]:
    """Byte order ("" for text), the elements, and where their values start."""
    if not data.startswith(b"ply"):
        raise DexjaxError(f"{path}: does not begin with 'ply', as PLY files do")
    end = re.search(rb"^end_header[ \t]*(\r\n|\n|\r)", data, re.M)
    if end is None:
        raise DexjaxError(f"{path}: its header has no end: is it cut off?")
    order = None
    elements: list[_Element] = []
    for line in data[: end.start()].decode("latin-1").splitlines():
        try:
            match line.split():
                case ["format", name, _]:
                    order = _ORDERS[name]
                case ["element", name, length]:
                    elements.append(_Element(name, int(length), []))
                case ["property", "list", count, kind, name]:
                    listed = _Property(name, _TYPES[kind], _TYPES[count])
                    elements[-1].properties.append(listed)
                case ["property", kind, name]:
                    one = _Property(name, _TYPES[kind], None)
                    elements[-1].properties.append(one)
        except (KeyError, ValueError, IndexError):
            raise DexjaxError(f"{path}: its header has {line[:60]!r}") from None
    if order is None or any(e.rows < 0 for e in elements):
        raise DexjaxError(f"{path}: its header names no format, or a negative count")
    return order, elements, end.end()


def _text_rows(
    data: bytes, start: int, element: _Element, order: str
) -> tuple[dict, int]:
    """Columns of one element from lines, and where the next one starts."""
    del order
    columns: dict[str, list] = {p.name: [] for p in element.properties}
    # A line end a value: what the header counts cannot be more than what is there.
    if element.rows > len(data) - start:
        raise ValueError
    for _ in range(element.rows):
        words: list[bytes] = []
        while not words:
            if start >= len(data):
                raise ValueError
            stop = data.find(b"\n", start)
            stop = len(data) if stop < 0 else stop
            words, start = data[start:stop].split(), stop + 1
        place = 0
        for name, _, count in element.properties:
            if count is None:
                columns[name].append(float(words[place]))
                place += 1
                continue
            length = int(words[place])
            if length < 0 or place + 1 + length > len(words):
                raise ValueError
            values = words[place + 1 : place + 1 + length]
            columns[name].append([int(float(v)) for v in values])
            place += 1 + length
    return {
        p.name: columns[p.name] if p.length else np.array(columns[p.name])
        for p in element.properties
    }, start


def _binary_rows(
    data: bytes, start: int, element: _Element, order: str
) -> tuple[dict, int]:
    """Columns of one element from bytes, and where the next one starts."""
    lengths = {p.name: 0 for p in element.properties if p.length}
    if element.rows and lengths:
        lengths = _first_lengths(data, start, element, order)
    dtype = _row_type(element, order, lengths)
    size = element.rows * dtype.itemsize
    if start + size <= len(data):
        table = np.frombuffer(data, dtype, element.rows, start)
        if all((table[f"{n} count"] == k).all() for n, k in lengths.items()):
            return {p.name: table[p.name] for p in element.properties}, start + size
    if not lengths:
        raise ValueError
    return _mixed_rows(data, start, element, order)


def _row_type(element: _Element, order: str, lengths: dict[str, int]) -> np.dtype:
    """One row, if all its lists are as long as the first row's."""
    fields: list[tuple] = []
    for name, kind, count in element.properties:
        if count is None:
            fields.append((name, order + kind))
        else:
            fields.append((f"{name} count", order + count))
            fields.append((name, order + kind, (lengths[name],)))
    return np.dtype(fields)


def _first_lengths(
    data: bytes, start: int, element: _Element, order: str
) -> dict[str, int]:
    row, _ = _mixed_rows(data, start, element._replace(rows=1), order)
    return {p.name: len(row[p.name][0]) for p in element.properties if p.length}


def _mixed_rows(
    data: bytes, start: int, element: _Element, order: str
) -> tuple[dict, int]:
    """Row after row, where lists differ in length."""
    columns: dict[str, list] = {p.name: [] for p in element.properties}
    types = [
        (
            p.name,
            np.dtype(order + p.type),
            np.dtype(order + p.length) if p.length else None,
        )
        for p in element.properties
    ]
    for _ in range(element.rows):
        for name, kind, count in types:
            length = 1
            if count is not None:
                length = int(np.frombuffer(data, count, 1, start)[0])
                start += count.itemsize
            if length:
                values = np.frombuffer(data, kind, length, start).tolist()
            else:
                values = []
            start += length * kind.itemsize
            columns[name].append(values if count is not None else values[0])
    return {
        p.name: columns[p.name] if p.length else np.array(columns[p.name])
        for p in element.properties
    }, start


def _fans(polygons: np.ndarray | list[list[int]]) -> np.ndarray:
    """(m, 3) triangles of polygons; those with fewer corners are left out."""
    if isinstance(polygons, np.ndarray):
        corners = polygons.astype(np.int64)
        fans = [corners[:, [0, i, i + 1]] for i in range(1, corners.shape[1] - 1)]
        return np.stack(fans, axis=1).reshape(-1, 3) if fans else np.zeros((0, 3), int)
    triangles = [
        (first, a, b)
        for first, *rest in filter(None, polygons)
        for a, b in zip(rest[:-1], rest[1:], strict=True)
    ]
    return np.array(triangles, np.int64).reshape(-1, 3)
