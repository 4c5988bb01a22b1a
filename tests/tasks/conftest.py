"""The grasping task with a box, and worlds of it that have just begun."""

import jax
import pytest
from scripted_grasp import CONFIG

from dexjax.physics.choice import make_engine
from dexjax.tasks.grasp import GraspTask


@pytest.fixture(scope="session")
def task(box_scene):
    return GraspTask(make_engine(box_scene, "native"), CONFIG)


@pytest.fixture(scope="session")
def starts(task):
    keys = jax.random.split(jax.random.key(1), 256)
    return jax.jit(jax.vmap(task.reset))(keys)
