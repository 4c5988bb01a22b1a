"""Wavefront OBJ: positions and faces, with the line of whatever is wrong.

Texture coordinates, normals and materials are left out, since they double vertices
that are one.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from dexjax.errors import DexjaxError
from dexjax.objects.meshes.text import decode

_LONGEST_QUOTE = 40
_MOST_VERTICES = 2**62


class Obj(NamedTuple):
    """What an OBJ file holds.

    Attributes:
        vertices: (n, 3).
        groups: name and triangles (m, 3) of each `o` group; those before the first
            one, if any, are named "".
    """

    vertices: np.ndarray
    groups: list[tuple[str, np.ndarray]]


def parse_obj(path: Path, data: bytes) -> Obj:
    """Reads the bytes of an OBJ file; polygons become fans of triangles.

    Raises:
        DexjaxError: a damaged line, or a face of vertices that are not there.
    """
    text = decode(data).replace("\\\r\n", " ").replace("\\\n", " ")
    vertices: list[list[float]] = []
    groups: list[tuple[str, list[tuple[int, int, int]]]] = [("", [])]
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        try:
            match words[:1]:
                case ["v"]:
                    x, y, z = words[1:4]
                    vertices.append([float(x), float(y), float(z)])
                case ["o"]:
                    groups.append((" ".join(words[1:]), []))
                case ["f"]:
                    groups[-1][1].extend(_fan(words[1:], len(vertices)))
        except (ValueError, IndexError):
            raise DexjaxError(
                f"{path}: line {number} is damaged: {_quote(line)}"
            ) from None
    points = np.array(vertices, float).reshape(-1, 3)
    if not groups[0][1]:
        del groups[0]
    found = [(n, np.array(f, np.int64).reshape(-1, 3)) for n, f in groups]
    for name, faces in found:
        _check_faces(path, name, faces, len(points))
    return Obj(points, found)


def _fan(words: list[str], known: int) -> list[tuple[int, int, int]]:
    """Triangles of one polygon; negative numbers count back from the last vertex."""
    numbers = [int(w.split("/", 1)[0]) for w in words]
    if len(numbers) < 3 or 0 in numbers or min(numbers) < -known:
        raise ValueError
    if max(numbers) > _MOST_VERTICES:
        raise ValueError
    first, *rest = (c - 1 if c > 0 else known + c for c in numbers)
    return [(first, a, b) for a, b in zip(rest[:-1], rest[1:], strict=True)]


def _check_faces(path: Path, name: str, faces: np.ndarray, known: int) -> None:
    bad = faces[faces >= known]
    if len(bad):
        where = f" of {name}" if name else ""
        raise DexjaxError(
            f"{path}: a face{where} names vertex {bad[0] + 1}, which is missing: "
            f"there are {known}"
        )


def _quote(line: str) -> str:
    short = line[:_LONGEST_QUOTE]
    return ascii(short if short == line else f"{short}...")
