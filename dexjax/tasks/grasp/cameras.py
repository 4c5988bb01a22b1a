"""The cameras that policies of the grasping task see through."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from dexjax.errors import DexjaxError
from dexjax.hands import Hand
from dexjax.physics.engine import Engine, PhysicsState
from dexjax.render.images.imager import Imager
from dexjax.render.images.view import Frames, View, jittered
from dexjax.rotations import conjugate
from dexjax.scene.cameras import Camera

# Standard deviations of a noise of 1: of depth and where cameras are, m and rad; and
# the share of pixels that give no depth.
DEPTH_M, PLACE_M, TURN_RAD, LOST = 0.003, 0.005, 0.02, 0.01

# Beside the table, over it.
_FRONT = View(Camera("front", (0.36, -0.46, 0.34), (0.0, 0.0, 0.13), 42.0))
# At the wrist, below the palm of a hand whose palm faces down and whose fingers point
# along x.
_PALM = Camera("palm", (-0.03, 0.005, -0.035), (0.085, 0.005, -0.085), 80.0)

CAMERAS = ("front", "palm")


def views(names: Sequence[str], hand: Hand) -> tuple[View, ...]:
    """The cameras of these names for a hand.

    Raises:
        DexjaxError: for no camera, or one that does not exist.
    """
    if not names:
        raise DexjaxError(f"no cameras: choose from {', '.join(CAMERAS)}")
    w, x, y, z = (float(number) for number in conjugate(hand.start_quat))
    known = {
        "front": _FRONT,
        "palm": View(_PALM, on="palm_center", turn=(w, x, y, z), near=0.0, far=0.35),
    }
    for name in names:
        if name not in known:
            raise DexjaxError(
                f"unknown camera {name!r}: choose from {', '.join(CAMERAS)}"
            )
    return tuple(known[name] for name in names)


def depth_camera(
    engine: Engine,
    names: Sequence[str],
    pixels: tuple[int, int],
    noise: float,
    blind: bool,
) -> Callable[[jax.Array, jax.Array, PhysicsState], jax.Array]:
    """What the depth cameras of a world give.

    Args:
        engine: steps the scene that they look at.
        names: of cameras.
        pixels: width and height of an image.
        noise: in units of `DEPTH_M` and what stands beside it.
        blind: give empty images, to learn what can be done without any.

    Returns:
        fn(episode key, step key, physics) -> (C, H, W) uint8, see `Images.depth`. The
        first key says how the cameras stand, the second what is lost on the way.

    Raises:
        DexjaxError: see `views`.
    """
    chosen = views(names, engine.scene.hand)
    imager = Imager(engine.scene, chosen, pixels, on_host=engine.name == "native")
    shape = (len(chosen), *pixels[::-1])
    span = jnp.array([view.far - view.near for view in chosen])[:, None, None]

    def placed(key: jax.Array, physics: PhysicsState) -> Frames | None:
        if not noise:
            return None
        frames = imager.frames(physics)
        return jittered(key, frames, noise * PLACE_M, noise * TURN_RAD)

    def look(
        episode_key: jax.Array, step_key: jax.Array, physics: PhysicsState
    ) -> jax.Array:
        if blind:
            return jnp.zeros(shape, jnp.uint8)
        depth = imager(physics, placed(episode_key, physics)).depth
        assert depth is not None
        if not noise:
            return depth
        off_key, lost_key = jax.random.split(step_key)
        off = noise * DEPTH_M / span * 255.0 * jax.random.normal(off_key, shape)
        noisy = jnp.clip(jnp.round(depth + off), 0, 255).astype(jnp.uint8)
        lost = jax.random.uniform(lost_key, shape) < noise * LOST
        return jnp.where(lost | (depth == 255), jnp.uint8(255), noisy)

    return look
