"""The task that a hyper-policy acts in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from policy_samples import actor_policy, base_policies, plain_actor
from toys import Toy

from dexjax.errors import DexjaxError
from dexjax.learners.mixture import MixtureTask
from dexjax.policies.mixture import BasePolicies, Mixture
from dexjax.spec import Observation


class Recorder(Toy):
    """Its world is the last action that it was given."""

    def __init__(self):
        observations = [
            Observation(name, (size,))
            for name, size in (("felt", 4), ("code", 3), ("place", 2))
        ]
        super().__init__(observations, actions=2, steps=7)

    def draw(self, key):
        return jnp.zeros(2)

    def see(self, hidden, step):
        shapes = {own.name: own.shape for own in self.spec.observations}
        key = jax.random.key(step)
        return {name: jax.random.normal(key, shape) for name, shape in shapes.items()}

    def pay(self, hidden, action, step):
        return action.sum()

    def change(self, hidden, action, key):
        return action

    def episodes(self, each=None):
        return np.zeros((each or 5, 2), np.float32)

    def fresh(self, each, seed):
        return Recorder()


def steered(normalisation="norm", residual=True):
    mixture = Mixture(BasePolicies.of(base_policies()), residual, normalisation)
    return MixtureTask(Recorder(), mixture)


@pytest.fixture(scope="module")
def done():
    """Observations at the start, what each base policy would do then: (3, 2)."""
    obs = {n: np.asarray(x)[None] for n, x in Recorder().see(None, 0).items()}
    acts = [plain_actor(base, obs)[0].clip(-1, 1) for base in base_policies()]
    return np.array(acts)


def acted(task, said):
    """What the task itself was given, (2,)."""
    own = jax.jit(lambda said: task.step(task.reset(jax.random.key(0)), said).physics)
    return own(jnp.asarray(said))


def test_actions_of_the_mixture(done):
    task = steered()
    assert task.spec.actions == 5
    assert (task.spec.episode_steps, task.spec.body) == (7, "toy")
    assert task.spec.observations == Recorder().spec.observations
    # The residual is clipped; weights are counted from the first base policy and made a
    # unit vector.
    expected = np.array([0.1, -1.0]) + 0.8 * done[1] + 0.6 * done[2]
    found = acted(task, [0.1, -3.0, -1.0, 4.0, 3.0])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_nothing_said_means_the_first_base_policy(done):
    found = acted(steered(), np.zeros(5))
    np.testing.assert_allclose(found, done[0], rtol=1e-4, atol=1e-6)


def test_without_a_residual_there_are_weights_alone(done):
    task = steered(residual=False)
    assert task.spec.actions == 3
    found = acted(task, [-1.0, 0.0, 2.0])
    np.testing.assert_allclose(found, done[2], rtol=1e-4, atol=1e-6)


def test_softmax_shares(done):
    found = acted(steered("softmax"), [0.0, 0.0, 50.0, 0.0, 0.0])
    np.testing.assert_allclose(found, done[0], rtol=1e-4, atol=1e-6)
    found = acted(steered("softmax"), np.zeros(5))
    np.testing.assert_allclose(found, done.mean(axis=0), rtol=1e-4, atol=1e-6)


def test_steered_or_not_the_task_is_the_same(done):
    """Its policy acts in the task itself as the hyper-policy steers it."""
    task = steered()
    hyper = actor_policy(("code", "felt"), 5, (7,), seed=1)
    policy = task.policy(hyper)
    assert policy.spec.misfits(Recorder().spec) == []
    names = [own.name for own in policy.spec.observations]
    assert names == ["felt", "code", "place"] and policy.spec.actions == 2
    keys = jax.random.split(jax.random.key(0), 3)
    inner, outer = (jax.vmap(own.reset)(keys) for own in (Recorder(), task))
    mixing, saying = jax.jit(policy.act), jax.jit(hyper.act)
    steps = [jax.jit(jax.vmap(own.step)) for own in (Recorder(), task)]
    for _ in range(9):  # beyond the end of the first episode
        inner = steps[0](inner, mixing(inner.obs, ())[0])
        outer = steps[1](outer, saying(outer.obs, ())[0])
        np.testing.assert_allclose(inner.physics, outer.physics, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(inner.step, outer.step)
    assert task.episodes(4).shape == (4, 2)
    fresh = task.fresh(3, seed=0)
    assert fresh.spec == task.spec and fresh.mixture is task.mixture


def test_an_unknown_normalisation_is_refused():
    with pytest.raises(DexjaxError, match="'max': choose from norm, softmax"):
        steered("max")
