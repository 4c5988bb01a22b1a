"""From a configuration to the things it names: objects, scene, engine, task."""

import dataclasses
from pathlib import Path

import jax

from dexjax.cache import cache_folder
from dexjax.hands import load_hand
from dexjax.objects.grasp_file import read_grasps, with_grasps
from dexjax.objects.loading import load_object_set
from dexjax.objects.object_set import ObjectSet
from dexjax.physics.choice import make_engine
from dexjax.physics.engine import Engine
from dexjax.runs.codes import load_encoder, with_codes
from dexjax.runs.config import RunConfig
from dexjax.scene import make_scene
from dexjax.tasks.grasp import GraspTask

# Settled start states of a training on many objects: of all together, and of each.
MOST_STARTS = 16_384
FEWEST_STARTS = 4
# Grasp proposals of the everyday set, one file for each hand.
SHIPPED = Path(__file__).resolve().parents[2] / "policies" / "grasps"


def use_compilation_cache() -> None:
    """Keeps compiled functions between processes, where JAX can."""
    jax.config.update("jax_compilation_cache_dir", str(cache_folder("jax")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def load_config_objects(config: RunConfig) -> ObjectSet:
    """The objects of a run, with codes if they are seen."""
    objects = load_object_set(
        config.object, size=config.size, dexgraspnet=config.dexgraspnet
    )
    grasps = config.grasps or shipped_grasps(config.hand)
    if grasps is not None:
        objects = with_grasps(objects, read_grasps(grasps))
    if config.sees_codes:
        objects = with_codes(objects, load_encoder(config.encoder))
    return objects


def shipped_grasps(hand: str) -> Path | None:
    """The file of grasp proposals that comes with dexjax for a hand, if any does."""
    file = SHIPPED / f"{load_hand(hand).name}.npz"
    return file if file.exists() else None


def assemble_engine(config: RunConfig, objects: ObjectSet) -> Engine:
    """The engine of a run over any objects."""
    scene = make_scene(load_hand(config.hand), objects, config.wrist)
    return make_engine(scene, config.engine)


def training_task(config: RunConfig, engine: Engine) -> GraspTask:
    """The task as it is trained."""
    share = max(MOST_STARTS // len(engine.scene.objects), FEWEST_STARTS)
    starts = min(config.task.starts, share)
    task = dataclasses.replace(config.task, starts=starts)
    return GraspTask(engine, task, seed=config.seed)


def evaluation_task(config: RunConfig, engine: Engine) -> GraspTask:
    """The same task from start states that the training never had."""
    task = dataclasses.replace(config.task, enough_steps=0, near_share=0.0)
    return GraspTask(engine, task, seed=config.seed + 1_000_003)
