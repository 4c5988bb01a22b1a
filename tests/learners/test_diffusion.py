"""Learning to denoise motions of a hand and to follow them."""

import dataclasses
import json
from functools import partial

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.learners.diffusion import (
    PRESETS,
    DiffusionConfig,
    Windows,
    make_diffusion,
    prepare,
    preset,
)
from dexjax.learners.diffusion.learner import averaged
from dexjax.limits import check
from dexjax.networks.diffusion.motions import Example, Sizes, motion_sizes
from dexjax.policies import codec
from dexjax.policies.controller import make_controller

SMALL = DiffusionConfig(
    width=64,
    blocks=1,
    encoder=(32,),
    inverse_width=16,
    inverse_blocks=1,
    diffusion_steps=20,
    learning_rate=3e-3,
    ema_decay=0.9,
    batch=128,
    steps=400,
)


def windows(hand, batch=6, seed=0):
    """Random joints, targets and forces within the ranges."""
    rng = np.random.default_rng(seed)
    low, high = hand.joint_range.T
    joints = rng.uniform(low, high, (batch, 6, len(low)))
    targets = joints[..., hand.actuated_index] + rng.normal(
        0, 0.15, (batch, 6, len(hand.actuated))
    )
    forces = rng.normal(size=(batch, 6, 3 * len(hand.fingertips)))
    parts = (np.asarray(x, np.float32) for x in (joints, targets, forces))
    return Windows(*parts, np.arange(batch, dtype=np.int32) % 2)


def plain_keypoints(hand, model, joints):
    """By MuJoCo: last joint but one and tip of each finger, palm's frame, (K, 3)."""
    data, found = mujoco.MjData(model), []
    for name, angle in zip(hand.joints, joints, strict=True):
        data.qpos[model.joint(name).qposadr] = angle
    mujoco.mj_kinematics(model, data)
    palm, turn = data.site("palm_center").xpos, data.body(hand.links[0]).xmat
    for tip in hand.fingertips:
        body = model.site(tip).bodyid[0]
        while model.body(body).name not in hand.links:
            body = model.body_parentid[body]
        above = model.body_parentid[body]
        for place in (data.xpos[above], data.site(tip).xpos):
            found.append(turn.reshape(3, 3).T @ (place - palm))
    return np.array(found)


@pytest.mark.parametrize(
    ("name", "per_finger", "touch"), [("allegro", 2, True), ("shadow", 1, False)]
)
def test_examples_are_what_mujoco_says(name, per_finger, touch):
    hand = load_hand(name)
    model = mujoco.MjModel.from_xml_path(str(hand.xml))
    given = windows(hand, 3)
    made = jax.device_get(prepare(hand, per_finger, touch)(given))
    sizes = motion_sizes(hand, per_finger, touch)
    assert made.history.shape == (3, 4, sizes.features)
    assert made.motion.shape == (3, 2, sizes.keypoints, 3)
    assert made.action.shape == (3, sizes.actions)
    np.testing.assert_array_equal(made.mode, given.mode)
    for i in range(3):
        at = [plain_keypoints(hand, model, joints) for joints in given.joints[i]]
        for t in range(4):
            joints, targets = given.joints[i, t], given.targets[i, t]
            parts = [at[t][1::2].ravel(), joints, targets]
            parts += [targets - joints[hand.actuated_index]]
            parts += [given.forces[i, t]] * touch
            np.testing.assert_allclose(
                made.history[i, t], np.concatenate(parts), atol=2e-6
            )
        chosen = slice(None) if per_finger == 2 else slice(1, None, 2)
        for t in (4, 5):
            moved = (at[t] - at[3])[chosen]
            np.testing.assert_allclose(made.motion[i, t - 4], moved, atol=2e-6)
        moved = (given.targets[i, 4] - given.targets[i, 3]) / 0.2
        np.testing.assert_allclose(made.action[i], moved.clip(-1, 1), atol=1e-5)


@pytest.fixture(scope="module")
def toy():
    """Examples that can be learned: the motion tells the action, history the motion."""
    learner = make_diffusion(SMALL, Sizes(features=3, keypoints=2, actions=2))
    rng = np.random.default_rng(0)
    history = rng.normal(2.0, 0.5, (2048, 4, 3)).astype(np.float32)
    motion = 0.003 * rng.normal(size=(2048, 2, 2, 3)).astype(np.float32)
    motion += 0.02 * (history[:, -1, None, None] - 2.0)
    action = np.clip(30 * motion[:, 1, :, 0], -1, 1)
    return learner, tuple(map(jnp.asarray, (history, motion, action)))


