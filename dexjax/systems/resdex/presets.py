"""Presets of ResDex's trainings: for base policies, and for many objects."""

import dataclasses

from dexjax.learners.ppo.config import FEW_WORLDS
from dexjax.limits import one_of
from dexjax.networks.mlp_config import MlpConfig
from dexjax.runs.run import Budget, PpoRun, SceneConfig
from dexjax.tasks.grasp import GraspConfig

# What makes learning fast beside `FEW_WORLDS`: a slow, force-limited wrist,
# observations relative to the object, and small networks.
_SCENE = SceneConfig(wrist="servo")
_TASK = GraspConfig(relative=True, pose=False, near_share=0.5)
_NETWORK = MlpConfig(widths=(256, 256, 128), initial_std=0.6)

PRESETS = {
    "smoke": PpoRun(
        preset="smoke",
        scene=_SCENE,
        task=dataclasses.replace(_TASK, starts=16),
        ppo=dataclasses.replace(FEW_WORLDS, worlds=64, minibatches=8),
        network=dataclasses.replace(_NETWORK, widths=(64, 64)),
        budget=Budget(env_steps=64 * 16 * 40, eval_episodes=200, checkpoint_every=2.0),
    ),
    "laptop": PpoRun(
        preset="laptop",
        scene=_SCENE,
        task=_TASK,
        ppo=FEW_WORLDS,
        network=_NETWORK,
        budget=Budget(env_steps=4_000_000, stop_at=0.98),
    ),
    "gpu": PpoRun(
        preset="gpu",
        scene=_SCENE,
        task=_TASK,
        ppo=dataclasses.replace(FEW_WORLDS, worlds=2048, minibatches=8, epochs=4),
        network=_NETWORK,
        budget=Budget(env_steps=20_000_000, stop_at=0.99),
    ),
    "paper": PpoRun(preset="paper"),
}


def preset(name: str) -> PpoRun:
    """The run of a preset.

    Raises:
        DexjaxError: for an unknown name.
    """
    return one_of("preset", name, PRESETS)


def for_many_objects(run: PpoRun) -> PpoRun:
    """A preset's run for a training on hundreds of objects.

    Twice the worlds in half the minibatches: with another object in each the same
    number of samples says less about every one of them, and fewer updates move the
    policy as far. And an episode ends once the object has been held for five times the
    time that is asked for, which leaves more of them to the difficult ones; after less
    a grip that slips slowly would never be found out. For the same end half of the
    failed objects are tried again. A wide object can be held by its rim, so nearness is
    to its surface. All start as usual: where base policies or easy objects show how to
    lift, starts near a grasp only cost time. The policy has to know many grasps, so its
    network is twice as wide; and whether one lasts shows long after it is taken, so the
    learner looks further ahead. The paper's choices stay as they are.
    """
    if run.preset == "paper":
        return run
    task = dataclasses.replace(
        run.task,
        enough_steps=5 * run.task.held_steps,
        near="surface",
        retry_share=0.5,
        near_share=0.0,
    )
    ppo = dataclasses.replace(
        run.ppo,
        worlds=2 * run.ppo.worlds,
        minibatches=run.ppo.minibatches // 2,
        discount=0.99,
        gae_lambda=0.97,
    )
    network = dataclasses.replace(
        run.network, widths=tuple(2 * width for width in run.network.widths)
    )
    return dataclasses.replace(run, task=task, ppo=ppo, network=network)
