"""Presets of the trainings from depth images."""

import dataclasses

from dexjax.learners.ppo.config import FEW_WORLDS, PpoConfig
from dexjax.limits import one_of
from dexjax.networks.vision_config import VisionConfig
from dexjax.runs.run import Budget, SceneConfig
from dexjax.systems.depth.policy import DepthRun
from dexjax.tasks.grasp import GraspConfig

# Objects lie within 10 cm of the middle: nearer ones are grasped without any camera.
_TASK = GraspConfig(
    observation="depth",
    privileged=("object_position", "object_state", "relative", "object_centre"),
    pose=False,
    near_share=0.5,
    offset=0.1,
)
_SCENE = SceneConfig(wrist="servo")
_NETWORK = VisionConfig()

PRESETS = {
    "smoke": DepthRun(
        preset="smoke",
        scene=_SCENE,
        task=dataclasses.replace(_TASK, starts=16, pixels=(16, 16)),
        ppo=dataclasses.replace(FEW_WORLDS, worlds=64, minibatches=8),
        network=dataclasses.replace(_NETWORK, widths=(64, 64), features=16),
        budget=Budget(env_steps=64 * 16 * 20, eval_episodes=64, checkpoint_every=2.0),
    ),
    "laptop": DepthRun(
        preset="laptop",
        scene=_SCENE,
        task=_TASK,
        ppo=FEW_WORLDS,
        network=_NETWORK,
        budget=Budget(env_steps=4_000_000, stop_at=0.98),
    ),
    "gpu": DepthRun(
        preset="gpu",
        scene=_SCENE,
        task=dataclasses.replace(_TASK, pixels=(64, 64)),
        ppo=dataclasses.replace(FEW_WORLDS, worlds=2048, minibatches=8, epochs=4),
        network=_NETWORK,
        budget=Budget(env_steps=20_000_000, stop_at=0.99),
    ),
    "paper": DepthRun(
        preset="paper",
        task=dataclasses.replace(_TASK, pixels=(160, 120)),
        ppo=PpoConfig(worlds=4096, steps=16, epochs=4, minibatches=4, discount=0.998),
        network=VisionConfig(widths=(512, 512), estimator="head"),
        budget=Budget(env_steps=1_000_000_000),
    ),
}


def depth_preset(name: str) -> DepthRun:
    """The run of a preset.

    Raises:
        DexjaxError: for an unknown name.
    """
    return one_of("preset", name, PRESETS)
