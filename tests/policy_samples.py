"""Policies of every kind with arrays drawn at random, and what they see."""

import jax
import jax.numpy as jnp
import numpy as np

from dexjax.hands import load_hand
from dexjax.networks.actor import MlpActor
from dexjax.networks.diffusion.film_unet import FilmUnet
from dexjax.networks.diffusion.inverse_dynamics import InverseDynamics
from dexjax.networks.diffusion.motions import FUTURE, MotionModels, motion_sizes
from dexjax.networks.scaling import Scaling
from dexjax.networks.student import VisionActor
from dexjax.policies.actor import ActorPolicy
from dexjax.policies.controller import make_controller
from dexjax.policies.mixture import BasePolicies, Mixture, MixturePolicy
from dexjax.policies.student import StudentPolicy
from dexjax.spec import Observation, PolicySpec, TaskSpec

TASK = TaskSpec(
    (
        Observation("felt", (4,)),
        Observation("code", (3,), source="encoder 0123"),
        Observation("place", (2,)),
        Observation("cloud", (9, 3)),
    ),
    actions=2,
    body="a finger",
    episode_steps=10,
    outcomes=("held",),
    success="held",
)


def seen(batch, seed=0, observations=TASK.observations):
    """Observations (batch, …), by default the task's, some of them beyond any clip."""
    rng = np.random.default_rng(seed)
    return {
        own.name: rng.normal(0, 2, (batch, *own.shape)).astype(np.float32)
        for own in observations
    }


def scaling(sees, rng):
    sizes = {name: TASK.observation(name).size for name in sees}
    mean = {n: jnp.asarray(rng.normal(size=s), jnp.float32) for n, s in sizes.items()}
    std = {
        n: jnp.asarray(rng.uniform(0.5, 2, s), jnp.float32) for n, s in sizes.items()
    }
    return Scaling(mean, std)


def drawn_params(network, rng):
    """Parameters as a training might leave them: none of them zero."""
    return drawn_arrays(jax.eval_shape(network.init, jax.random.key(0), seen(1)), rng)


def drawn_arrays(shapes, rng):
    """Parameters of these shapes, none of them zero."""

    def drawn(x):
        spread = 1.5 / np.sqrt(x.shape[0]) if x.ndim == 2 else 0.5
        return jnp.asarray(spread * rng.normal(size=x.shape), x.dtype)

    return jax.tree.map(drawn, shapes)


def actor_policy(sees=("place", "felt"), actions=2, widths=(8, 5), clip=1.5, seed=0):
    rng = np.random.default_rng(seed)
    network = MlpActor(sees, actions, widths, initial_std=0.3)
    params = drawn_params(network, rng)
    spec = PolicySpec.of(TASK, sees)
    return ActorPolicy(params, scaling(sees, rng), network, clip, spec)


def base_policies(count=3):
    return [actor_policy(seed=10 + i) for i in range(count)]


def mixture_policy(normalisation="norm", residual=True, count=3):
    mixture = Mixture(BasePolicies.of(base_policies(count)), residual, normalisation)
    hyper = actor_policy(("code", "felt", "place"), mixture.said, (7,), 4.0, seed=1)
    spec = PolicySpec.of(TASK, ("felt", "code", "place"))
    return MixturePolicy(hyper, mixture, spec)


def student_policy():
    rng = np.random.default_rng(2)
    sees = ("place", "felt")
    network = VisionActor(sees, "cloud", 2, (6,))
    params = drawn_params(network, rng)
    spec = PolicySpec.of(TASK, (*sees, "cloud"))
    return StudentPolicy(params, scaling(sees, rng), network, 2.0, spec)


def controller_policy(touch=False, steps=4, per_finger=2):
    """A controller of the Allegro hand, with motions of some 5 mm."""
    rng = np.random.default_rng(3)
    hand = load_hand("allegro")
    own = motion_sizes(hand, per_finger, touch)
    models = MotionModels(
        FilmUnet(FUTURE, own.keypoints, 32, 1, (7,)),
        InverseDynamics(own.actions, 6, 1),
        diffusion_steps=20,
    )
    shapes = jax.eval_shape(lambda k: models.init(k, own.features), jax.random.key(0))
    motion, zeros = (FUTURE, own.keypoints, 3), jnp.zeros
    scaling = Scaling(
        {"history": zeros(own.features), "motion": zeros(motion)},
        {"history": jnp.ones(own.features), "motion": jnp.full(motion, 0.005)},
    )
    # Small enough that not every motion is at its limits.
    params = jax.tree.map(lambda x: 0.3 * x, drawn_arrays(shapes, rng))
    return make_controller(models, params, scaling, hand, "allegro hand", steps)


def plain_actor(policy, obs):
    """What an actor policy does, in NumPy: (batch, actions)."""
    parts = []
    for name in policy.network.sees:
        mean, std = (np.asarray(x[name]) for x in policy.scaling)
        parts.append(((obs[name] - mean) / std).clip(-policy.clip, policy.clip))
    x = np.concatenate(parts, axis=1)
    layers = jax.device_get(policy.params["params"]["layers"])
    for i in range(len(layers)):
        x = x @ layers[f"Dense_{i}"]["kernel"] + layers[f"Dense_{i}"]["bias"]
        x = x if i == len(layers) - 1 else np.where(x > 0, x, np.expm1(x))
    return x
