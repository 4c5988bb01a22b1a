"""Start states near a grasp: part of the work is done already.

A policy that never lifted an object by chance has nothing to learn from. Begun near a
grasp, or with the object in the hand, an episode needs luck for its last part alone,
and what is learned there spreads backwards to the usual start (Florensa et al. 2017,
reverse curriculum; Peng et al. 2018, reference state initialisation).
"""

import contextlib
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from dexjax import rotations
from dexjax.physics.native import NativeEngine
from dexjax.scene import Scene

DEPTH = 2e-3  # m, how far the hand may be in the object or the table
STEP = 2e-3  # m that a hand in the way goes back at a time
OPEN = 0.05  # m before the grasp the fingers are open as at the usual start
FARTHEST = 0.1  # m before the grasp
LIFT = 0.2  # m, highest that a grasped object is
CLOSING = 25  # control steps in which a hand closes
SQUEEZE = 1.2  # of the way from open to the grasp, where the fingers are sent
SLIP = 0.03  # m that the object may move meanwhile


def near_grasps(
    scene: Scene,
    qpos: np.ndarray,
    translation: np.ndarray,
    rotation: np.ndarray,
    joints: np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """Moves the hand of every start state near a grasp.

    Every other hand has closed round the object, without gravity and somewhere between
    table and goal. The others, and those that would not hold it, are up to 10 cm before
    the grasp, away from the object, the fingers the more open the farther. A hand that
    would be in the object or the table goes back until it is not; where that never is,
    the usual start stays.

    Args:
        scene: n objects.
        qpos: (n, count, nq) start states.
        translation: (n, count, 3) m, hand root in the object frame.
        rotation: (n, count, 4) wxyz, hand root in the object frame.
        joints: (n, count, joints) rad.
        seed: of the draw.

    Returns:
        qpos (n, count, nq), float32.
    """
    usual = qpos.astype(float)
    fingers, root, thing = scene.finger_qpos, scene.root_qpos, scene.object_qpos
    place = usual[..., thing]
    offset = np.asarray(rotations.rotate(place[..., 3:], translation))
    quat = np.asarray(rotations.multiply(place[..., 3:], rotation))
    away = offset + np.asarray(rotations.rotate(quat, scene.hand.palm_center))
    away /= np.linalg.norm(away, axis=-1, keepdims=True)
    grasp = usual.copy()
    grasp[..., root] = np.concatenate([place[..., :3] + offset, quat], axis=-1)
    grasp[..., fingers] = joints
    rng = np.random.default_rng(seed)
    back = rng.uniform(0.0, FARTHEST, usual.shape[:2])
    near = _free(scene, usual, grasp, away, back)
    lifted = grasp[:, 1::2].copy()
    height = rng.uniform(0.0, LIFT, lifted.shape[:2])
    for z in (root.start + 2, thing.start + 2):
        lifted[..., z] += height
    none = np.zeros_like(height)
    around = _free(scene, usual[:, 1::2], lifted, away[:, 1::2], none)
    start = usual[:, 1::2, fingers]
    targets = start + SQUEEZE * (joints[:, 1::2] - start)
    closed = _close(scene, around, targets)
    held = _held(scene, around, closed)
    near[:, 1::2] = np.where(held[..., None], closed, near[:, 1::2])
    return near.astype(np.float32)


def _free(
    scene: Scene,
    usual: np.ndarray,
    goal: np.ndarray,
    away: np.ndarray,
    back: np.ndarray,
) -> np.ndarray:
    """States (n, count, nq) that far (n, count) or farther before others, in nothing.

    Args:
        scene: n objects.
        usual: (n, count, nq), what stays where there are none; has open fingers.
        goal: (n, count, nq).
        away: (n, count, 3) direction to go back in.
        back: m.
    """
    fingers, root = scene.finger_qpos, scene.root_qpos.start
    found = usual.copy()
    for index, model in enumerate(scene.models):
        data = mujoco.MjData(model)
        for row in range(usual.shape[1]):
            for distance in np.arange(back[index, row], FARTHEST, STEP):
                state = goal[index, row].copy()
                state[root : root + 3] += distance * away[index, row]
                opened = min(distance / OPEN, 1.0)
                state[fingers] += opened * (usual - goal)[index, row, fingers]
                if _depth(model, data, state) <= DEPTH:
                    found[index, row] = state
                    break
    return found


def _depth(model: mujoco.MjModel, data: mujoco.MjData, qpos: np.ndarray) -> float:
    """How deep the hand is in the object or the table, m.

    Fingers may overlap one another: they push themselves apart.
    """
    bodies = _touching(model, data, qpos)
    ours = ~np.isin(bodies, [0, model.body("object").id])
    mixed = ours[:, 0] != ours[:, 1]
    return float(-data.contact.dist[mixed].min(initial=0.0))


def _touching(
    model: mujoco.MjModel, data: mujoco.MjData, qpos: np.ndarray
) -> np.ndarray:
    """The two bodies (contacts, 2) of every contact."""
    data.qpos[:] = qpos
    mujoco.mj_fwdPosition(model, data)
    return model.geom_bodyid[data.contact.geom]


def _close(scene: Scene, around: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """States (n, count, nq) after the hands have closed in simulation.

    Args:
        scene: n objects.
        around: (n, count, nq) before.
        targets: (n, count, joints) rad, where the fingers are sent.
    """
    targets = targets[..., scene.hand.actuated_index]
    ctrl = np.concatenate([np.zeros((*targets.shape[:2], 6)), targets], axis=-1)
    object_id = np.repeat(np.arange(len(around)), around.shape[1])
    flat = [x.reshape(len(object_id), -1) for x in (around, ctrl)]
    engine = NativeEngine(scene)

    @jax.jit
    def run(qpos: jax.Array, ctrl: jax.Array, object_id: jax.Array) -> jax.Array:
        still = jnp.zeros((len(qpos), scene.model.nv))
        state = jax.vmap(engine.reset)(qpos, still, object_id)

        def step(state, _):
            return jax.vmap(engine.step)(state, ctrl), None

        return jax.lax.scan(step, state, length=CLOSING)[0].qpos

    with _without_gravity(scene):
        return np.asarray(run(*flat, object_id), float).reshape(around.shape)


@contextlib.contextmanager
def _without_gravity(scene: Scene) -> Iterator[None]:
    """All models of a scene, for a while."""
    usual = [model.opt.gravity.copy() for model in scene.models]
    try:
        for model in scene.models:
            model.opt.gravity[:] = 0.0
        yield
    finally:
        for model, gravity in zip(scene.models, usual, strict=True):
            model.opt.gravity[:] = gravity


def _held(scene: Scene, around: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """Whether two links or more touch an object that is where it was, (n, count)."""
    pos = slice(scene.object_qpos.start, scene.object_qpos.start + 3)
    moved = np.linalg.norm((closed - around)[..., pos], axis=-1)
    links = np.zeros(moved.shape, int)
    for index, model in enumerate(scene.models):
        data, thing = mujoco.MjData(model), model.body("object").id
        for row, state in enumerate(closed[index]):
            bodies = _touching(model, data, state)
            with_object = bodies[(bodies == thing).any(axis=1)]
            links[index, row] = len(set(with_object.ravel()) - {0, thing})
    return (moved <= SLIP) & (links >= 2) & np.isfinite(closed).all(axis=-1)
