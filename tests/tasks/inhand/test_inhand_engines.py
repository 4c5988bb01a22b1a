"""The in-hand task is the same on every engine."""

import jax
import numpy as np
import pytest

from dexjax.grasps.sets.palm import SUBSTEPS, palm_scene
from dexjax.hands import load_hand
from dexjax.physics.choice import make_engine
from dexjax.systems.dexgen.trials import simple
from dexjax.tasks.inhand import InhandConfig, InhandTask

WORLDS, STEPS = 2, 4


@pytest.mark.parametrize("name", ["mjx", "warp"])
def test_what_mujoco_c_holds_is_held(name, request, grasp_sets, two_objects):
    if name == "warp":
        request.getfixturevalue("quick_warp")
    cube = two_objects.subset(["cube"])
    kept = grasp_sets.subset((grasp_sets.object == 0) & (grasp_sets.turn == 0))
    scene = palm_scene(load_hand("allegro"), cube, kept.turns)
    found = {}
    for own in ("native", name):
        engine = make_engine(scene, own, SUBSTEPS)
        task = InhandTask(engine, InhandConfig(turn_every=0), kept)
        policy = simple("nothing", task)
        state = jax.jit(jax.vmap(task.reset))(
            jax.random.split(jax.random.key(0), WORLDS)
        )
        step = jax.jit(jax.vmap(task.advance))
        for _ in range(STEPS):
            state = step(state, policy.act(state.obs, ())[0])
        assert engine.name == own
        found[own] = jax.device_get(jax.vmap(task.sight.see)(state.physics))
    one, other = found.values()  # Fingers that move part ways soon: contacts differ.
    assert np.isfinite(other.forces).all() and other.forces.any()
    np.testing.assert_allclose(one.position, other.position, atol=2e-3)
    np.testing.assert_allclose(one.joints, other.joints, atol=0.02)
    assert np.abs(one.position).max() < 0.1
