"""MuJoCo Playground's LeapCubeReorient on MJX-JAX, in its training wrapper.

    python leap_cube.py '{"worlds": 128, "steps": 16}'

Playground would clone MuJoCo Menagerie for the hand's meshes. They are only drawn: no
contacts, no mass, so that tetrahedra in their place change nothing that is measured.
"""

import json
import re
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import jax
from channel import Channel
from etils import epath
from mujoco_playground import registry, wrapper
from mujoco_playground._src import mjx_env
from mujoco_playground._src.manipulation.leap_hand import leap_hand_constants

TETRAHEDRON = """\
v 0 0 0
v 0.01 0 0
v 0 0.01 0
v 0 0 0.01
f 1 3 2
f 1 2 4
f 1 4 3
f 2 3 4
"""
MESH = re.compile(r"mujoco_menagerie/(leap_hand/assets/\w+\.obj)")


def stand_in_meshes(folder: Path) -> None:
    """Writes a tetrahedron for every mesh that the hand would take from Menagerie."""
    hand = leap_hand_constants.ROOT_PATH / "xmls" / "leap_rh_mjx.xml"
    for name in MESH.findall(hand.read_text()):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TETRAHEDRON)
    mjx_env.MENAGERIE_PATH = epath.Path(folder)


def main(worlds: int, steps: int) -> None:
    """Steps the task with random actions whenever it is asked to."""
    channel = Channel()
    with tempfile.TemporaryDirectory() as folder:
        stand_in_meshes(Path(folder))
        # The default is mujoco_warp, which has one thread on a CPU.
        env = registry.load("LeapCubeReorient", config_overrides={"impl": "jax"})
    training = wrapper.wrap_for_brax_training(env, episode_length=1000)
    key = jax.random.PRNGKey(0)  # The wrapper knows keys of the old style only.
    state = jax.jit(training.reset)(jax.random.split(key, worlds))
    # Else it compiles for minutes once more, for what its own steps give back.
    state = jax.tree.map(lambda x: x.astype(x.dtype), state)
    shape = (steps, worlds, env.action_size)
    actions = jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)

    @jax.jit
    def roll(state, actions):
        def step(state, action):
            state = training.step(state, action)
            return state, (state.obs, state.reward)

        return jax.lax.scan(step, state, actions)

    def measure() -> dict:
        nonlocal state
        began = time.perf_counter()
        state, (_, reward) = jax.block_until_ready(roll(state, actions))
        passed = time.perf_counter() - began
        if not jax.numpy.isfinite(reward).all():
            sys.exit("a world is not finite any more")
        return {"control_steps_per_s": worlds * steps / passed}

    for _ in range(2):
        measure()
    names = ("playground", "jax", "mujoco", "mujoco-mjx")
    versions = {name: version(name) for name in names}
    channel.serve({"substeps": env.n_substeps, "versions": versions}, measure)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