def batches(data, count, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        rows = rng.integers(2048, size=SMALL.batch)
        mode = jnp.asarray(rows % 2, jnp.int32)
        yield Example(*(x[rows] for x in data), mode)


def test_it_learns_both_and_goes_on_exactly_from_its_state(toy):
    learner, data = toy
    first = next(batches(data, 1, seed=9))
    state = learner.init(jax.random.key(0), first)
    before = jax.device_get(learner.evaluate(state, first))
    assert before["denoising"] == pytest.approx(1.0, abs=0.15)
    for i, batch in enumerate(batches(data, 300)):
        state, metrics = learner.update(state, batch, jax.random.key(i))
    after = jax.device_get(learner.evaluate(state, first))
    assert after["denoising"] < 0.7 * before["denoising"]
    assert after["inverse_rad"] < 0.4 * before["inverse_rad"]
    assert set(metrics) == {"denoising", "inverse"} and int(state.step) == 300
    # What is kept on disk is arrays, and all that the next update needs.
    leaves, tree = jax.tree.flatten(jax.device_get(state))
    again = jax.tree.unflatten(tree, map(jnp.asarray, leaves))
    key = jax.random.key(7)
    ends = [learner.update(own, first, key)[0] for own in (again, state)]
    jax.tree.map(np.testing.assert_array_equal, *jax.device_get(ends))
    assert learner.update._cache_size() == 1


def test_the_same_noise_is_drawn_in_every_evaluation(toy):
    learner, data = toy
    batch = next(batches(data, 1))
    state = learner.init(jax.random.key(0), batch)
    one, two = (jax.device_get(learner.evaluate(state, batch)) for _ in range(2))
    assert one == two


def test_the_average_is_that_of_numpy(toy):
    learner, data = toy
    batch = next(batches(data, 1))
    state = learner.init(jax.random.key(0), batch)
    plain = jax.device_get(state.ema)
    for step in range(4):
        state, _ = learner.update(state, batch, jax.random.key(step))
        kept = min(0.9, (1 + step) / (10 + step))
        plain = jax.tree.map(
            lambda a, p, k=kept: k * a + (1 - k) * p,
            plain,
            jax.device_get(state.params),
        )
    close = partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6)
    jax.tree.map(close, jax.device_get(state.ema), plain)
    # In the long run it is the decay that counts.
    assert averaged({"w": 1.0}, {"w": 0.0}, jnp.int32(10_000), 0.9)["w"] == (
        pytest.approx(0.9)
    )


def test_scaling_is_that_of_the_first_batch(toy):
    learner, data = toy
    batch = next(batches(data, 1))
    still = batch._replace(
        history=batch.history.at[..., 1].set(3.0),
        motion=batch.motion.at[:, 0, 1, 2].set(0.0),
    )
    scaling = jax.device_get(learner.init(jax.random.key(0), still).scaling)
    history = np.asarray(still.history).reshape(-1, 3)
    np.testing.assert_allclose(scaling.mean["history"], history.mean(0), rtol=1e-5)
    np.testing.assert_allclose(
        scaling.std["history"], [history[:, 0].std(), 1.0, history[:, 2].std()], 1e-4
    )
    np.testing.assert_allclose(
        scaling.std["motion"][1], np.asarray(still.motion).std(0)[1], rtol=1e-4
    )
    assert scaling.std["motion"][0, 1, 2] == np.float32(1e-4)


def test_what_a_training_makes_can_be_read_again():
    """Shapes of a controller and of what is made of its description."""
    hand = load_hand("allegro")
    learner = make_diffusion(SMALL, motion_sizes(hand, touch=True))

    def trained(given, key):
        batch = prepare(hand, touch=True)(given)
        state, _ = learner.update(learner.init(key, batch), batch, key)
        body = "allegro hand"
        return make_controller(learner.models, state.ema, state.scaling, hand, body)

    made = jax.eval_shape(trained, windows(hand), jax.random.key(0))
    again = codec.blank(json.loads(json.dumps(codec.describe(made))))
    assert jax.tree.structure(again) == jax.tree.structure(made)
    assert jax.tree.leaves(again) == jax.tree.leaves(made)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_within_their_limits(name):
    check(preset(name))
    models = preset(name).models(motion_sizes(load_hand("allegro")))
    shapes = jax.eval_shape(lambda k: models.init(k, 60), jax.random.key(0))
    least = 1e4 if name == "smoke" else 1e5
    assert sum(x.size for x in jax.tree.leaves(shapes)) > least


def test_what_cannot_be_run_is_refused():
    for change, line in (
        ({"width": 20}, "diffusion.width is 20, must be a multiple of 8"),
        ({"encoder": ()}, "diffusion.encoder has no layers"),
        ({"ema_decay": 1.0}, "ema_decay is 1.0"),
    ):
        with pytest.raises(DexjaxError, match=line):
            check(dataclasses.replace(SMALL, **change))
    with pytest.raises(DexjaxError, match="'huge': choose from smoke, laptop"):
        preset("huge")
