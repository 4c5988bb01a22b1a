"""A free object in a MuJoCo model: its body, hulls and sensors."""

import mujoco
import numpy as np

from dexjax.objects.object_set import ObjectSet

OBJECT = "object"  # what is grasped, in every scene

_FRAME_SENSORS = {
    "pos": mujoco.mjtSensor.mjSENS_FRAMEPOS,
    "quat": mujoco.mjtSensor.mjSENS_FRAMEQUAT,
    "linvel": mujoco.mjtSensor.mjSENS_FRAMELINVEL,
    "angvel": mujoco.mjtSensor.mjSENS_FRAMEANGVEL,
}
# Where further objects are in `qpos0`, beside the first and one another, m.
_APART = 0.25


def add_object(
    spec: mujoco.MjSpec,
    objects: ObjectSet,
    index: int,
    name: str = OBJECT,
    place: int = 0,
    meets: bool = False,
) -> None:
    """Adds a body with a free joint of the same name and its four frame sensors.

    Args:
        spec: what it is added to.
        objects: n objects.
        index: which of them.
        name: of the body; sensors are `<name>_pos`, `_quat`, `_linvel`, `_angvel`.
        place: how many objects stand there already.
        meets: whether it touches other objects.
    """
    body = spec.worldbody.add_body(name=name, pos=[0, _APART * place, 0.1])
    body.add_freejoint(name=name)
    body.explicitinertial = True
    body.mass = float(objects.mass[index])
    # A centre of mass exactly at the origin makes MuJoCo store a smaller mass matrix;
    # a micrometre keeps all models of one size.
    body.ipos = np.asarray(objects.com[index], float) + np.array([1e-6, 0.0, 0.0])
    inertia = np.asarray(objects.inertia[index], float)
    body.fullinertia = inertia[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
    prefix = "" if name == OBJECT else f"{name}_"
    for k in range(objects.hulls.shape[1]):
        _add_hull(spec, body, f"{prefix}hull{k}", objects, (index, k), meets)
    for suffix, kind in _FRAME_SENSORS.items():
        spec.add_sensor(
            type=kind,
            name=f"{name}_{suffix}",
            objtype=mujoco.mjtObj.mjOBJ_XBODY,
            objname=name,
        )


def _add_hull(
    spec: mujoco.MjSpec,
    body: mujoco.MjsBody,
    name: str,
    objects: ObjectSet,
    which: tuple[int, int],
    meets: bool,
) -> None:
    real = objects.hull_mask[which]
    vertices = np.asarray(objects.hulls[which], float)
    spec.add_mesh(name=name, uservert=vertices.ravel())
    body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=name,
        # Padding meets nobody, yet counts: MuJoCo's bounding volumes leave out
        # geoms without any bit, and models would differ in size.
        contype=2 if real else 8,
        conaffinity=(7 if meets else 5) if real else 0,
        condim=4,
        friction=[float(objects.friction[which[0]]), 0.005, 0.0001],
        # The object's friction counts, whatever the hand's and the table's:
        # without priority MuJoCo takes the larger, and nothing would be slippery.
        priority=1,
        solref=[0.01, 1.0],
        rgba=[0.85, 0.55, 0.25, 1.0 if real else 0.0],
    )
