"""A hand as data, and where its links are: forward kinematics in JAX.

The frame of the root body `palm` is the palm frame of the DexGraspNet data set: +z
towards the fingers, the palm faces -y, the thumb is on the +x side.
"""

import dataclasses
import difflib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from dexjax import rotations
from dexjax.errors import DexjaxError


class LinkPoses(NamedTuple):
    """Poses of all links in the world frame, in the order of `Hand.links`.

    Attributes:
        position: (links, 3), m.
        quaternion: (links, 4), wxyz, unit.
    """

    position: jax.Array
    quaternion: jax.Array


class LinkTree(NamedTuple):
    """The kinematic tree. Link 0 is the palm; link i > 0 turns about joint i - 1.

    Attributes:
        parent: (links,) index of the parent link; -1 for the palm.
        position: (links, 3) origin in the parent's frame, m.
        quaternion: (links, 4) orientation in the parent's frame at joint angle 0.
        axis: (links, 3) unit joint axis in the link's frame; zero for the palm.
    """

    parent: np.ndarray
    position: np.ndarray
    quaternion: np.ndarray
    axis: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Hand:
    """One hand.

    Attributes:
        name: what `load_hand` calls it.
        xml: its MJCF file.
        joints: finger joints in `qpos` order.
        actuated: joints with a position actuator, in `ctrl` order.
        couplings: (driving joint, following joint, ratio): following = ratio * driving.
        fingertips: fingertip sites in sensor order.
        links: all links; `links[0]` is the root body, `links[i]` turns about joint
            i - 1.
        finger_links: links that carry collision geometry and touch an object in a
            grasp, i.e. all such links but the palm's.
        joint_range: (joints, 2), rad.
        actuated_index: (actuated,) indices of the actuated joints in `joints`.
        poses: joint angles (joints,) by name: "neutral" (all straight), "open" (the
            start: spread, slightly curled, thumb opposed), "grasp" (a power grasp).
        keypoints: (link, point in the link's frame) of the palm centre, the tips and
            the knuckles between them.
        start_quat: (4,) root orientation, wxyz: palm down, fingers along world +x.
        palm_center: (3,) the site `palm_center` in the root frame, m.
        dexgraspnet_joint_names: the joints' names in DexGraspNet files.
        tree: the kinematic tree.
    """

    name: str
    xml: Path
    joints: tuple[str, ...]
    actuated: tuple[str, ...]
    couplings: tuple[tuple[str, str, float], ...]
    fingertips: tuple[str, ...]
    links: tuple[str, ...]
    finger_links: tuple[str, ...]
    joint_range: np.ndarray
    actuated_index: np.ndarray
    poses: dict[str, np.ndarray]
    keypoints: tuple[tuple[str, tuple[float, float, float]], ...]
    start_quat: np.ndarray
    palm_center: np.ndarray
    dexgraspnet_joint_names: tuple[str, ...]
    tree: LinkTree


# Angles per finger: (J3, J2, J1, J0); little finger and thumb have five, J4 first.
_SHADOW_POSES = {
    "neutral": {},
    "open": {
        "FF": (0.15, 0.4, 0.3, 0.343),
        "MF": (0.0, 0.4, 0.3, 0.343),
        "RF": (-0.15, 0.4, 0.3, 0.343),
        "LF": (0.1, -0.25, 0.4, 0.3, 0.343),
        "TH": (0.15, 1.1, 0.0, 0.0, 0.0),
    },
    # Near the median of the 1,330 DexGraspNet grasps at hand, last joints coupled.
    "grasp": {
        "FF": (0.03, 0.4, 0.55, 0.628),
        "MF": (0.0, 0.4, 0.6, 0.685),
        "RF": (-0.03, 0.4, 0.6, 0.685),
        "LF": (0.25, -0.1, 0.4, 0.55, 0.628),
        "TH": (0.35, 1.1, 0.0, -0.3, -0.25),
    },
}
# +x of the palm to world y, +y to world z, +z to world x: the cyclic permutation.
_PALM_DOWN = (0.5, 0.5, 0.5, 0.5)
_CORD_RATIO = 0.00805 / 0.00705


