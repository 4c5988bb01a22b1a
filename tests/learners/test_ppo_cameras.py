"""PPO of actors that see through cameras, with and without an estimator."""

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
from dexjax.networks.vision import ESTIMATE
from dexjax.networks.vision_config import VisionConfig

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


def made(estimator):
    spec = Bright().spec
    config = VisionConfig((16,), 0.4, 16, estimator, target="side")
    networks = Networks(config.actor(spec), config.critic_for(spec))
    return networks, make_ppo(Bright(), networks, CONFIG)


@pytest.mark.parametrize("estimator", ["concurrent", "head", "none"])
def test_it_learns_to_see(estimator):
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
