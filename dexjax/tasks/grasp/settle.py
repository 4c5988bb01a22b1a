"""Objects dropped on the table and left to come to rest: where episodes start."""

import itertools

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from dexjax import rotations
from dexjax.cache import remembered
from dexjax.errors import DexjaxError
from dexjax.physics.native import NativeEngine
from dexjax.scene import Scene

_VERSION = 1  # of what this file does; another one forgets the remembered starts
DROP_HEIGHT = 0.1  # m, of the object above its resting height
SETTLE_STEPS = 150  # control steps
PARKED = 1.0  # m, hand out of the way
START_HEIGHT = 0.2  # m, palm above the table
CLEARANCE = 0.08  # m, palm above the highest point of the object
AT_REST = 0.05  # m/s and rad/s
ON_TABLE = 0.15  # m from the centre


def settle_objects(
    scene: Scene, count: int, offset: float = 0.03, seed: int = 0
) -> np.ndarray:
    """Start states of every object of a scene, from simulated drops.

    The object falls from 10 cm with a random yaw and a horizontal offset while the
    hand is parked out of its way; then the hand is put over the table, its palm
    centre 20 cm above it, or 8 cm above objects taller than 12 cm.

    Args:
        scene: n objects.
        count: start states per object.
        offset: m, largest horizontal offset along either axis.
        seed: of the drops.

    Returns:
        qpos (n, count, nq), float32.

    The result is remembered in the user's cache.

    Raises:
        DexjaxError: if an object never comes to rest near the table's centre.
    """
    choices = repr((_VERSION, count, offset, seed)).encode()
    content = itertools.chain([choices], map(_content, scene.models))
    stored = remembered(
        "starts", content, lambda: {"qpos": _settle(scene, count, offset, seed)}
    )
    return stored["qpos"]


def _content(model: mujoco.MjModel) -> bytes:
    """A compiled model, byte by byte."""
    content = np.empty(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, content)
    return content.tobytes()


def _settle(scene: Scene, count: int, offset: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    engine = NativeEngine(scene)
    objects = len(scene.objects)
    dropped = np.stack(
        [_dropped(scene, i, count, offset, rng) for i in range(objects)]
    ).reshape(objects * count, -1)
    object_id = jnp.repeat(jnp.arange(objects), count)
    final = _drop(engine, jnp.asarray(dropped, jnp.float32), object_id)
    qpos = np.asarray(final.qpos).reshape(objects, count, -1)
    speed = np.abs(np.asarray(final.qvel)[:, -6:]).max(axis=1).reshape(objects, count)
    return np.stack(
        [_kept(scene, i, qpos[i], speed[i], rng) for i in range(objects)]
    ).astype(np.float32)


def hold(scene: Scene) -> np.ndarray:
    """ctrl (nu,) that stands still with the fingers in the start pose."""
    pose = dict(zip(scene.hand.joints, scene.hand.poses["open"], strict=True))
    return np.array([0.0] * 6 + [pose[j] for j in scene.hand.actuated], np.float32)


def _drop(engine: NativeEngine, qpos: jax.Array, object_id: jax.Array):
    ctrl = jnp.asarray(hold(engine.scene))

    @jax.jit
    def run(qpos, object_id):
        start = jnp.zeros((len(qpos), engine.scene.model.nv))
        state = jax.vmap(engine.reset)(qpos, start, object_id)

        def step(state, _):
            return jax.vmap(engine.step, (0, None))(state, ctrl), None

        return jax.lax.scan(step, state, length=SETTLE_STEPS)[0]

    return run(qpos, object_id)


def _dropped(
    scene: Scene, index: int, count: int, offset: float, rng: np.random.Generator
) -> np.ndarray:
    """qpos (count, nq) of the object in the air and the hand far above it."""
    objects = scene.objects
    qpos = np.zeros((count, scene.model.nq))
    qpos[:, scene.finger_qpos] = scene.hand.poses["open"]
    qpos[:, scene.root_qpos] = [0, 0, PARKED, *scene.hand.start_quat]
    yaw = rng.uniform(-np.pi, np.pi, count)
    turn = np.stack([np.cos(yaw / 2), 0 * yaw, 0 * yaw, np.sin(yaw / 2)], axis=1)
    place = qpos[:, scene.object_qpos]
    place[:, :2] = rng.uniform(-offset, offset, (count, 2))
    place[:, 2] = objects.rest_height[index] + DROP_HEIGHT
    place[:, 3:] = rotations.multiply(turn, np.asarray(objects.rest_quat[index], float))
    return qpos


def _kept(
    scene: Scene,
    index: int,
    qpos: np.ndarray,
    speed: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Replaces drops that did not come to rest by ones that did; lowers the hand."""
    place = qpos[:, scene.object_qpos]
    far = np.abs(place[:, :2]).max(axis=1)
    good = np.flatnonzero((speed < AT_REST) & (far < ON_TABLE))
    if len(good) == 0:
        raise DexjaxError(
            f"object {scene.objects.names[index]!r} never comes to rest on the table: "
            "give it a flat or stable side, or another size"
        )
    chosen = np.arange(len(qpos))
    bad = np.setdiff1d(chosen, good)
    chosen[bad] = rng.choice(good, len(bad))
    qpos = qpos[chosen]
    hulls = scene.objects.hulls[index][np.asarray(scene.objects.hull_mask[index])]
    place = qpos[:, scene.object_qpos]
    corners = rotations.rotate(
        place[:, None, 3:], hulls.reshape(1, -1, 3).astype(float)
    )
    top = (corners[..., 2] + place[:, None, 2]).max()
    palm = np.array([0.0, 0.0, max(START_HEIGHT, top + CLEARANCE)])
    start_quat = np.asarray(scene.hand.start_quat, float)
    centre = rotations.rotate(start_quat, np.asarray(scene.hand.palm_center, float))
    root = qpos[:, scene.root_qpos]
    root[:, :3], root[:, 3:] = palm - centre, start_quat
    qpos[:, scene.finger_qpos] = scene.hand.poses["open"]
    return qpos
