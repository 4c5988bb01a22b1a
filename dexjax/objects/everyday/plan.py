"""Which meshes at which scales make up the everyday set, and in which split.

everyday_plan.json holds the members, so that they are known before anything is built.
`dexjax objects plan` works them out: for each category its variants in turn,
each at the scales at which it rests stably and can be grasped (graspable.py). The
splits share no mesh: of a seen category the first variants are for training, the next
ones held out, but for those that look like one trained on; the unseen categories are
held out whole. The file keeps figures of the shapes (made.py): once the generators make
others, it must be made anew, as it must after a change of what counts as graspable.
"""

import functools
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from tqdm import tqdm

from dexjax.errors import DexjaxError
from dexjax.objects.everyday.graspable import why_not
from dexjax.objects.everyday.made import agrees, shape_figures
from dexjax.objects.everyday.meshes import make_mesh, scaled_objects
from dexjax.objects.procedural import SEEN, UNSEEN, make_shape
from dexjax.reading import parse_json

SCALES = (0.06, 0.08, 0.1, 0.12, 0.15)
SIZES = {"train": 3200, "unseen-object": 141, "unseen-category": 100}
PLAN = Path(__file__).with_name("everyday_plan.json")
# Scales of one mesh at most, so that a category shows many shapes; one where held out.
_SCALES_OF_A_MESH = {"train": 3, "unseen-object": 1, "unseen-category": 1}
_MOST_VARIANTS = 400
# Least distance of a held-out shape from those trained on, as a share of its radius.
DISTINCT = 0.02


class Member(NamedTuple):
    """An object of the set: one mesh at one scale.

    Attributes:
        category: of `procedural.CATEGORIES`.
        variant: which draw of its dimensions.
        scale: distance of the farthest vertex from the centre, m.
    """

    category: str
    variant: int
    scale: float

    @property
    def name(self) -> str:
        """Such as "mug:12@0.08"."""
        return f"{self.category}:{self.variant}@{self.scale:g}"


# What a plan that is damaged comes to.
_NO_PLAN = (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError)
# Of one split: for each category (variant, scale) in order.
Choices = dict[str, list[tuple[int, float]]]


@functools.cache
def members() -> dict[str, tuple[Member, ...]]:
    """All members by split, category after category in turns, so that few are varied.

    Raises:
        DexjaxError: the plan cannot be read, or was made from other shapes.
    """
    try:
        plan = parse_json(PLAN.read_bytes())
        by_split = {split: _in_turns(plan[split]) for split in SIZES}
        stale = not agrees(plan["made"])
    except _NO_PLAN as error:
        raise DexjaxError(f"{PLAN}: no plan of the everyday set ({error!r})") from None
    if stale:
        raise DexjaxError(f"{PLAN} was made from other shapes: dexjax objects plan")
    return by_split


def split_of(member: Member) -> str | None:
    """The split that an object belongs to; None if it is not in the set."""
    return _splits().get(member)


@functools.cache
def _splits() -> dict[Member, str]:
    return {member: split for split, all_of in members().items() for member in all_of}


def _in_turns(choices: Choices) -> tuple[Member, ...]:
    """One of each category, then the next of each."""
    rows = itertools.zip_longest(*choices.values())
    return tuple(
        _member(category, *chosen)
        for row in rows
        for category, chosen in zip(choices, row, strict=True)
        if chosen is not None
    )


def _member(category: str, variant: int, scale: float) -> Member:
    """A member, if these can be one; raises `ValueError` otherwise."""
    known = category in (*SEEN, *UNSEEN) and type(variant) is int and variant >= 0
    if not known or type(scale) is not float or scale not in SCALES:
        raise ValueError(f"{category!r:.40}, {variant!r:.40}, {scale!r:.40}")
    return Member(category, variant, scale)


