"""How the hand is carried: it floats on a driven wrist, is fixed, or sits on an arm."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import mujoco
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.hands import Hand, mjcf_path, world_spec
from dexjax.hands.files import hand_spec
from dexjax.scene.cameras import Camera

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]

# Of a palm that stands still: from its centre to the main camera and what that sees, m.
PALM_EYE, PALM_MIDDLE = np.array([0.25, -0.42, 0.27]), np.array([0.03, 0.0, 0.0])
_WRIST = ("wrist_fx", "wrist_fy", "wrist_fz", "wrist_tx", "wrist_ty", "wrist_tz")
_ARM_JOINTS = tuple(f"arm_{i}" for i in range(1, 8))
# From the world's axes at a hand's start (fingers along x, palm to -z) to the flange's
# (fingers along z, palm to x).
_ONTO_FLANGE = np.array([np.sqrt(0.5), 0.0, -np.sqrt(0.5), 0.0])


@dataclasses.dataclass(frozen=True)
class WristDrive:
    """How the six wrist actions act: a force- and speed-limited velocity servo.

    The force is `gain * (speed * action - velocity)`, clipped to `limit`. The paper's
    wrench on a heavily damped hand is the same law with a high speed and no limit.

    Attributes:
        speed: commanded speed per unit action, (m/s, rad/s).
        gain: (N s/m, N m s/rad).
        limit: largest force and torque, (N, N m).
    """

    speed: tuple[float, float]
    gain: tuple[float, float]
    limit: tuple[float, float]


# The released ResDex code: 833 N and 1.667 N m per unit, damping 100 1/s, mass 4.41 kg;
# here with the same accelerations on the lighter hand.
WRIST_DRIVES = {
    "servo": WristDrive(speed=(0.5, 1.5), gain=(50.0, 1.0), limit=(25.0, 2.0)),
    "wrench": WristDrive(speed=(1.89, 8.0), gain=(84.0, 0.2), limit=(160.0, 2.0)),
}


@dataclasses.dataclass(frozen=True)
class Floating:
    """A free hand; six actions drive its wrist, before those of the fingers.

    Attributes:
        wrist: a name in `WRIST_DRIVES`.
    """

    wrist: str = "servo"

    def __str__(self) -> str:
        """In words."""
        return f"{self.wrist} wrist"

    def __post_init__(self):
        """Raises DexjaxError for an unknown wrist drive."""
        if self.wrist not in WRIST_DRIVES:
            raise DexjaxError(
                f"wrist drive {self.wrist!r}: choose from {list(WRIST_DRIVES)}"
            )


@dataclasses.dataclass(frozen=True)
class FixedPalm:
    """A palm that stands still; the actions are those of the fingers alone.

    Attributes:
        position: (3,) m, of the palm's centre, world frame.
        turn: (4,) wxyz, from the pose in which the palm faces down and the fingers
            point along x; by default the palm faces up.
    """

    position: Vector = (0.0, 0.0, 0.3)
    turn: Quaternion = (0.0, 1.0, 0.0, 0.0)

    def __str__(self) -> str:
        """In words."""
        return "fixed palm"

    def __post_init__(self):
        """Raises DexjaxError for a turn that is none."""
        check_turn("palm", self.turn)


@dataclasses.dataclass(frozen=True)
class Arm:
    """A hand at the flange of mjcf/arm.xml; its seven joints act before the fingers.

    Its actions are joint angles in rad, those of position servos.

    Attributes:
        position: (3,) m, of the middle of its base, world frame.
        home: (7,) rad; with these and the position above the palm faces down over the
            table's centre, the fingers along x.
    """

    position: Vector = (-0.6, 0.0, 0.0)
    home: tuple[float, ...] = (0.0, 0.89, 0.0, 1.9, 0.0, -1.22, 0.0)

    def __str__(self) -> str:
        """In words."""
        return "seven-joint arm"


Carrier = Floating | FixedPalm | Arm


def carry(hand: Hand, carrier: Carrier) -> mujoco.MjSpec:
    """The table with a hand over it, to which objects are added.

    Args:
        hand: the hand.
        carrier: what holds it.
    """
    if isinstance(carrier, Floating):
        spec = world_spec(hand.xml)
        _drive_wrist(spec, WRIST_DRIVES[carrier.wrist])
        return spec
    child = _without_root(hand)
    if isinstance(carrier, FixedPalm):
        spec = _included(mjcf_path("tabletop.xml"))
        # Elsewhere MuJoCo leaves out contacts of a body and its parent by itself.
        for body in child.body("palm").bodies:
            child.add_exclude(bodyname1="palm", bodyname2=body.name)
        quat = _after(hand.start_quat, carrier.turn)
        root = np.array(carrier.position) - _turned(hand.palm_center, quat)
        frame = spec.worldbody.add_frame(pos=root, quat=quat)
        _look_at(spec, np.array(carrier.position))
    else:
        spec = _included(mjcf_path("tabletop.xml"), mjcf_path("arm.xml"))
        spec.body("arm").pos = carrier.position
        quat = _after(hand.start_quat, _ONTO_FLANGE)
        height = spec.site("flange").pos[2] - _lowest(hand, quat)
        frame = spec.body("arm_flange").add_frame(pos=[0, 0, height], quat=quat)
    with _without_warnings():
        spec.attach(child, prefix="", frame=frame)
    return spec


def _look_at(spec: mujoco.MjSpec, palm: np.ndarray) -> None:
    """Brings the main camera near to a palm's centre (3,) m."""
    eye, middle = (tuple(palm + offset) for offset in (PALM_EYE, PALM_MIDDLE))
    own = spec.camera("main")
    own.pos = eye
    own.alt.xyaxes = Camera("main", eye, middle, own.fovy).rotation[:, :2].T.ravel()


