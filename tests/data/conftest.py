"""Small transitions of a hand with 5 joints, 4 of them driven, and 2 fingers."""

import numpy as np
import pytest

from dexjax.data import Steps, TransitionSpec, mark_safe, open_folder, write_shard

SPEC = TransitionSpec(
    hand="claw",
    hand_digest="0123456789abcdef",
    joints=5,
    actuated=4,
    fingertips=2,
    objects=("cube", "rod", "ball"),
    turns=("up", "down"),
    experts=("one", "other"),
)


@pytest.fixture
def spec():
    return SPEC


@pytest.fixture
def make_steps():
    return some_steps


@pytest.fixture
def folder(tmp_path):
    """Three shards of different sizes."""
    open_folder(tmp_path, SPEC)
    for number, length in enumerate((60, 45, 80)):
        write_shard(tmp_path, number, SPEC, some_steps(6, length, number))
    return tmp_path


def some_steps(worlds=6, steps=60, seed=0):
    """Joints tell where they are from: (world, step, shard) and two random numbers."""
    rng = np.random.default_rng(seed)
    shape = (worlds, steps)
    begins = rng.random(shape) < 0.08
    dropped = np.roll(begins, -1, axis=1) & (rng.random(shape) < 0.4)
    joints = rng.normal(0, 1, (*shape, 5))
    joints[..., 0] = np.arange(worlds)[:, None]
    joints[..., 1] = np.arange(steps)
    joints[..., 2] = seed
    quaternion = rng.normal(0, 1, (*shape, 4))
    quaternion /= np.linalg.norm(quaternion, axis=-1, keepdims=True)

    def half(array):
        return array.astype(np.float16)

    def index(most):
        return rng.integers(0, most, shape)

    return Steps(
        half(joints),
        half(rng.normal(0, 1, (*shape, 4))),
        half(rng.normal(0, 0.03, (*shape, 3))),
        half(quaternion),
        half(rng.gamma(1, 1, (*shape, 6))),
        np.tile(np.arange(worlds)[:, None] % 3, (1, steps)).astype(np.uint16),
        index(2).astype(np.uint8),
        index(2).astype(np.uint8),
        index(2).astype(np.uint8),
        begins,
        rng.random(shape) < 0.05,
        mark_safe(begins, dropped, 6),
    )
