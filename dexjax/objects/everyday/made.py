"""What the generators make, in figures: whether a plan or a cache is still of it.

The source text says nothing about that: a comment changes it, another version of a
library does not. So a few members of every category are made and measured. That takes
two seconds, and is remembered for as long as neither the code nor a library changes.
"""

import functools
import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dexjax.cache import remembered
from dexjax.objects.everyday.meshes import make_mesh
from dexjax.objects.procedural import CATEGORIES, make_shape

# Of each category; variant 0, the typical one, has fewer ways to differ.
_VARIANTS = (1, 2)
# Made whole, with hulls and all.
_WHOLE = (("box", 1), ("mug", 1), ("knife", 3))
# Share by which figures may differ between versions of the libraries.
_TOLERANCE = 1e-3
_LIBRARIES = ("manifold3d", "numpy", "scipy", "trimesh")
_FOLDER = Path(__file__).resolve().parents[1]


def shape_figures() -> dict[str, list[float]]:
    """Of each category its sample's extents (m), areas (m^2) and volumes (m^3)."""
    names, figures = _made()["names"], _made()["figures"]
    return {
        str(name): [float(f"{value:.5g}") for value in row]
        for name, row in zip(names, figures, strict=True)
    }


def agrees(figures: Mapping[str, Sequence[float]]) -> bool:
    """Whether `shape_figures` were the same when the given ones were taken."""
    now = shape_figures()
    return now.keys() == figures.keys() and all(
        np.shape(now[name]) == np.shape(figures[name])
        and np.allclose(now[name], figures[name], rtol=_TOLERANCE, atol=0)
        for name in now
    )


def records_digest() -> str:
    """Hash of a few whole records, to the last bit."""
    return str(_made()["digest"])


@functools.cache
def _made() -> dict[str, np.ndarray]:
    sources = sorted(_FOLDER.rglob("*.py"))
    content = [path.read_bytes() for path in sources]
    content += [importlib.metadata.version(name).encode() for name in _LIBRARIES]
    return remembered("made", content, _measure)


def _measure() -> dict[str, np.ndarray]:
    digest = hashlib.sha256()
    for category, variant in _WHOLE:
        digest.update(make_mesh(category, variant).tobytes())
    return {
        "names": np.array(list(CATEGORIES)),
        "figures": np.array([_figures(category) for category in CATEGORIES]),
        "digest": np.array(digest.hexdigest()),
    }


def _figures(category: str) -> list[float]:
    figures: list[float] = []
    for variant in _VARIANTS:
        mesh = make_shape(category, variant).mesh
        figures += [*mesh.extents.tolist(), float(mesh.area), float(mesh.volume)]
    return figures
