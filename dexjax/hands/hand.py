"""What a hand is, and what its description says of it."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np

WRIST_ACTIONS = 6


@dataclasses.dataclass(frozen=True)
class Description:
    """What the MJCF file of a hand does not say.

    Attributes:
        name: what the hand is called in results and checkpoints.
        mjcf: its MJCF file.
        fingertips: sites, in the order in which policies see them.
        start_quat: (4,) root orientation, wxyz: palm down, fingers along world +x.
        poses: angles by joint by name of the pose; joints left out are at 0.
        palm_links: links that belong to the palm, not to a finger.
        couplings: (driving joint, following joint, ratio).
    """

    name: str
    mjcf: Path
    fingertips: tuple[str, ...]
    start_quat: tuple[float, ...]
    poses: dict[str, dict[str, float]]
    palm_links: tuple[str, ...] = ("palm",)
    couplings: tuple[tuple[str, str, float], ...] = ()


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
        name: what it is called in results and checkpoints.
        xml: its MJCF file.
        joints: finger joints in `qpos` order.
        actuated: joints with a position actuator, in `ctrl` order.
        couplings: (driving joint, following joint, ratio): following = ratio * driving.
        fingertips: fingertip sites in sensor order.
        links: all links; `links[0]` is the root body, `links[i]` turns about joint
            i - 1.
        finger_links: links that carry collision geometry and touch an object in a
            grasp, i.e. all such links but those of the palm.
        joint_range: (joints, 2), rad.
        actuated_index: (actuated,) indices of the actuated joints in `joints`.
        poses: joint angles (joints,) by name: "neutral" (all straight), "open" (the
            start: spread, slightly curled, thumb opposed), "grasp" (a power grasp).
        keypoints: (link, point in the link's frame) of the palm centre, the tips and
            the knuckles between them.
        start_quat: (4,) root orientation, wxyz: palm down, fingers along world +x.
        palm_center: (3,) the site `palm_center` in the root frame, m.
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
    tree: LinkTree

    @property
    def action_size(self) -> int:
        """Components of an action: six of the wrist, one for each actuated joint."""
        return WRIST_ACTIONS + len(self.actuated)
