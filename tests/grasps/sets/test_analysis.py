"""Grasp analysis against another solver, and what balances by it."""

import numpy as np
import pytest
from scipy.optimize import nnls

from dexjax.grasps.sets.analysis import (
    BALANCED,
    Contacts,
    balanced,
    draw_contacts,
    least_force,
)
from dexjax.objects.geometric import geometric_objects


def contacts(normals, there=None):
    """Choices of contacts with given normals (n, K, 3)."""
    normals = np.array(normals, float)
    there = np.ones(normals.shape[:2], bool) if there is None else there
    normals = normals / np.maximum(np.linalg.norm(normals, axis=-1)[..., None], 1e-9)
    return Contacts(np.zeros_like(normals), normals * there[..., None], there)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_the_least_force_is_that_of_another_solver(number):
    normals = np.random.default_rng(number).normal(size=(200, number, 3))
    found = contacts(normals)
    expected = []
    for own in found.normals:
        others = [np.delete(own, i, axis=0).T for i in range(number)]
        expected.append(min(nnls(o, -own[i])[1] for i, o in enumerate(others)))
    np.testing.assert_allclose(least_force(found), expected, atol=1e-6)
    assert (least_force(found) < 0.5).any() and (least_force(found) > 0.5).any()


def test_points_that_are_not_there_do_not_count():
    normals = np.random.default_rng(0).normal(size=(50, 4, 3))
    fewer = contacts(normals, np.tile([True, True, False, False], (50, 1)))
    np.testing.assert_allclose(
        least_force(fewer), least_force(contacts(normals[:, :2])), atol=1e-6
    )


def test_opposed_points_balance_and_those_of_one_side_do_not():
    x, y = np.eye(3)[:2]
    found = contacts([[x, -x], [x, x], [x, y]])
    assert balanced(found).tolist() == [True, False, False]
    np.testing.assert_allclose(least_force(found), [0, 1, 1], atol=1e-6)
    # A third point beside two opposed ones need not press; three round a ball balance.
    around = [[np.cos(a), np.sin(a), 0] for a in (0.0, 2.1, 4.2)]
    assert balanced(contacts([[x, -x, y], around])).all()
    tilted = [np.cos(2 * BALANCED), np.sin(2 * BALANCED), 0]
    assert not balanced(contacts([[x, -np.array(tilted)]])).any()


def test_points_are_drawn_from_the_surface_of_their_object():
    objects = geometric_objects("train", ["cube", "ball"])
    which = np.arange(300) % 2
    rng = np.random.default_rng(0)
    found = draw_contacts(objects.points, objects.normals, which, 3, rng)
    assert set(found.there.sum(axis=1)) == {2, 3}
    far = np.linalg.norm(found.points[which == 1], axis=-1)
    assert far == pytest.approx(0.032, abs=0.002)
    assert np.abs(found.points[which == 0]).max(axis=-1) == pytest.approx(0.028)
    length = np.linalg.norm(found.normals, axis=-1)
    np.testing.assert_allclose(length, found.there, atol=1e-5)
