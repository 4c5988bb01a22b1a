"""Vision students: what they see, whom they imitate, how they are kept."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from dexjax import rotations
from dexjax.hands import load_hand
from dexjax.learners.dagger import DaggerConfig
from dexjax.objects.loading import load_object
from dexjax.physics.choice import make_engine
from dexjax.runs import checkpoint
from dexjax.runs.config import PRESETS, RunConfig
from dexjax.runs.policies import export_policy, load_policy
from dexjax.runs.student import StudentConfig, make_student
from dexjax.runs.training import identity
from dexjax.scene import make_scene
from dexjax.tasks.grasp import GraspTask

SMOKE = PRESETS["smoke"]
TASK = dataclasses.replace(
    SMOKE.task, observation="points", relative=False, reward="stage2", starts=2
)
DAGGER = DaggerConfig(
    worlds=4, steps=4, buffer=64, updates=2, minibatch=8, points=16, widths=(16,)
)
COMMON = {f.name: getattr(SMOKE, f.name) for f in dataclasses.fields(RunConfig)}
CONFIG = StudentConfig(
    **COMMON | {"task": TASK, "object": "box"},
    dagger=DAGGER,
    teacher="a teacher",
    teacher_digest="0123",
)


@pytest.fixture(scope="module")
def engine():
    return make_engine(make_scene(load_hand(), load_object("box"), "servo"), "native")


@pytest.fixture(scope="module")
def task(engine):
    return GraspTask(engine, TASK)


def test_a_cloud_is_the_object_seen_from_the_palm(task):
    world = task.reset(jax.random.key(0))
    sensed = task._sense(world.physics)
    cloud = np.asarray(world.obs[-3 * 512 :]).reshape(512, 3)
    turned = rotations.rotate(sensed.object_quat, task.objects.points[0][:512])
    expected = 10 * (turned + sensed.object_pos - sensed.palm_pos)
    np.testing.assert_allclose(cloud, expected, atol=1e-4)
    assert world.obs.shape == (123 + 24 + 3 * 512,)


def test_seen_points_are_on_the_near_side(engine, task):
    config = dataclasses.replace(TASK, observation="seen-points")
    honest = GraspTask(engine, config)
    key = jax.random.key(0)
    whole, some = (t.reset(key).obs[147:].reshape(512, 3) for t in (task, honest))
    every = {tuple(p) for p in np.asarray(whole).round(3).tolist()}
    found = {tuple(p) for p in np.asarray(some).round(3).tolist()}
    assert found < every
    # The face that it lies on is not seen.
    quat = task._sense(task.reset(key).physics).object_quat
    normals = rotations.rotate(quat, task.objects.normals[0][:512])
    below = np.asarray(whole)[np.asarray(normals)[:, 2] < -0.99]
    assert len(below) > 0.05 * 512
    assert found.isdisjoint(tuple(p) for p in below.round(3).tolist())


@pytest.mark.parametrize("kind", ["full", "surface"])
def test_the_teacher_sees_its_own_observations(task, kind):
    teacher = dataclasses.replace(TASK, observation=kind, relative=True)
    seen = []

    def act(obs):
        seen.append(obs.shape)
        return jnp.zeros((len(obs), 24))

    learner = make_student(task, act, teacher, CONFIG)
    state, measured = learner.train(learner.init(jax.random.key(0)))
    full = GraspTask(task.engine, teacher)
    assert seen == [(4, full.observation_size)]
    assert np.isfinite(float(measured["loss"])) and int(state.env_steps) == 16


def test_it_is_kept_and_read_again(task, tiny_encoder, tmp_path):
    config = dataclasses.replace(CONFIG, encoder=tiny_encoder[1])
    learner = make_student(task, lambda obs: jnp.zeros((len(obs), 24)), TASK, config)
    state = learner.init(jax.random.key(0))
    run = tmp_path / "student"
    checkpoint.save(run / "checkpoints", 1, state, identity(config))
    plain = json.loads(json.dumps(dataclasses.asdict(config), default=str))
    (run / "config.yaml").write_text(yaml.safe_dump(plain))
    (run / "summary.json").write_text("{}")
    obs = jax.random.normal(jax.random.key(1), (3, task.observation_size))
    found = load_policy(run)
    np.testing.assert_array_equal(found.act(obs), learner.act(state.policy, obs))
    assert found.config.teacher == "a teacher"
    export_policy(run, tmp_path / "out")
    index = json.loads(next((tmp_path / "out").rglob("checkpoint.json")).read_text())
    assert index["meta"]["teacher"] == "0123"
    assert index["meta"]["encoder"] == tiny_encoder[0].name
