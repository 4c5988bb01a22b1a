"""Flax modules against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax import limits
from dexjax.errors import DexjaxError
from dexjax.networks.actor import MlpActor
from dexjax.networks.carry import begun_again
from dexjax.networks.critic import MlpCritic
from dexjax.networks.experts import Experts, mix
from dexjax.networks.mlp import Mlp
from dexjax.networks.mlp_config import MlpConfig
from dexjax.networks.pointnet import PointAutoencoder, PointNet
from dexjax.networks.student import VisionActor
from dexjax.spec import CAMERA, PRIVILEGED, Observation, TaskSpec


def test_experts_are_mlps_with_their_own_statistics():
    rng = np.random.default_rng(0)
    obs = {
        "first": rng.normal(size=(5, 4)).astype(np.float32),
        "other": rng.normal(size=(5, 2)).astype(np.float32),
        "last": rng.normal(size=(5, 3)).astype(np.float32),
    }
    experts = Experts(("last", "first"), count=3, actions=2, widths=(8,))
    variables = experts.init(jax.random.key(0), obs)
    mean = rng.normal(size=(3, 7)).astype(np.float32)
    std = rng.uniform(0.5, 2.0, size=(3, 7)).astype(np.float32)
    variables = variables | {"statistics": {"mean": mean, "std": std}}
    together = experts.apply(variables, obs)
    assert together.shape == (5, 3, 2)
    seen = np.concatenate([obs["last"], obs["first"]], axis=1)
    for i in range(3):
        params = jax.tree.map(lambda x, i=i: x[i], variables["params"]["layers"])
        prepared = ((seen - mean[i]) / std[i]).clip(-5, 5)
        alone = Mlp((8,), 2).apply({"params": params}, prepared)
        np.testing.assert_allclose(together[:, i], alone, rtol=1e-5, atol=1e-6)
    # They are not the same actor three times.
    assert np.abs(np.diff(together, axis=1)).min() > 1e-4
    one = {name: x[0] for name, x in obs.items()}
    assert experts.apply(variables, one).shape == (3, 2)


def dense(layers, x):
    """Dense layers with ELU between them, in NumPy."""
    for i in range(len(layers)):
        own = jax.device_get(layers[f"Dense_{i}"])
        x = x @ own["kernel"] + own["bias"]
        x = x if i == len(layers) - 1 else np.where(x > 0, x, np.expm1(x))
    return x


def test_actor_and_critic_see_what_they_name_in_that_order():
    rng = np.random.default_rng(0)
    obs = {n: rng.normal(size=(6, 3)).astype(np.float32) for n in ("a", "b", "c")}
    actor = MlpActor(("c", "a"), 2, (8, 4), initial_std=0.3)
    params = actor.init(jax.random.key(0), obs)
    params = jax.tree.map(lambda x: x + 0.1, params)
    said, carry = actor.apply(params, obs)
    assert carry == () == actor.initial_carry(6)
    seen = np.concatenate([obs["c"], obs["a"]], axis=1)
    expected = dense(params["params"]["layers"], seen)
    np.testing.assert_allclose(said.mean(), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(said.stddev(), 0.3 * np.exp(0.1), rtol=1e-5)
    critic = MlpCritic(("b", "c"), (8,))
    params = critic.init(jax.random.key(0), obs)
    value = critic.apply(params, obs)
    seen = np.concatenate([obs["b"], obs["c"]], axis=1)
    expected = dense(params["params"]["layers"], seen)[:, 0]
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


def test_a_new_actor_does_next_to_nothing():
    obs = {"a": jnp.ones((50, 3))}
    actor = MlpActor(("a",), 4, (64,))
    said, _ = actor.apply(actor.init(jax.random.key(0), obs), obs)
    assert 0 < np.abs(said.mean()).max() < 0.05
    np.testing.assert_allclose(said.stddev(), 0.6, rtol=1e-6)


def test_networks_of_a_task_see_what_they_may():
    spec = TaskSpec(
        (
            Observation("felt", (3,)),
            Observation("known", (2,), seen_by=PRIVILEGED),
            Observation("picture", (8, 8, 3), "uint8", CAMERA),
            Observation("asked", (1,)),
        ),
        actions=5,
        body="hand",
        episode_steps=10,
        outcomes=("held",),
        success="held",
    )
    config = MlpConfig((32,), 0.7)
    assert config.actor(spec) == MlpActor(("felt", "asked"), 5, (32,), 0.7)
    assert config.critic(spec) == MlpCritic(("felt", "known", "asked"), (32,))


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (MlpConfig((32, 0)), "widths is 0, must be between 1 and 16,384"),
        (MlpConfig(initial_std=0.0), "initial_std is 0.0, must be between 0.001 and"),
    ],
)
def test_sizes_have_limits(config, line):
    with pytest.raises(DexjaxError, match=line):
        limits.check(config)


@pytest.mark.parametrize("points", [1, 9, 40])
def test_a_vision_actor_takes_any_number_of_points_in_any_order(points):
    rng = np.random.default_rng(0)
    obs = {
        "felt": rng.normal(size=(4, 3)).astype(np.float32),
        "cloud": rng.normal(size=(4, points, 3)).astype(np.float32),
    }
    net = VisionActor(("felt",), "cloud", 2, (16,))
    params = net.init(jax.random.key(0), obs)
    said = net.apply(params, obs)
    assert said.shape == (4, 2)
    turned = obs | {"cloud": obs["cloud"][:, ::-1]}
    np.testing.assert_allclose(net.apply(params, turned), said, rtol=1e-4, atol=1e-5)
    for name in obs:
        other = obs | {name: obs[name] + 1.0}
        assert np.abs(net.apply(params, other) - said).max() > 1e-4


def test_a_carry_begins_again_where_an_episode_ended():
    start = {"a": jnp.zeros((3, 2)), "b": (jnp.full((3,), 7),)}
    now = {"a": jnp.ones((3, 2)), "b": (jnp.arange(3),)}
    found = begun_again(now, start, jnp.array([False, True, False]))
    np.testing.assert_array_equal(found["a"], [[1, 1], [0, 0], [1, 1]])
    np.testing.assert_array_equal(found["b"][0], [0, 7, 2])
    assert begun_again((), (), jnp.array([True])) == ()


def test_mixtures():
    actions = np.array([[1.0, 0.0], [0.0, -1.0]])
    residual, weights = np.array([0.1, 0.2]), np.array([3.0, 4.0])
    np.testing.assert_allclose(
        mix(residual, weights, actions, "norm"), [0.1 + 0.6, 0.2 - 0.8], rtol=1e-6
    )
    share = 1 / (1 + np.e)
    np.testing.assert_allclose(
        mix(residual, weights, actions, "softmax"),
        [0.1 + share, 0.2 - (1 - share)],
        rtol=1e-6,
    )
    # Weights of zero have a gradient and no length.
    gradient = jax.grad(lambda w: mix(residual, w, actions, "norm").sum())(jnp.zeros(2))
    assert np.isfinite(gradient).all()


def test_pointnet_does_not_see_the_order():
    cloud = jax.random.normal(jax.random.key(1), (4, 50, 3))
    net = PointNet((16, 32), (8,), 5)
    params = net.init(jax.random.key(0), cloud)
    features = net.apply(params, cloud)
    assert features.shape == (4, 5)
    np.testing.assert_allclose(
        net.apply(params, cloud[:, ::-1]), features, rtol=1e-5, atol=1e-6
    )
    assert np.abs(net.apply(params, 2 * cloud) - features).max() > 1e-3


@pytest.mark.parametrize("batch", [(), (3,)])
def test_autoencoder_shapes(batch):
    net = PointAutoencoder(code=16, points=20)
    cloud = jnp.ones((*batch, 30, 3))
    params = net.init(jax.random.key(0), cloud)
    code = net.apply(params, cloud, method="encode")
    assert code.shape == (*batch, 16)
    assert net.apply(params, code, method="decode").shape == (*batch, 20, 3)
    np.testing.assert_array_equal(
        net.apply(params, cloud), net.apply(params, code, method="decode")
    )
