"""The graph over a set, against all pairs and another library."""

import networkx
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dexjax.grasps.sets.graph import (
    FARTHEST,
    NEAREST,
    Neighbours,
    Places,
    distances,
    largest_part,
    near_grasps,
)


def places(count, seed=0):
    """Grasps that are neither all near nor all far."""
    rng = np.random.default_rng(seed)
    turns = Rotation.from_rotvec(rng.normal(0, 0.4, (count, 3)))
    return Places(
        rng.normal(0, 0.01, (count, 3)),
        turns.as_quat(scalar_first=True) * rng.choice([-1, 1], (count, 1)),
        rng.normal(0, 0.15, (count, 16)),
    )


def test_a_distance_is_the_sum_of_its_parts():
    one = Places(np.zeros(3), np.array([1.0, 0, 0, 0]), np.zeros(4))
    turn = Rotation.from_rotvec([0, 0, 0.8]).as_quat(scalar_first=True)
    assert distances(one, one) == pytest.approx(0)
    assert distances(one, one._replace(position=np.array([0.04, 0, 0]))) == 2.0
    # q and -q are one turn.
    other = one._replace(quaternion=-turn)
    assert distances(one, other) == pytest.approx(2.0)
    assert distances(one, one._replace(joints=np.full(4, 0.6))) == pytest.approx(2.0)


def test_neighbours_are_those_that_all_pairs_have():
    own = places(120)
    found = near_grasps(own, count=6)
    pairs = distances(
        Places(*(part[:, None] for part in own)), Places(*(p[None] for p in own))
    )
    np.fill_diagonal(pairs, np.inf)
    pairs[(pairs < NEAREST) | (pairs > FARTHEST)] = np.inf
    nearest = np.sort(pairs, axis=1)[:, :6]
    there = np.isfinite(nearest)
    assert there.mean() > 0.5 and not there.all()
    np.testing.assert_allclose(found.distance, nearest, rtol=1e-5)
    rows = np.repeat(np.arange(120), 6).reshape(120, 6)
    at = pairs[rows, found.grasp]
    np.testing.assert_allclose(at[there], nearest[there], rtol=1e-5)
    # What is missing repeats the last neighbour, or the grasp itself.
    lonely = ~there.any(axis=1)
    assert (found.grasp[lonely] == rows[lonely]).all()


def test_a_set_smaller_than_k_is_filled_up():
    found = near_grasps(places(4), count=6)
    assert found.grasp.shape == found.distance.shape == (4, 6)
    assert np.isinf(found.distance[:, 3:]).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_largest_part_is_that_of_networkx(seed):
    rng = np.random.default_rng(seed)
    grasp = rng.integers(60, size=(60, 2))
    distance = np.where(rng.random((60, 2)) < 0.6, 1.0, np.inf)
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(60))
    links = np.argwhere(np.isfinite(distance))
    graph.add_edges_from((int(row), int(grasp[row, k])) for row, k in links)
    sizes = [len(part) for part in networkx.strongly_connected_components(graph)]
    part = largest_part(Neighbours(grasp, distance))
    assert part.sum() == max(sizes)
    inside = set(np.flatnonzero(part))
    assert inside in list(networkx.strongly_connected_components(graph))
