"""How honest the contacts of held objects are: penetration and finger overlap."""

import mujoco
import numpy as np

from dexjax.physics.engine import PhysicsState
from dexjax.scene import Scene


def contact_depths(scene: Scene, worlds: PhysicsState) -> dict[str, float | int]:
    """Depths in mm over a batch of worlds, by MuJoCo C.

    Args:
        scene: what the worlds hold.
        worlds: (worlds, …).

    Returns:
        Median and 95th percentile over the worlds of each world's deepest
        hand-object penetration and hand-hand overlap, and the number of worlds.
    """
    depths = np.array(
        [
            _deepest(scene.models[int(index)], qpos)
            for index, qpos in zip(worlds.object_id, worlds.qpos, strict=True)
        ]
    ).reshape(-1, 2)
    report: dict[str, float | int] = {"worlds": len(depths)}
    for column, name in enumerate(("penetration", "finger_overlap")):
        if len(depths):
            report[f"{name}_median_mm"] = float(np.median(depths[:, column]))
            report[f"{name}_p95_mm"] = float(np.percentile(depths[:, column], 95))
    return report


def _deepest(model: mujoco.MjModel, qpos: np.ndarray) -> tuple[float, float]:
    """Deepest hand-object and hand-hand overlap of one world in mm."""
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_forward(model, data)
    of_object, of_table = model.body("object").id, 0
    body = model.geom_bodyid[data.contact.geom]
    depth = np.maximum(-data.contact.dist, 0.0) * 1000.0
    table = (body == of_table).any(axis=1)
    held = (body == of_object).any(axis=1) & ~table
    hand = ~held & ~table
    return (
        float(depth[held].max(initial=0.0)),
        float(depth[hand].max(initial=0.0)),
    )
