"""A fixed palm with an object in it, and gravity from any side.

The palm stands still and faces up in the world's axes, the fingers along +x; the pose
of the wrist is the direction of gravity, so that "palm down" is gravity that pulls out
of the palm. Every object with every turn of the palm is one model of the scene.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

import mujoco
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.hands import Hand
from dexjax.objects.object_set import ObjectSet
from dexjax.scene import Scene, make_scene
from dexjax.scene.carriers import FixedPalm
from dexjax.scene.variation import Variation

TIMESTEP = 0.01  # s
SUBSTEPS = 10  # a control step of 0.1 s
GRAVITY = 9.81  # m/s^2
# Angles between turns that differ by less are alike; those beyond are not near.
_ALIKE_RAD, _NEAR_RAD = 0.1, 0.9
_FACES = {
    "palm up": (0.0, 0.0, -1.0),
    "palm down": (0.0, 0.0, 1.0),
    "fingers up": (-1.0, 0.0, 0.0),
    "fingers down": (1.0, 0.0, 0.0),
    "thumb up": (0.0, 1.0, 0.0),
    "thumb down": (0.0, -1.0, 0.0),
}


def _between(names: Iterable[str]) -> dict[str, np.ndarray]:
    """Half of the way from each of some turns to those at a right angle to it."""
    pairs = itertools.combinations(names, 2)
    found = {f"{a}, {b}": np.add(_FACES[a], _FACES[b]) for a, b in pairs}
    return {n: pull / np.linalg.norm(pull) for n, pull in found.items() if pull.any()}


# How the palm is held -> where gravity pulls, (3,) of length 1 in the world's axes.
TURNS: dict[str, np.ndarray] = {
    **{name: np.array(pull) for name, pull in _FACES.items()},
    **_between(_FACES),
}


def palm_scene(
    hand: Hand,
    objects: ObjectSet,
    turns: Sequence[str] = tuple(TURNS),
    physics: Sequence[Variation] = (Variation(),),
) -> Scene:
    """The scene of a hand, objects and turns of the palm.

    Args:
        hand: the hand.
        objects: n of them.
        turns: names in `TURNS`, t of them.
        physics: p variations; gravity is that of the turn.

    Returns:
        A scene of n p t models, object by object, and of each physics by physics.

    Raises:
        DexjaxError: for an unknown turn, and as `make_scene`.
    """
    for turn in turns:
        if turn not in TURNS:
            raise DexjaxError(f"turn of the palm {turn!r}: choose from {list(TURNS)}")
    pulls = [GRAVITY * TURNS[turn] for turn in turns]
    return make_scene(
        hand,
        objects,
        carrier=FixedPalm(),
        variations=[
            dataclasses.replace(each, gravity=(float(x), float(y), float(z)))
            for each in physics
            for x, y, z in pulls
        ],
        timestep=TIMESTEP,
    )


def drawn_physics(count: int, mass: float, seed: int) -> list[Variation]:
    """The usual physics and others (DexterityGen, appendix).

    Masses of 0.03 to 0.25 kg, friction 0.5 to 1.2, sizes within 5 %, and the actuators'
    gains times 0.8 to 1.1; the joints' own damping times 0.7 to 1.2 stands for that of
    the controller.

    Args:
        count: how many, the usual one first.
        mass: kg of an object as it is.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    drawn = [
        Variation(
            mass=rng.uniform(0.03, 0.25) / mass,
            friction=rng.uniform(0.5, 1.2),
            scale=rng.uniform(0.95, 1.05),
            gain=rng.uniform(0.8, 1.1),
            damping=rng.uniform(0.7, 1.2),
        )
        for _ in range(count - 1)
    ]
    return [Variation(), *drawn]


def next_turns(pulls: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Which turns are next to which: those at the least angle, (…, t, t) bool.

    Args:
        pulls: (t, 3) of length 1, where gravity pulls.
        there: which there are to go to, broadcast to (…, t, t).
    """
    angle = np.arccos(np.clip(pulls @ pulls.T, -1.0, 1.0))
    np.fill_diagonal(angle, np.inf)
    angle = np.where(there, angle, np.inf)
    least = angle.min(axis=-1, keepdims=True)
    return (angle <= least + _ALIKE_RAD) & np.isfinite(angle)


def near_turns(scene: Scene) -> np.ndarray:
    """Models that show the same with the palm turned by 45 degrees, (models, most).

    Rows with fewer repeat their first; those with none name themselves.
    """
    pulls = np.array([each.gravity for each in scene.variations]) / GRAVITY
    same = [dataclasses.replace(each, gravity=(0, 0, 0)) for each in scene.variations]
    near = next_turns(pulls, np.array([[a == b for b in same] for a in same]))
    near &= pulls @ pulls.T > np.cos(_NEAR_RAD)
    most = max(int(near.sum(axis=1).max()), 1)
    rows = []
    for own, there in enumerate(near):
        found = np.flatnonzero(there) if there.any() else np.array([own])
        rows.append(np.resize(found, most))
    count, each = len(scene.models), len(scene.variations)
    start = each * (np.arange(count) // each)
    return start[:, None] + np.array(rows)[np.arange(count) % each]


def palm_pose(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Where the palm's centre is: position (3,) m and quaternion (4,) wxyz, world."""
    data = mujoco.MjData(scene.model)
    mujoco.mj_kinematics(scene.model, data)
    site, quat = data.site("palm_center"), np.zeros(4)
    mujoco.mju_mat2Quat(quat, site.xmat)
    return site.xpos.copy(), quat


def finger_of_geoms(scene: Scene) -> np.ndarray:
    """Which finger each geom belongs to, (geoms,) int.

    Fingers count in the order of `Hand.fingertips`; links of the palm have the number
    after the last finger, everything that is not of the hand -1.
    """
    model, hand = scene.model, scene.hand
    finger = _finger_of_bodies(scene)
    for link in hand.links:
        if link not in hand.finger_links:
            finger[model.body(link).id] = len(hand.fingertips)
    return finger[model.geom_bodyid]


def finger_of_actuators(scene: Scene) -> np.ndarray:
    """Which finger each actuator moves, (actuated,) int; 0 if it moves several."""
    model = scene.model
    finger = _finger_of_bodies(scene)[model.jnt_bodyid[model.actuator_trnid[:, 0]]]
    return np.maximum(finger, 0)


def _finger_of_bodies(scene: Scene) -> np.ndarray:
    """The finger whose tip alone hangs on a body, (bodies,) int; -1 otherwise."""
    model = scene.model
    tips = np.zeros((model.nbody, len(scene.hand.fingertips)), bool)
    for number, tip in enumerate(scene.hand.fingertips):
        body = int(model.site(tip).bodyid[0])
        while body:
            tips[body, number] = True
            body = int(model.body_parentid[body])
    return np.where(tips.sum(axis=1) == 1, tips.argmax(axis=1), -1)