def check_turn(what: str, quat: Sequence[float]) -> None:
    """Raises DexjaxError unless quat is a unit quaternion (4,) wxyz."""
    if len(quat) != 4 or not abs(np.linalg.norm(quat) - 1.0) < 1e-3:
        raise DexjaxError(
            f"{what} turned by {tuple(quat)}: give four numbers of length 1, w x y z"
        )


def carrier_joints(carrier: Carrier) -> dict[str, tuple[str, ...]]:
    """The joints that a carrier moves the hand by; see `Scene.joints`."""
    if isinstance(carrier, Floating):
        return {"root": ("root",)}
    return {"arm": _ARM_JOINTS} if isinstance(carrier, Arm) else {}


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """MuJoCo warns that names without a prefix may not survive saving as XML."""
    handler = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(lambda message: None)
    try:
        yield
    finally:
        mujoco.set_mju_user_warning(handler)


def _included(*files: Path) -> mujoco.MjSpec:
    includes = "".join(f"<include file={quoteattr(str(file))}/>" for file in files)
    return mujoco.MjSpec.from_string(f"<mujoco>{includes}</mujoco>")


def _without_root(hand: Hand) -> mujoco.MjSpec:
    """A hand without its free joint and what drives it."""
    spec = hand_spec(hand.xml)
    spec.delete(spec.joint("root"))
    for name in _WRIST:
        spec.delete(spec.actuator(name))
    return spec


def _lowest(hand: Hand, quat: np.ndarray) -> float:
    """The least z of the palm's geoms about its origin, m, the palm turned by quat."""
    model = mujoco.MjModel.from_xml_path(str(hand.xml))
    corners = np.stack(np.meshgrid(*[[-1.0, 1.0]] * 3), axis=-1).reshape(-1, 3)
    lowest = 0.0
    for geom in np.flatnonzero(model.geom_bodyid == model.body("palm").id):
        centre, half = model.geom_aabb[geom, :3], model.geom_aabb[geom, 3:]
        for corner in centre + corners * half:
            point = model.geom_pos[geom] + _turned(corner, model.geom_quat[geom])
            lowest = min(lowest, float(_turned(point, quat)[2]))
    return lowest


def _after(first: Sequence[float] | np.ndarray, then: Sequence[float] | np.ndarray):
    """The rotation `first` followed by `then`, (4,) wxyz in float64."""
    product = np.zeros(4)
    mujoco.mju_mulQuat(product, np.array(then, float), np.array(first, float))
    return product


def _turned(vector: np.ndarray, quat: np.ndarray) -> np.ndarray:
    """A vector (3,) rotated by quat (4,), in float64."""
    result = np.zeros(3)
    mujoco.mju_rotVecQuat(result, np.array(vector, float), np.array(quat, float))
    return result


def _drive_wrist(spec: mujoco.MjSpec, drive: WristDrive) -> None:
    for i, name in enumerate(_WRIST):
        actuator = spec.actuator(name)
        gain, speed = drive.gain[i // 3], drive.speed[i // 3]
        limit = drive.limit[i // 3]
        actuator.gainprm[0] = gain * speed
        actuator.biasprm[:3] = [0.0, 0.0, -gain]
        actuator.forcerange = [-limit, limit]
