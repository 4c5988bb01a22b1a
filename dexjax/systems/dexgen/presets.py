"""Presets of DexterityGen's trainings."""

import dataclasses

from dexjax.learners.imitation import ImitationConfig
from dexjax.learners.ppo.config import PpoConfig
from dexjax.limits import one_of
from dexjax.networks.mlp_config import MlpConfig
from dexjax.runs.run import Budget, SceneConfig
from dexjax.systems.dexgen.expert import ExpertRun
from dexjax.tasks.inhand import InhandConfig

_SCENE = SceneConfig(object="geometric/train", hand="allegro")
_PPO = PpoConfig(
    worlds=512,
    steps=16,
    epochs=4,
    minibatches=4,
    discount=0.97,
    value_clip=True,
    value_scale=1.0,
    learning_rate=3e-4,
    learning_rate_range=(1e-5, 1e-3),
    critic_learning_rate=5e-4,
    bound_scale=0.01,
    normalise=True,
    reward_scale=0.2,
)
_NETWORK = MlpConfig(widths=(256, 256, 128), initial_std=0.35)
_TASK = InhandConfig(
    easiest=0.6,
    joints_weight=1.0,
    still_share=0.5,
    rotation_share=0.1,
    free_share=0.01,
)
_IMITATION = ImitationConfig()

EXPERTS = {
    "smoke": ExpertRun(
        preset="smoke",
        task=_TASK,
        imitation=dataclasses.replace(_IMITATION, rounds=2),
        scene=dataclasses.replace(_SCENE, object="geometric/train/cube"),
        ppo=dataclasses.replace(_PPO, worlds=64),
        network=dataclasses.replace(_NETWORK, widths=(64, 64)),
        budget=Budget(env_steps=64 * 16 * 20, eval_episodes=64, checkpoint_every=2.0),
    ),
    "laptop": ExpertRun(
        preset="laptop",
        task=_TASK,
        imitation=_IMITATION,
        scene=_SCENE,
        ppo=_PPO,
        network=_NETWORK,
        budget=Budget(env_steps=10_000_000),
    ),
    "gpu": ExpertRun(
        preset="gpu",
        task=_TASK,
        imitation=_IMITATION,
        scene=_SCENE,
        ppo=dataclasses.replace(_PPO, worlds=4096, minibatches=8),
        network=dataclasses.replace(_NETWORK, widths=(512, 512, 256)),
        budget=Budget(env_steps=300_000_000),
    ),
    # DexterityGen, appendix.
    "paper": ExpertRun(
        preset="paper",
        scene=_SCENE,
        task=InhandConfig(noise=1.0, physics=8, rotation_share=0.2, free_share=0.05),
        ppo=PpoConfig(
            worlds=8192,
            steps=8,
            minibatches=8,
            discount=0.99,
            learning_rate=5e-4,
            desired_kl=0.016,
            normalise=True,
        ),
        network=MlpConfig(widths=(1024, 512, 512, 256, 256)),
        budget=Budget(env_steps=1_000_000_000),
    ),
}


def expert_preset(name: str) -> ExpertRun:
    """The run of a preset for an expert.

    Raises:
        DexjaxError: for an unknown name.
    """
    return one_of("preset", name, EXPERTS)
