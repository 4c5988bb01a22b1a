"""Policies in the hand as a training leaves them."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from policy_samples import controller_policy, drawn_arrays

from dexjax.grasps.sets.grasp_set import write_sets
from dexjax.networks.actor import MlpActor
from dexjax.networks.scaling import Scaling
from dexjax.policies.actor import ActorPolicy
from dexjax.runs.kept import GRASPS
from dexjax.runs.run import InhandRun, SceneConfig
from dexjax.runs.storage import checkpoint
from dexjax.runs.stored import policy_meta
from dexjax.spec import PolicySpec
from dexjax.tasks.inhand import InhandTask

OBJECTS = "geometric/train/cube,geometric/train/bar"
SEEN = ("proprioception", "goal")


@pytest.fixture(scope="session")
def controller_folder(tmp_path_factory, grasp_sets, palm_engine):
    """A controller that has learned nothing."""
    policy = controller_policy()
    spec = dataclasses.replace(policy.spec, body=palm_engine.scene.body)
    folder = tmp_path_factory.mktemp("controller")
    return left(folder, policy.replace(spec=spec), grasp_sets)


@pytest.fixture(scope="session")
def expert_folder(tmp_path_factory, grasp_sets, palm_engine):
    """An expert that has learned nothing."""
    spec = InhandTask(palm_engine, InhandRun().task, grasp_sets).spec
    network = MlpActor(SEEN, spec.actions, (4,))
    mean = {name: jnp.zeros(spec.observation(name).shape) for name in SEEN}
    shapes = jax.eval_shape(network.init, jax.random.key(0), mean)
    params = drawn_arrays(shapes, np.random.default_rng(0))
    scaling = Scaling(mean, jax.tree.map(jnp.ones_like, mean))
    policy = ActorPolicy(params, scaling, network, 5.0, PolicySpec.of(spec, SEEN))
    return left(tmp_path_factory.mktemp("expert"), policy, grasp_sets)


def left(folder, policy, sets):
    """A folder with what a training of the in-hand task leaves."""
    run = InhandRun(SceneConfig(OBJECTS, hand="allegro"))
    plain = json.loads(json.dumps(run.plain(), default=str))
    (folder / "config.yaml").write_text(yaml.safe_dump(plain))
    (folder / "summary.json").write_text("{}")
    write_sets(folder / GRASPS, sets)
    tree, meta = {"policy": policy}, policy_meta(policy)
    checkpoint.save(folder / "checkpoints", 1, tree, meta)
    return folder
