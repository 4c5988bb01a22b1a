"""Flax modules against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.networks.experts import Experts, mix
from dexjax.networks.mlp import Mlp
from dexjax.networks.pointnet import PointAutoencoder, PointNet


def test_experts_are_mlps_with_their_own_statistics():
    rng = np.random.default_rng(0)
    obs = rng.normal(size=(5, 7)).astype(np.float32)
    experts = Experts(count=3, actions=2, widths=(8,))
    variables = experts.init(jax.random.key(0), jnp.zeros(7))
    mean = rng.normal(size=(3, 7)).astype(np.float32)
    std = rng.uniform(0.5, 2.0, size=(3, 7)).astype(np.float32)
    variables = variables | {"statistics": {"mean": mean, "std": std}}
    together = experts.apply(variables, obs)
    assert together.shape == (5, 3, 2)
    for i in range(3):
        params = jax.tree.map(lambda x, i=i: x[i], variables["params"]["actor"])
        prepared = ((obs - mean[i]) / std[i]).clip(-5, 5)
        alone = Mlp((8,), 2).apply({"params": params}, prepared)
        np.testing.assert_allclose(together[:, i], alone, rtol=1e-5, atol=1e-6)
    # They are not the same actor three times.
    assert np.abs(np.diff(together, axis=1)).min() > 1e-4
    assert experts.apply(variables, obs[0]).shape == (3, 2)


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