def make_plan() -> dict[str, Choices]:
    """Works out all members anew; takes minutes.

    Raises:
        DexjaxError: a category that yields too few objects.
    """
    seen, unseen = _shuffled(SEEN), _shuffled(UNSEEN)
    train = _shares(SIZES["train"], len(seen))
    held_out = _shares(SIZES["unseen-object"], len(seen))
    wanted = {
        category: {"train": train[i], "unseen-object": held_out[i]}
        for i, category in enumerate(seen)
    }
    shares = _shares(SIZES["unseen-category"], len(unseen))
    wanted |= {
        category: {"unseen-category": share}
        for category, share in zip(unseen, shares, strict=True)
    }
    plan: dict[str, Choices] = {split: {} for split in SIZES}
    for category in tqdm(wanted, unit="category"):
        for split, choices in plan_category(category, wanted[category]).items():
            plan[split][category] = choices
    return plan


def plan_category(
    category: str, wanted: dict[str, int]
) -> dict[str, list[tuple[int, float]]]:
    """(variant, scale) of one category for each split.

    Args:
        category: its name.
        wanted: how many objects by split; the splits get variants one after another,
            the later ones none that looks like one of the first split.

    Raises:
        DexjaxError: too few variants can be grasped.
    """
    variants = iter(range(_MOST_VARIANTS))
    chosen: dict[str, list[tuple[int, float]]] = {}
    trained: list[np.ndarray] = []
    for split, count in wanted.items():
        meshes: list[list[tuple[int, float]]] = []
        while (missing := count - sum(map(len, meshes))) > 0:
            variant = next(variants, None)
            if variant is None:
                raise DexjaxError(f"{category!r} yields too few objects for {split}")
            if any(difference(_unit(category, variant), t) < DISTINCT for t in trained):
                continue
            most = min(missing, _SCALES_OF_A_MESH[split])
            scales = _usable_scales(category, variant, most)
            meshes.append([(variant, scale) for scale in scales])
        # The first scale of each mesh, then the second: shapes before sizes.
        turns = itertools.zip_longest(*meshes)
        chosen[split] = [c for turn in turns for c in turn if c is not None]
        if not trained:
            used = dict.fromkeys(variant for variant, _ in chosen[split])
            trained = [_unit(category, variant) for variant in used]
    return chosen


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """How far two shapes are apart: largest distance to the other's nearest vertex.

    Scale does not count, nor does a quarter turn about the vertical.

    Args:
        first: (n, 3) vertices at unit radius.
        second: (m, 3) likewise.
    """
    tree = cKDTree(first)
    turned = (second, second[:, [1, 0, 2]])
    return min(
        float(max(tree.query(s)[0].max(), cKDTree(s).query(first)[0].max()))
        for s in turned
    )


def _unit(category: str, variant: int) -> np.ndarray:
    """Vertices (n, 3) of a shape at unit radius."""
    vertices = make_shape(category, variant).mesh.vertices
    return vertices / np.linalg.norm(vertices, axis=1).max()


def write_plan(plan: dict[str, Choices], path: Path = PLAN) -> None:
    """Writes the plan and the figures of the shapes, one category a line."""
    parts = []
    content: dict[str, Mapping] = {"made": shape_figures(), **plan}
    for part, choices in content.items():
        rows = [f"  {json.dumps(c)}: {json.dumps(v)}" for c, v in choices.items()]
        parts.append(f" {json.dumps(part)}: {{\n" + ",\n".join(rows) + "\n }")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def _usable_scales(category: str, variant: int, most: int) -> list[float]:
    """Up to `most` scales at which a mesh can be grasped; other variants get others."""
    mesh = make_mesh(category, variant)[None]
    usable: list[float] = []
    first = variant % len(SCALES)
    for scale in (*SCALES[first:], *SCALES[:first]):
        if len(usable) < most:
            objects = scaled_objects(mesh, [scale], [category], [category], [""])
            usable += [scale] if why_not(objects) is None else []
    return usable


def _shuffled(categories: tuple[str, ...]) -> list[str]:
    """Not all vessels first."""
    order = np.random.default_rng(0).permutation(len(categories))
    return [categories[i] for i in order]


def _shares(total: int, parts: int) -> list[int]:
    """`total` in `parts` as equal shares as possible, the larger ones first."""
    return [total // parts + (i < total % parts) for i in range(parts)]
