"""Handy objects: blocks whose height, width and mass are known."""

import dataclasses

import numpy as np
import pytest
from small_scene import block

from dexjax.objects.handy import handy
from dexjax.objects.object_set import build_object


def a_block(*size):
    return build_object("block", "block", [block((0, 0, 0), size)], hulls=2)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((0.2, 0.05, 0.04), True),
        ((0.2, 0.05, 0.03), False),  # low
        ((0.12, 0.11, 0.05), False),  # wide whichever way
        ((0.099, 0.2, 0.04), True),
    ],
)
def test_height_and_width(size, expected):
    light = dataclasses.replace(a_block(*size), mass=np.array([0.2], np.float32))
    assert handy(light).tolist() == [expected]


def test_how_it_lies_counts():
    standing = dataclasses.replace(
        a_block(0.02, 0.2, 0.2),
        mass=np.array([0.2], np.float32),
        rest_quat=np.array([[np.sqrt(0.5), 0, np.sqrt(0.5), 0]], np.float32),
    )
    # On its side it is low and wide; as it was made it stands, 2 cm across.
    assert handy(standing).tolist() == [False]
    upright = np.array([[1.0, 0, 0, 0]], np.float32)
    assert handy(dataclasses.replace(standing, rest_quat=upright)).tolist() == [True]


def test_mass():
    heavy = dataclasses.replace(
        a_block(0.05, 0.05, 0.05), mass=np.array([0.6], np.float32)
    )
    assert handy(heavy).tolist() == [False]