def mjcf_path(filename: str) -> Path:
    """The path of one of our MJCF files, in a checkout or an installed wheel.

    Raises:
        DexjaxError: if there is no such file.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "mjcf", package.parent / "mjcf"):
        if (folder / filename).is_file():
            return folder / filename
    raise DexjaxError(f"no MJCF file {filename!r} beside the dexjax package")


def load_hand(name: str = "shadow") -> Hand:
    """The hand of that name.

    Raises:
        DexjaxError: for an unknown name; lists the ones that exist.
    """
    if name not in _HANDS:
        near = difflib.get_close_matches(name, _HANDS, n=3, cutoff=0.3)
        raise DexjaxError(f"unknown hand {name!r}: choose from {near or list(_HANDS)}")
    return _HANDS[name]()


def forward_kinematics(
    hand: Hand,
) -> Callable[[jax.Array, jax.Array, jax.Array], LinkPoses]:
    """A pure function from a configuration to the poses of all links.

    Returns:
        fn(root_pos (3,), root_quat (4,) wxyz unit, q (joints,) rad) -> `LinkPoses` in
        the frame in which the root pose is given.
    """
    tree = hand.tree
    generations = _generations(tree.parent)
    order = np.argsort(np.concatenate(generations))

    def kinematics(
        root_pos: jax.Array, root_quat: jax.Array, q: jax.Array
    ) -> LinkPoses:
        # Generation by generation, all fingers at once: compiles far faster than link
        # by link.
        turned = rotations.multiply(
            tree.quaternion[1:], rotations.from_axis_angle(tree.axis[1:], q)
        )
        position, quaternion = root_pos[None], root_quat[None]
        positions, quaternions = [position], [quaternion]
        for above, links in zip(generations, generations[1:], strict=False):
            parent = np.searchsorted(above, tree.parent[links])
            position, quaternion = position[parent], quaternion[parent]
            position = position + rotations.rotate(quaternion, tree.position[links])
            quaternion = rotations.multiply(quaternion, turned[links - 1])
            positions.append(position)
            quaternions.append(quaternion)
        return LinkPoses(
            jnp.concatenate(positions)[order], jnp.concatenate(quaternions)[order]
        )

    return kinematics


def _generations(parent: np.ndarray) -> list[np.ndarray]:
    """Link indices, sorted, by their distance from the palm in the tree."""
    depth = np.zeros(len(parent), int)
    for link in range(1, len(parent)):
        depth[link] = depth[parent[link]] + 1
    return [np.flatnonzero(depth == d) for d in range(depth.max() + 1)]


@functools.cache
def _load_shadow() -> Hand:
    xml = mjcf_path("shadow_hand.xml")
    model = mujoco.MjModel.from_xml_path(str(xml))
    joints = tuple(model.joint(i).name for i in range(1, model.njnt))
    fingers = ("FF", "MF", "RF", "LF", "TH")
    actuators = tuple(model.actuator(i).name for i in range(6, model.nu))
    links = tuple(model.body(i).name for i in range(1, model.nbody))
    carriers = {links[body - 1] for body in model.geom_bodyid}
    return Hand(
        name="shadow",
        xml=xml,
        joints=joints,
        actuated=actuators,
        couplings=tuple((f + "J1", f + "J0", _CORD_RATIO) for f in fingers[:4]),
        fingertips=tuple(f.lower() + "tip" for f in fingers),
        links=links,
        finger_links=tuple(
            link for link in links if link in carriers - {"palm", "lfmetacarpal"}
        ),
        joint_range=_frozen(model.jnt_range[1:]),
        actuated_index=_frozen([joints.index(name) for name in actuators], int),
        poses={name: _pose(joints, pose) for name, pose in _SHADOW_POSES.items()},
        keypoints=_shadow_keypoints(model, fingers),
        start_quat=_frozen(_PALM_DOWN),
        palm_center=_frozen(model.site("palm_center").pos),
        dexgraspnet_joint_names=tuple("robot0:" + joint for joint in joints),
        tree=_link_tree(model),
    )


def _link_tree(model: mujoco.MjModel) -> LinkTree:
    # Every body of the hand but the root has exactly one hinge, through its origin.
    return LinkTree(
        parent=_frozen(model.body_parentid[1:] - 1, int),
        position=_frozen(model.body_pos[1:]),
        quaternion=_frozen(model.body_quat[1:]),
        axis=_frozen(np.vstack([np.zeros(3), model.jnt_axis[1:]])),
    )


def _pose(joints: tuple[str, ...], angles: dict[str, tuple[float, ...]]) -> np.ndarray:
    pose = np.zeros(len(joints))
    for finger, values in angles.items():
        own = [i for i, joint in enumerate(joints) if joint.startswith(finger)]
        pose[own] = values
    return _frozen(pose)


def _shadow_keypoints(
    model: mujoco.MjModel, fingers: tuple[str, ...]
) -> tuple[tuple[str, tuple[float, float, float]], ...]:
    points = [("palm", tuple(model.site("palm_center").pos.tolist()))]
    for finger in (f.lower() for f in fingers):
        points += [(finger + link, (0.0, 0.0, 0.0)) for link in ("proximal", "middle")]
        tip = tuple(model.site(finger + "tip").pos.tolist())
        points += [(finger + "distal", (0.0, 0.0, 0.0)), (finger + "distal", tip)]
    return tuple(points)


def _frozen(values: object, dtype: type = np.float32) -> np.ndarray:
    array: np.ndarray = np.array(values, dtype)
    array.setflags(write=False)
    return array


_HANDS: dict[str, Callable[[], Hand]] = {"shadow": _load_shadow}
