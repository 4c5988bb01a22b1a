"""A controller that turns coarse commands into safe motions (DexterityGen, IV-C).

It draws a motion like those it has learned from, pulled towards what the fingertips are
told to do, and does what leads to it.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dexjax.errors import DexjaxError
from dexjax.hands import Hand, load_hand
from dexjax.hands.files import HANDS
from dexjax.hands.finger_state import PER_FINGER
from dexjax.networks.diffusion.ddim import clean, cosine_signal, ddim, pulled
from dexjax.networks.diffusion.film_unet import FilmUnet
from dexjax.networks.diffusion.inverse_dynamics import InverseDynamics
from dexjax.networks.diffusion.motions import (
    CLIP,
    FORCE_HISTORY,
    FUTURE,
    HAND_HISTORY,
    HISTORY,
    STEP_RAD,
    MotionModels,
    Sizes,
    motion_sizes,
    scaled_history,
    scaled_motion,
)
from dexjax.networks.scaling import Scaling
from dexjax.policies.plain import size, sizes, text
from dexjax.policies.policy import Command
from dexjax.policies.prompt import Prompt, commands, first_prompt, told_prompt
from dexjax.policies.tip_step import tip_step
from dexjax.spec import Observation, PolicySpec

STEPS = (1, 12)  # of the sampler; fewer than 4 for one that was distilled
_LEAST_LEVELS = 4
# Of a description: more would take long to refuse otherwise.
_MOST_BLOCKS, _MOST_LEVELS = 32, 10_000


class Controller(struct.PyTreeNode):
    """Guided diffusion and inverse dynamics; see `Policy`.

    A motion is guided in units of its standard deviations. The share of the way to the
    command that a step of the sampler goes is 2 alpha / (1 + 2 alpha), in these units
    as in metres.

    Attributes:
        params: of both models.
        scaling: of "history" and "motion".
        models: the networks.
        hand: that is controlled.
        steps: of the sampler, within `STEPS`.
        spec: what it acts on.
    """

    params: dict
    scaling: Scaling
    models: MotionModels = struct.field(pytree_node=False)
    hand: Hand = struct.field(pytree_node=False)
    steps: int = struct.field(pytree_node=False)
    spec: PolicySpec = struct.field(pytree_node=False)

    @property
    def sizes(self) -> Sizes:
        """Of the models."""
        features = self.scaling.mean["history"].shape[-1]
        unet, inverse = self.models.denoiser, self.models.inverse
        return Sizes(features, unet.keypoints, inverse.actions)

    @property
    def commands(self) -> tuple[Command, ...]:
        """See `Steered`."""
        return commands(self.hand)

    def init(self, batch: int) -> Prompt:
        """See `Policy.init`."""
        return first_prompt(batch, self.hand)

    def told(self, carry: Prompt, command: Mapping[str, Any]) -> Prompt:
        """See `Steered.told`."""
        return told_prompt(carry, self.hand, command)

    def act(
        self, obs: Mapping[str, jax.Array], carry: Prompt, key: jax.Array | None = None
    ) -> tuple[jax.Array, Prompt]:
        """See `Policy.act`.

        Raises:
            DexjaxError: without a key.
        """
        if key is None:
            raise DexjaxError("a controller draws its motions: act needs a key")
        history = self._history(obs)
        motion = self.motion(history, carry, key)
        seen = scaled_history(self.scaling, history)
        moved = scaled_motion(self.scaling, motion)
        inverse = self.params["inverse"]
        likely: Any = self.models.inverse.apply(inverse, seen, moved)
        action = jnp.where(carry.on[:, None], likely.mean(), self._bare(history, carry))
        return jnp.clip(action, -1.0, 1.0), carry

    def motion(self, history: jax.Array, carry: Prompt, key: jax.Array) -> jax.Array:
        """Draws motions (batch, FUTURE, K, 3) m (DexterityGen, IV-C).

        Args:
            history: (batch, HISTORY, S) of the hand.
            carry: what is wanted.
            key: of the noise that they are made of.
        """
        unet, params = self.models.denoiser, self.params["denoiser"]
        seen = scaled_history(self.scaling, history)
        code = unet.apply(params, seen, carry.mode, method="encode")
        signal = cosine_signal(self.models.diffusion_steps)
        mean, std = (own["motion"] for own in self.scaling)
        wanted, guided = self._wanted(carry)
        wanted = (wanted - mean) / std

        def denoise(noisy: jax.Array, level: jax.Array) -> jax.Array:
            levels = jnp.broadcast_to(level, carry.mode.shape)
            velocity = unet.apply(params, code, noisy, levels, method="velocity")
            found = clean(noisy, jnp.asarray(velocity), jnp.asarray(signal)[level])
            return jnp.clip(found, -CLIP, CLIP)

        def guide(motion: jax.Array) -> jax.Array:
            return pulled(motion, wanted, guided, carry.guidance)

        noise = jax.random.normal(key, wanted.shape)
        return mean + std * ddim(denoise, noise, signal, self.steps, guide)

    def _history(self, obs: Mapping[str, jax.Array]) -> jax.Array:
        """(batch, HISTORY, S), with the forces if it sees them."""
        parts = [obs[own.name] for own in self.spec.observations]
        split = [part.reshape(len(part), HISTORY, -1) for part in parts]
        return jnp.concatenate(split, axis=-1)

    def _wanted(self, carry: Prompt) -> tuple[jax.Array, jax.Array]:
        """The motion that the command asks for, m, and which keypoints (K,) it is of.

        In every step a fingertip goes as far as in the first.
        """
        each = self.models.denoiser.keypoints // len(self.hand.fingertips)
        guided = np.arange(self.models.denoiser.keypoints) % each == each - 1
        ahead = jnp.arange(1.0, FUTURE + 1.0)[:, None, None] * carry.command[:, None]
        return jnp.repeat(ahead, each, axis=2), jnp.asarray(guided)

    def _bare(self, history: jax.Array, carry: Prompt) -> jax.Array:
        """The action (batch, A) that follows the command alone."""
        tips, joints = len(self.hand.fingertips), len(self.hand.joints)
        now = history[:, -1, 3 * tips : 3 * tips + joints]
        return tip_step(self.hand)(now, carry.command) / STEP_RAD


def make_controller(
    models: MotionModels,
    params: dict,
    scaling: Scaling,
    hand: Hand,
    body: str,
    steps: int = 8,
) -> Controller:
    """A controller of trained models.

    Args:
        models: the networks.
        params: of both.
        scaling: of histories and motions.
        hand: that they were trained on.
        body: what the actions move, see `TaskSpec`.
        steps: of the sampler, within `STEPS`.

    Raises:
        DexjaxError: for another number of steps, or models of another hand.
    """
    features = scaling.mean["history"].shape[-1]
    touch = features > motion_sizes(hand).features
    _check_fit(models, features, hand, touch)
    least, most = STEPS[0], min(STEPS[1], models.diffusion_steps)
    if not least <= steps <= most:
        raise DexjaxError(f"a controller with {steps} steps: must be {least} to {most}")
    spec = PolicySpec(_observations(hand, touch), len(hand.actuated), body)
    return Controller(params, scaling, models, hand, steps, spec)


def describe(policy: Controller) -> dict:
    """What the codec needs beside the arrays.

    Raises:
        DexjaxError: for a hand that does not come with dexjax.
    """
    models, hand = policy.models, policy.hand
    if hand.name not in HANDS or hand is not load_hand(hand.name):
        raise DexjaxError(
            f"a controller of the hand {hand.name!r} cannot be kept: only of "
            f"{', '.join(HANDS)}"
        )
    unet, inverse = models.denoiser, models.inverse
    return {
        "hand": hand.name,
        "steps": policy.steps,
        "diffusion_steps": models.diffusion_steps,
        "keypoints": unet.keypoints,
        "width": unet.width,
        "blocks": unet.blocks,
        "encoder": list(unet.encoder),
        "inverse_width": inverse.width,
        "inverse_blocks": inverse.blocks,
    }


def blank(told: Mapping[str, Any], spec: PolicySpec) -> Controller:
    """A policy of that description with empty arrays.

    Raises:
        DexjaxError: for an unknown hand, or sizes that are not of the hand.
    """
    hand = _hand(told["hand"])
    models = _models(told, spec.actions)
    features = sum(own.size for own in spec.observations) // HISTORY
    mean = {
        "history": jnp.zeros(features),
        "motion": jnp.zeros((FUTURE, models.denoiser.keypoints, 3)),
    }
    scaling = Scaling(mean, jax.tree.map(jnp.ones_like, mean))
    made = make_controller(
        models, {}, scaling, hand, spec.body, steps=size(told["steps"])
    )
    seen, own = ([(o.name, o.shape) for o in s.observations] for s in (spec, made.spec))
    if seen != own:
        raise ValueError(f"it sees {seen}, a controller {own}")
    params = models.init(jax.random.key(0), features)
    return made.replace(params=params, spec=spec)


def _hand(told: Any) -> Hand:
    """A hand by a name in a file, which may come from anywhere: no path is read."""
    if text(told) not in HANDS:
        raise DexjaxError(f"hand {told!r:.40}: this dexjax has {', '.join(HANDS)}")
    return load_hand(told)


def _models(told: Mapping[str, Any], actions: int) -> MotionModels:
    """The networks of a description."""
    unet = FilmUnet(
        FUTURE,
        size(told["keypoints"]),
        size(told["width"]),
        size(told["blocks"]),
        sizes(told["encoder"]),
    )
    inverse = InverseDynamics(
        actions, size(told["inverse_width"]), size(told["inverse_blocks"])
    )
    levels = size(told["diffusion_steps"])
    if max(unet.blocks, inverse.blocks) > _MOST_BLOCKS:
        raise ValueError(f"more than {_MOST_BLOCKS} blocks")
    if not _LEAST_LEVELS <= levels <= _MOST_LEVELS or not unet.encoder:
        raise ValueError(f"{levels} levels of noise, {len(unet.encoder)} layers")
    return MotionModels(unet, inverse, levels)


def _check_fit(models: MotionModels, features: int, hand: Hand, touch: bool) -> None:
    """Refuses models of another hand."""
    own = Sizes(features, models.denoiser.keypoints, models.inverse.actions)
    fitting = [motion_sizes(hand, each, touch) for each in PER_FINGER]
    if own not in fitting:
        raise DexjaxError(
            f"the models have {own.features} features of a state, {own.keypoints} "
            f"keypoints and {own.actions} actions; the {hand.name} hand has "
            f"{fitting[0].features}, {' or '.join(str(s.keypoints) for s in fitting)}, "
            f"and {fitting[0].actions}"
        )


def _observations(hand: Hand, touch: bool) -> tuple[Observation, ...]:
    """What a controller of a hand sees."""
    seen = Observation(HAND_HISTORY, (HISTORY * motion_sizes(hand).features,))
    forces = Observation(FORCE_HISTORY, (HISTORY * 3 * len(hand.fingertips),))
    return (seen, forces) if touch else (seen,)
