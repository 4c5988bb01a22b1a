"""Furniture with joints of its own, such as a drawer."""

import dataclasses
from pathlib import Path

import mujoco

from dexjax.errors import DexjaxError
from dexjax.hands import mjcf_path
from dexjax.scene.carriers import check_turn

FIXTURES = ("drawer",)

_JOINT_SENSORS = {
    "pos": mujoco.mjtSensor.mjSENS_JOINTPOS,
    "vel": mujoco.mjtSensor.mjSENS_JOINTVEL,
}


@dataclasses.dataclass(frozen=True)
class Fixture:
    """One piece of furniture.

    Its file holds one body in the world with its joints, and sites where something is
    to be known; neither actuators nor sensors. Geoms have contype 4 and conaffinity 3,
    as the table has. In the scene everything in it is called `<name>_<its name>`;
    joints have the sensors `<name>_<joint>_pos` and `_vel`, sites `<name>_<site>_pos`.

    Attributes:
        name: what it is called in the scene.
        kind: one of `FIXTURES`, or the path of an MJCF file.
        position: (3,) m, of the file's origin on the table.
        quaternion: (4,) wxyz, of the file's axes.
    """

    name: str = "drawer"
    kind: str = "drawer"
    position: tuple[float, float, float] = (0.3, 0.0, 0.0)
    quaternion: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)

    def __post_init__(self):
        """Raises DexjaxError for a quaternion that is none."""
        check_turn(f"fixture {self.name!r}", self.quaternion)


def add_fixture(spec: mujoco.MjSpec, fixture: Fixture) -> None:
    """Adds a fixture and its sensors.

    Args:
        spec: what it is added to.
        fixture: which, and where.

    Raises:
        DexjaxError: if its file cannot be read or does not hold what it should.
    """
    child = _read(fixture)
    watched = [
        (joint.name, suffix, kind, mujoco.mjtObj.mjOBJ_JOINT)
        for joint in child.joints
        for suffix, kind in _JOINT_SENSORS.items()
    ]
    watched += [
        (site.name, "pos", mujoco.mjtSensor.mjSENS_FRAMEPOS, mujoco.mjtObj.mjOBJ_SITE)
        for site in child.sites
    ]
    frame = spec.worldbody.add_frame(pos=fixture.position, quat=fixture.quaternion)
    spec.attach(child, prefix=f"{fixture.name}_", frame=frame)
    for what, suffix, kind, owner in watched:
        name = f"{fixture.name}_{what}"
        spec.add_sensor(name=f"{name}_{suffix}", type=kind, objtype=owner, objname=name)


def fixture_joints(fixture: Fixture) -> tuple[str, ...]:
    """Its joints, as they are called in the scene; see `add_fixture`."""
    return tuple(f"{fixture.name}_{joint.name}" for joint in _read(fixture).joints)


def _read(fixture: Fixture) -> mujoco.MjSpec:
    """What a fixture's file holds, checked."""
    path = _path(fixture.kind)
    try:
        spec = mujoco.MjSpec.from_file(str(path))
    except ValueError as error:
        raise DexjaxError(f"{path}: {' '.join(str(error).split())}") from None
    if len(spec.worldbody.bodies) != 1 or spec.actuators or spec.sensors:
        raise DexjaxError(
            f"{path}: a fixture is one body in the world, with neither actuators nor "
            "sensors"
        )
    moving = {mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE}
    if not {joint.type for joint in spec.joints} <= moving:
        raise DexjaxError(f"{path}: a fixture's joints are hinges and slides")
    if not all(each.name for each in [*spec.joints, *spec.sites]):
        raise DexjaxError(f"{path}: a fixture's joints and sites need names")
    return spec


def _path(kind: str) -> Path:
    if kind in FIXTURES:
        return mjcf_path(f"{kind}.xml")
    if not kind.endswith(".xml"):
        raise DexjaxError(
            f"unknown fixture {kind!r}: choose from {', '.join(FIXTURES)}, or give the "
            ".xml file of your own"
        )
    path = Path(kind).expanduser()
    if not path.is_file():
        raise DexjaxError(f"fixture {kind!r}: there is no such file")
    return path
