"""A scene: table + hand + one object of a set, as one MuJoCo model per object.

All models of a scene have equal sizes (checked), so that engines may hold any of
them in any world. Coordinates: the origin is the centre of the table top, z is up.
"""

import dataclasses
from collections.abc import Sequence

import mujoco
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.hands import Hand, mjcf_path
from dexjax.objects.object_set import ObjectSet

# Sizes that may differ between the models: nothing in `MjData` is allocated by them.
_FREE_SIZES = {
    "nmeshpoly",
    "nmeshpolyvert",
    "nmeshpolymap",
    "nmeshdegmax",
    "npolygonmax",
    "nbuffer",
    "nB",
}


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
class Scene:
    """Models of one hand with each object of a set.

    Attributes:
        hand: the hand.
        objects: the object set; world `object_id` indexes it.
        models: one compiled model per object, all of equal sizes.
        sensors: name -> slice of `sensordata`.
    """

    hand: Hand
    objects: ObjectSet
    models: tuple[mujoco.MjModel, ...]
    sensors: dict[str, slice]

    @property
    def model(self) -> mujoco.MjModel:
        """The first object's model, for everything that all of them share."""
        return self.models[0]

    @property
    def object_qpos(self) -> slice:
        """Where the object's free joint stands in `qpos`."""
        start = self.model.joint("object").qposadr[0]
        return slice(start, start + 7)

    @property
    def root_qpos(self) -> slice:
        """Where the hand's free joint stands in `qpos`."""
        start = self.model.joint("root").qposadr[0]
        return slice(start, start + 7)

    @property
    def finger_qpos(self) -> np.ndarray:
        """Indices (joints,) of the finger joints in `qpos`."""
        return np.array([self.model.joint(j).qposadr[0] for j in self.hand.joints])


def make_scene(hand: Hand, objects: ObjectSet, wrist: str = "servo") -> Scene:
    """Builds the scene of a hand and an object set.

    Args:
        hand: the hand.
        objects: n objects.
        wrist: a name in `WRIST_DRIVES`.

    Raises:
        DexjaxError: for an unknown wrist drive, an empty set, or models that come
            out with unequal sizes.
    """
    if wrist not in WRIST_DRIVES:
        raise DexjaxError(f"wrist drive {wrist!r}: choose from {list(WRIST_DRIVES)}")
    if len(objects) == 0:
        raise DexjaxError("the object set is empty: give at least one object")
    drive = WRIST_DRIVES[wrist]
    models = tuple(_compile(hand, objects, i, drive) for i in range(len(objects)))
    check_equal_sizes(models, objects.names)
    return Scene(hand, objects, models, _sensor_slices(models[0]))


def check_equal_sizes(
    models: Sequence[mujoco.MjModel], names: Sequence[str] | None = None
) -> None:
    """Raises unless all models agree in every size that `MjData` depends on.

    `mujoco.rollout` reuses one `MjData` for all models of a thread and would overrun
    it silently if a later model were larger.
    """
    names = names or [str(i) for i in range(len(models))]
    first = _sizes(models[0])
    for model, name in zip(models[1:], names[1:], strict=True):
        for key, value in _sizes(model).items():
            if value != first[key]:
                raise DexjaxError(
                    f"models of unequal size: {key} is {first[key]} with object "
                    f"{names[0]!r} and {value} with {name!r}; pad both alike"
                )


def _sizes(model: mujoco.MjModel) -> dict[str, int]:
    names = (n for n in dir(model) if n.startswith("n") and n not in _FREE_SIZES)
    sizes = ((name, getattr(model, name)) for name in names)
    return {name: size for name, size in sizes if isinstance(size, int)}


def _compile(
    hand: Hand, objects: ObjectSet, index: int, drive: WristDrive
) -> mujoco.MjModel:
    files = (mjcf_path("tabletop.xml"), hand.xml)
    includes = "".join(f'<include file="{file}"/>' for file in files)
    spec = mujoco.MjSpec.from_string(f"<mujoco>{includes}</mujoco>")
    _drive_wrist(spec, drive)
    _add_object(spec, objects, index)
    return spec.compile()


def _drive_wrist(spec: mujoco.MjSpec, drive: WristDrive) -> None:
    names = ("wrist_fx", "wrist_fy", "wrist_fz", "wrist_tx", "wrist_ty", "wrist_tz")
    for i, name in enumerate(names):
        actuator = spec.actuator(name)
        gain, speed = drive.gain[i // 3], drive.speed[i // 3]
        limit = drive.limit[i // 3]
        actuator.gainprm[0] = gain * speed
        actuator.biasprm[:3] = [0.0, 0.0, -gain]
        actuator.forcerange = [-limit, limit]


def _add_object(spec: mujoco.MjSpec, objects: ObjectSet, index: int) -> None:
    body = spec.worldbody.add_body(name="object", pos=[0, 0, 0.1])
    body.add_freejoint(name="object")
    body.explicitinertial = True
    body.mass = float(objects.mass[index])
    # A centre of mass exactly at the origin makes MuJoCo store a smaller mass matrix;
    # a micrometre keeps all models of one size.
    body.ipos = np.asarray(objects.com[index], float) + np.array([1e-6, 0.0, 0.0])
    inertia = np.asarray(objects.inertia[index], float)
    body.fullinertia = inertia[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
    friction = float(objects.friction[index])
    for k, (hull, real) in enumerate(
        zip(objects.hulls[index], objects.hull_mask[index], strict=True)
    ):
        spec.add_mesh(name=f"hull{k}", uservert=np.asarray(hull, float).ravel())
        body.add_geom(
            name=f"hull{k}",
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=f"hull{k}",
            # Padding meets nobody, yet counts: MuJoCo's bounding volumes leave out
            # geoms without any bit, and models would differ in size.
            contype=2 if real else 8,
            conaffinity=5 if real else 0,
            condim=4,
            friction=[friction, 0.005, 0.0001],
            # The object's friction counts, whatever the hand's and the table's:
            # without priority MuJoCo takes the larger, and nothing would be slippery.
            priority=1,
            solref=[0.01, 1.0],
            rgba=[0.85, 0.55, 0.25, 1.0 if real else 0.0],
        )
    for kind, name in (
        (mujoco.mjtSensor.mjSENS_FRAMEPOS, "object_pos"),
        (mujoco.mjtSensor.mjSENS_FRAMEQUAT, "object_quat"),
        (mujoco.mjtSensor.mjSENS_FRAMELINVEL, "object_linvel"),
        (mujoco.mjtSensor.mjSENS_FRAMEANGVEL, "object_angvel"),
    ):
        spec.add_sensor(
            type=kind,
            name=name,
            objtype=mujoco.mjtObj.mjOBJ_XBODY,
            objname="object",
        )


def _sensor_slices(model: mujoco.MjModel) -> dict[str, slice]:
    starts, sizes = model.sensor_adr, model.sensor_dim
    return {
        model.sensor(i).name: slice(int(starts[i]), int(starts[i] + sizes[i]))
        for i in range(model.nsensor)
    }
