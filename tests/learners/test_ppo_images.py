"""PPO of actors that see pictures, beside a critic that knows the answer."""

from collections.abc import Sequence

import distrax
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Bright

from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.learner import make_ppo
from dexjax.learners.ppo.loss import Networks
from dexjax.learners.ppo.rollout import make_batch, roll_out
from dexjax.learners.worlds import batched
from dexjax.networks.critic import MlpCritic
from dexjax.networks.vision import ESTIMATE
from dexjax.networks.vision_config import VisionConfig
from dexjax.spec import CAMERA

CONFIG = PpoConfig(
    worlds=32,
    steps=5,
    epochs=4,
    minibatches=2,
    discount=0.5,
    learning_rate=3e-3,
    desired_kl=0.0,
    normalise=True,
)


class Seer(nn.Module):
    """An actor with one layer of convolutions."""

    sees: Sequence[str] = ("picture",)

    @nn.compact
    def __call__(self, obs, carry=()):
        picture = jnp.moveaxis(obs["picture"], -3, -1)
        x = nn.elu(nn.Conv(4, (3, 3), strides=2)(picture))
        mean = nn.Dense(1)(x.reshape(*x.shape[:-3], -1))
        std = jnp.broadcast_to(0.4, mean.shape)
        return distrax.MultivariateNormalDiag(mean, std), carry

    def initial_carry(self, batch):
        return ()


NETWORKS = Networks(Seer(), MlpCritic(("side",), (16,)))


@pytest.fixture(scope="module")
def learner():
    return make_ppo(Bright(), NETWORKS, CONFIG)


def test_it_learns_to_see(learner):
    state = learner.init(jax.random.key(0))
    state, first = learner.train(state)
    for _ in range(40):
        state, measured = learner.train(state)
    episodes = float(measured["episodes"])
    assert float(first["solved"]) < 0.3 * episodes
    assert float(measured["paid"]) > 0.8
    # Without noise it is right in nearly every picture that it has not seen.
    policy = learner.policy(state)
    worlds = jax.vmap(Bright().reset)(jax.random.split(jax.random.key(9), 200))
    action, _ = policy.act({"picture": worlds.obs["picture"]}, policy.init(200))
    assert (np.sign(action) == worlds.obs["side"]).mean() > 0.98


def test_pictures_are_scaled_pixel_by_pixel(learner):
    state = learner.init(jax.random.key(0))
    pictures = []
    for _ in range(3):
        # The key that an iteration rolls out with.
        key = jax.random.split(state.key, 3)[1]
        _, _, trajectory, _ = jax.jit(roll_out, static_argnums=(0, 1, 2))(
            batched(Bright()), NETWORKS, CONFIG, state, key
        )
        pictures.append(np.asarray(trajectory.obs["picture"], float))
        state, _ = learner.train(state)
    every = np.concatenate(pictures).reshape(-1, 1, 8, 8)
    policy = learner.policy(state)
    np.testing.assert_allclose(policy.scaling.mean["picture"], every.mean(0), rtol=1e-4)
    # What hardly varies is not made loud.
    np.testing.assert_allclose(
        policy.scaling.std["picture"], every.std(0) + 8.0, rtol=1e-3
    )
    (seen,) = policy.spec.observations
    assert (seen.shape, seen.dtype, seen.seen_by) == ((1, 8, 8), "uint8", CAMERA)


def test_pictures_are_kept_as_they_are_and_once_per_step(learner):
    state = learner.init(jax.random.key(0))
    after, _, trajectory, _ = jax.jit(roll_out, static_argnums=(0, 1, 2))(
        batched(Bright()), NETWORKS, CONFIG, state, jax.random.key(1)
    )
    batch = make_batch(NETWORKS, CONFIG, state, trajectory, after.obs)
    np.testing.assert_array_equal(
        trajectory.obs["picture"][0], state.worlds.obs["picture"]
    )
    for kept in (trajectory, batch):
        large = [x for x in jax.tree.leaves(kept) if x.size >= 32 * 5 * 64]
        (picture,) = large
        assert picture.dtype == jnp.uint8 and picture.size == 32 * 5 * 64
        assert picture.max() > 120


def made(estimator):
    spec = Bright().spec
    config = VisionConfig((16,), 0.4, 16, estimator, target="side")
    networks = Networks(config.actor(spec), config.critic(spec))
    return networks, make_ppo(Bright(), networks, CONFIG)


@pytest.mark.parametrize("estimator", ["concurrent", "head", "none"])
def test_a_camera_actor_learns_to_see(estimator):
    _, learner = made(estimator)
    state = learner.init(jax.random.key(0))
    for _ in range(60):
        state, measured = learner.train(state)
    assert float(measured["paid"]) > 0.7
    policy = learner.policy(state)
    worlds = jax.vmap(Bright().reset)(jax.random.split(jax.random.key(9), 200))
    action, _ = policy.act({"picture": worlds.obs["picture"]}, policy.init(200))
    assert (np.sign(action) == worlds.obs["side"]).mean() > 0.95
    if estimator == "none":
        assert "estimate" not in measured
        return
    # The side is +-1: whoever knows nothing is wrong by 1.
    assert float(measured["estimate"]) < 0.2


def test_what_the_estimator_said_is_kept_and_no_images():
    networks, learner = made("concurrent")
    state = learner.init(jax.random.key(0))
    after, _, trajectory, _ = jax.jit(roll_out, static_argnums=(0, 1, 2))(
        batched(Bright()), networks, CONFIG, state, jax.random.key(1)
    )
    batch = make_batch(networks, CONFIG, state, trajectory, after.obs)
    assert trajectory.obs["picture"].dtype == jnp.uint8
    assert set(batch.obs) == {"side", ESTIMATE}
    seen = {"picture": trajectory.obs["picture"].astype(jnp.float32)}
    # Before the first update nothing is scaled but by the floor of pixels.
    seen["picture"] = jnp.clip(seen["picture"] / (1.0 + 8.0), -5.0, 5.0)
    said = networks.actor.apply(state.params.actor, seen, method="estimate")
    np.testing.assert_allclose(batch.obs[ESTIMATE].reshape(said.shape), said, atol=1e-4)


def test_the_estimator_is_moved_by_its_own_loss_alone():
    _, learner = made("concurrent")
    state = learner.init(jax.random.key(0))
    before = jax.device_get(state.params.actor["params"])
    memory = jax.tree.leaves(jax.device_get(state.estimator))
    after, _ = learner.train(state)
    moved = after.params.actor["params"]
    for part in ("estimator", "layers"):
        pairs = zip(
            jax.tree.leaves(before[part]), jax.tree.leaves(moved[part]), strict=True
        )
        assert any(np.abs(a - np.asarray(b)).max() > 1e-5 for a, b in pairs)
    assert any(
        np.abs(np.asarray(a) - np.asarray(b)).max() > 0
        for a, b in zip(memory, jax.tree.leaves(after.estimator), strict=True)
    )
