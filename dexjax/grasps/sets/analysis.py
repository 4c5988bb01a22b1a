"""Points of an object from which fingers could hold it (DexterityGen, section III-A).

Two, three or four points are drawn from the surface. They are taken where forces along
their inward normals, one of them of length 1, nearly cancel. Torques do not count: the
paper found the whole wrench too strict and too slow.
"""

import itertools
from typing import NamedTuple

import numpy as np

POINTS = (2, 3, 4)
# Largest net force that is taken. The paper publishes none; friction of coefficient 1
# at two contacts bears ten times as much.
BALANCED = 0.2
# Added to the squares of the normals, so that parallel ones can be solved for.
_RIDGE = 1e-9


class Contacts(NamedTuple):
    """n choices of up to K points of an object.

    Attributes:
        points: (n, K, 3) m, in the object's frame.
        normals: (n, K, 3) outward, unit; zero where there is no point.
        there: (n, K) bool, which points there are; the first ones.
    """

    points: np.ndarray
    normals: np.ndarray
    there: np.ndarray


def draw_contacts(
    points: np.ndarray,
    normals: np.ndarray,
    which: np.ndarray,
    most: int,
    rng: np.random.Generator,
) -> Contacts:
    """Draws 2, 3 or 4 points of each of n objects, all numbers as often.

    Args:
        points: (objects, P, 3) m, on the surfaces.
        normals: (objects, P, 3) outward, unit.
        which: (n,) index of the object.
        most: points that are drawn at most, at least 2; a hand has no more fingers.
        rng: draws numbers and points.
    """
    numbers = rng.choice([number for number in POINTS if number <= most], len(which))
    there = np.arange(min(most, max(POINTS))) < numbers[:, None]
    drawn = which[:, None], rng.integers(0, points.shape[1], there.shape)
    return Contacts(points[drawn], normals[drawn] * there[..., None], there)


def least_force(contacts: Contacts) -> np.ndarray:
    """The least net force of contacts of which one presses with 1, (n,).

    Over every contact i with f_i = 1 and over all f_j >= 0 of the others, the least
    |sum_j f_j n_j|. Which others press at the best is a subset of them: all are tried.
    With f_j below 0 set to 0 each gives forces that are allowed, and the right subset
    gives the best.
    """
    total, most = contacts.there.shape
    least = np.full(total, np.inf)
    for one in range(most):
        others = [other for other in range(most) if other != one]
        for number in range(most):
            for pressing in itertools.combinations(others, number):
                net = _net_force(contacts.normals, one, list(pressing))
                least = np.where(contacts.there[:, one], np.minimum(least, net), least)
    return least


def _net_force(normals: np.ndarray, one: int, pressing: list[int]) -> np.ndarray:
    """Net force (n,) of one contact that presses with 1 and the best of some others.

    A contact that is not there has no normal, and presses in vain.
    """
    fixed, free = normals[:, one], normals[:, pressing]
    squares = free @ np.swapaxes(free, 1, 2) + _RIDGE * np.eye(len(pressing))
    against = -free @ fixed[:, :, None]
    force = np.maximum(np.linalg.solve(squares, against), 0.0)
    return np.linalg.norm(fixed + (force * free).sum(axis=1), axis=1)


def balanced(contacts: Contacts) -> np.ndarray:
    """Which choices can hold an object by their normals, (n,) bool."""
    return least_force(contacts) <= BALANCED
