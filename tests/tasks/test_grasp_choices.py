"""Choices of the grasping task: what is observed, what the hand shall come near to."""

import dataclasses

import jax
import numpy as np
import pytest
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation
from scripted_grasp import CONFIG

from dexjax.errors import DexjaxError
from dexjax.spec import PRIVILEGED
from dexjax.tasks.grasp import GraspTask


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"observation": "everything"}, "observation 'everything': choose from geom"),
        (
            {"reward": "bas"},
            "reward 'bas': choose from base, full-pose, stage1, stage2",
        ),
        ({"near": "edge"}, "near 'edge': choose from centre, surface"),
        ({"reward": "stage1"}, "'stage1' needs grasp proposals, object 'box'"),
    ],
)
def test_unknown_choices_are_refused(task, change, line):
    with pytest.raises(DexjaxError, match=line):
        GraspTask(task.engine, dataclasses.replace(CONFIG, **change))


@pytest.mark.parametrize(
    ("choices", "shapes"),
    [
        ({}, {"proprioception": 123, "previous_action": 24, "object_position": 3}),
        (
            {"observation": "surface", "relative": True},
            {
                "proprioception": 123,
                "previous_action": 24,
                "object_position": 3,
                "object_state": 13,
                "object_code": 64,
                "surface": 44,
                "relative": 18,
            },
        ),
        (
            {"observation": "points", "privileged": ("object_state", "points")},
            {
                "proprioception": 123,
                "previous_action": 24,
                "points": (512, 3),
                "object_state": 13,
            },
        ),
    ],
)
def test_the_spec_says_what_is_observed(task, choices, shapes):
    config = dataclasses.replace(CONFIG, starts=2, **choices)
    own = GraspTask(task.engine, config, encoder="0123")
    state = jax.eval_shape(own.reset, jax.random.key(0))
    found = {each.name: each for each in own.spec.observations}
    assert list(found) == list(shapes) and set(state.obs) == set(shapes)
    for name, shape in shapes.items():
        expected = shape if isinstance(shape, tuple) else (shape,)
        assert found[name].shape == state.obs[name].shape == expected
        assert found[name].dtype == state.obs[name].dtype == "float32"
        assert found[name].source == ("encoder 0123" if name == "object_code" else "")
    hidden = [each.name for each in found.values() if each.seen_by == PRIVILEGED]
    # What a policy sees is hidden from none, however often it is named.
    assert hidden == ["object_state"] * ("privileged" in choices)
    assert (own.spec.actions, own.spec.episode_steps) == (24, 200)
    assert own.spec.success in own.spec.outcomes
    assert set(own.spec.outcomes) < set(state.metrics)


def test_nearness_is_to_the_objects_centre_or_to_its_surface(task, starts):
    sensed = jax.vmap(task._sense)(starts.physics)
    sites = np.concatenate([sensed.tip_pos, sensed.palm_pos[:, None]], axis=1)
    centres = np.asarray(sensed.object_pos)[:, None]
    targets = jax.vmap(task._targets)(sensed, starts.physics)
    np.testing.assert_array_equal(targets, np.broadcast_to(centres, targets.shape))
    config = dataclasses.replace(CONFIG, starts=4, near="surface")
    other = GraspTask(task.engine, config)
    targets = np.asarray(jax.vmap(other._targets)(sensed, starts.physics))
    turns = Rotation.from_quat(np.asarray(sensed.object_quat), scalar_first=True)
    local = turns.inv().as_matrix()[:, None] @ (targets - centres)[..., None]
    gaps, _ = KDTree(task.objects.points[0]).query(local[..., 0])
    assert gaps.max() < 1e-5  # points of the object, and far nearer than its centre
    reach = np.linalg.norm(sites - targets, axis=-1)
    assert (reach < np.linalg.norm(sites - centres, axis=-1) - 0.01).all()
