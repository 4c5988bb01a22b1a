"""Surface features against NumPy and a k-d tree."""

import numpy as np
import pytest
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from dexjax.tasks.grasp.surface import (
    DIRECTIONS,
    SCALE,
    nearest_points,
    surface_features,
)


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(200, 3)).astype(np.float32) * [0.08, 0.03, 0.02]
    return (
        points + [0.3, -0.1, 0.2],
        np.array([0.3, -0.1, 0.2]),
        rng.normal(size=(6, 3)),
    )


def test_directions_are_a_half_of_a_cubes_faces_edges_and_corners():
    assert DIRECTIONS.shape == (13, 3)
    np.testing.assert_allclose(np.linalg.norm(DIRECTIONS, axis=1), 1.0, rtol=1e-6)
    both = np.concatenate([DIRECTIONS, -DIRECTIONS])
    apart = np.linalg.norm(both[:, None] - both, axis=-1) + 9 * np.eye(26)
    assert apart.min() > 0.4


def test_extents_are_the_farthest_points(scene):
    points, centre, sites = scene
    got = np.asarray(surface_features(points, centre, sites))[:26]
    both = np.concatenate([DIRECTIONS, -DIRECTIONS])
    expected = [max(np.dot(p - centre, way) for p in points) for way in both]
    np.testing.assert_allclose(got, SCALE * np.array(expected), atol=1e-4)


def test_ways_lead_to_the_nearest_points(scene):
    points, centre, sites = scene
    got = np.asarray(surface_features(points, centre, sites))[26:].reshape(6, 3)
    nearest = points[KDTree(points).query(sites)[1]]
    np.testing.assert_allclose(got, SCALE * (nearest - sites), atol=1e-4)


def test_nearest_points_are_those_of_a_k_d_tree(scene):
    points, _, sites = scene
    nearest = points[KDTree(points).query(sites)[1]]
    np.testing.assert_allclose(nearest_points(points, sites), nearest, atol=1e-6)


def test_extents_tell_how_a_long_thing_is_turned(scene):
    points, centre, sites = scene
    quarter = Rotation.from_euler("z", 90, degrees=True).as_matrix()
    turned = (points - centre) @ quarter.T + centre
    before, after = (
        np.asarray(surface_features(p, centre, sites))[:26] for p in (points, turned)
    )
    x, y = (int(np.flatnonzero((DIRECTIONS == way).all(1))[0]) for way in np.eye(3)[:2])
    np.testing.assert_allclose(after[y], before[x], atol=1e-4)
    np.testing.assert_allclose(after[x], before[13 + y], atol=1e-4)
    assert before[x] > 2 * before[y]
