"""Made-up steps of an Allegro hand."""

import numpy as np

from dexjax.data import Steps, mark_safe


def made_up(worlds: int, steps: int, seed: int = 0) -> Steps:
    """Steps that pack about as well as real ones: smooth joints, forces at times."""
    rng = np.random.default_rng(seed)
    shape = (worlds, steps)
    begins = rng.random(shape) < 1 / 200
    begins[:, 0] = True
    dropped = np.roll(begins, -1, axis=1) & (rng.random(shape) < 0.3)
    walk = rng.normal(0, 0.05, (*shape, 16)).cumsum(axis=1)
    targets = 0.8 + 0.5 * np.sin(walk)
    joints = np.copy(targets)
    for t in range(1, steps):
        joints[:, t] = 0.4 * joints[:, t - 1] + 0.6 * targets[:, t - 1]
    joints += rng.normal(0, 0.003, joints.shape)
    touching = np.repeat(rng.random((*shape, 4)) < 0.6, 3, axis=-1)
    position = 0.03 * np.sin(0.2 * walk[..., :3])
    quaternion = np.concatenate([np.ones((*shape, 1)), np.sin(walk[..., 3:6])], -1)
    quaternion /= np.linalg.norm(quaternion, axis=-1, keepdims=True)
    half = np.float16
    world = np.arange(worlds)[:, None] + np.zeros(shape, int)
    return Steps(
        joints.astype(half),
        targets.astype(half),
        position.astype(half),
        quaternion.astype(half),
        (touching * rng.gamma(1.0, 0.5, touching.shape)).astype(half),
        (world % 50).astype(np.uint16),
        (world % 6).astype(np.uint8),
        (world % 4).astype(np.uint8),
        (world % 2).astype(np.uint8),
        begins,
        rng.random(shape) < 0.03,
        mark_safe(begins, dropped),
    )
