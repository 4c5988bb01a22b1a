"""gymnasium-robotics' HandManipulateBlock-v1 in Gymnasium's asynchronous vector.

    python manipulate_block.py '{"worlds": 2, "steps": 1000}'

Every world is a process of its own.
"""

import json
import sys
import time
from importlib.metadata import version

import gymnasium
import gymnasium_robotics
import numpy as np
from channel import Channel


def main(worlds: int, steps: int) -> None:
    """Steps the task with random actions whenever it is asked to."""
    channel = Channel()
    gymnasium.register_envs(gymnasium_robotics)
    envs = gymnasium.make_vec(
        "HandManipulateBlock-v1", num_envs=worlds, vectorization_mode="async"
    )
    envs.reset(seed=0)
    shape = (steps, *envs.action_space.shape)
    actions = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)

    def measure() -> dict:
        began = time.perf_counter()
        for action in actions:
            observations = envs.step(action)[0]
        passed = time.perf_counter() - began
        if not np.isfinite(observations["observation"]).all():
            sys.exit("a world is not finite any more")
        return {"control_steps_per_s": worlds * steps / passed}

    names = ("gymnasium-robotics", "gymnasium", "mujoco")
    versions = {name: version(name) for name in names}
    substeps = envs.get_attr("n_substeps")[0]
    channel.serve({"substeps": substeps, "versions": versions}, measure)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
