"""From a run to the things it names: objects, scene, engine, task."""

import dataclasses
from pathlib import Path

import jax
import numpy as np

from dexjax.cache import cache_folder
from dexjax.errors import DexjaxError
from dexjax.grasps.sets.grasp_set import GraspSets, read_sets
from dexjax.grasps.sets.palm import SUBSTEPS, drawn_physics, palm_scene
from dexjax.hands import load_hand
from dexjax.objects.grasp_file import read_grasps, with_grasps
from dexjax.objects.loading import load_object_set
from dexjax.objects.object_set import ObjectSet
from dexjax.physics.choice import make_engine
from dexjax.physics.engine import Engine
from dexjax.runs.encoder import encoder_name, load_encoder, with_codes
from dexjax.runs.run import Run, SceneConfig
from dexjax.scene import make_scene
from dexjax.shipped import shipped
from dexjax.tasks.grasp import GraspConfig, GraspTask
from dexjax.tasks.inhand import InhandConfig, InhandTask
from dexjax.tasks.task import WatchedTask

# Settled start states of a training on many objects: of all together, and of each.
MOST_STARTS = 16_384
FEWEST_STARTS = 4


def use_compilation_cache() -> None:
    """Keeps compiled functions between processes, where JAX can."""
    jax.config.update("jax_compilation_cache_dir", str(cache_folder("jax")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def load_run_objects(run: Run) -> ObjectSet:
    """The objects of a run, with what its task needs to know of them."""
    if isinstance(run.task, InhandConfig):
        scene = run.scene
        return load_object_set(
            scene.object, size=scene.size, dexgraspnet=scene.dexgraspnet
        )
    return load_scene_objects(run.scene, run.task.observes_codes)


def load_scene_objects(scene: SceneConfig, codes: bool) -> ObjectSet:
    """The objects of a scene over a table.

    Args:
        scene: names them.
        codes: whether they need codes.
    """
    # What is quick to be found missing comes first: there may be thousands of objects.
    encoder = load_encoder(scene.encoder) if codes else None
    proposals = scene.grasps or shipped_grasps(scene.hand)
    grasps = None if proposals is None else read_grasps(proposals)
    objects = load_object_set(
        scene.object, size=scene.size, dexgraspnet=scene.dexgraspnet
    )
    if grasps is not None:
        objects = with_grasps(objects, grasps)
    return objects if encoder is None else with_codes(objects, encoder)


def shipped_grasps(hand: str) -> Path | None:
    """The file of grasp proposals that comes with dexjax for a hand, if any does."""
    file = shipped("grasps") / f"{load_hand(hand).name}.npz"
    return file if file.exists() else None


def grasp_sets(scene: SceneConfig) -> GraspSets:
    """The grasp sets of a scene in the hand.

    Raises:
        DexjaxError: if none are named, or the file cannot be used.
    """
    if scene.grasps is None:
        raise DexjaxError(
            "a task in the hand needs grasp sets: make them with `dexjax grasp-sets` "
            "and name the file with --grasps"
        )
    return read_sets(scene.grasps.expanduser(), load_hand(scene.hand))


def assemble_engine(run: Run, objects: ObjectSet) -> Engine:
    """The engine of a run over any objects.

    Raises:
        DexjaxError: for an engine that cannot run here, or where JAX is asked for
            double precision.
    """
    if jax.dtypes.canonicalize_dtype(float) != np.float32:
        raise DexjaxError(
            "JAX computes in double precision (JAX_ENABLE_X64), dexjax in single: "
            "unset it"
        )
    hand, engine = load_hand(run.scene.hand), run.scene.engine
    if isinstance(run.task, InhandConfig):
        turns = grasp_sets(run.scene).turns
        mass = float(objects.mass.mean())
        physics = drawn_physics(run.task.physics, mass, run.seed)
        turned = palm_scene(hand, objects, turns, physics)
        return make_engine(turned, engine, SUBSTEPS)
    return make_engine(make_scene(hand, objects, run.scene.wrist), engine)


def training_task(run: Run, engine: Engine) -> WatchedTask:
    """The task as it is trained."""
    if isinstance(run.task, InhandConfig):
        return InhandTask(engine, run.task, grasp_sets(run.scene))
    assert isinstance(run.task, GraspConfig)
    share = max(MOST_STARTS // len(engine.scene.objects), FEWEST_STARTS)
    starts = min(run.task.starts, share)
    task = dataclasses.replace(run.task, starts=starts)
    return grasp_task(run.scene, task, engine, run.seed)


def fresh_task(run: Run, engine: Engine, each: int) -> WatchedTask:
    """The task of an evaluation: as many new start states as episodes.

    A deterministic policy repeats itself from the same start; an episode that is
    counted twice makes the interval too narrow.

    Args:
        run: whose policy is evaluated.
        engine: holds the objects to evaluate it on.
        each: episodes of each object.
    """
    if isinstance(run.task, InhandConfig):
        return training_task(run, engine).fresh(each, run.seed)
    assert isinstance(run.task, GraspConfig)
    bare = dataclasses.replace(run.task, starts=1, near_share=0.0)
    return grasp_task(run.scene, bare, engine, run.seed).fresh(each, run.seed)


def grasp_task(
    scene: SceneConfig, task: GraspConfig, engine: Engine, seed: int
) -> GraspTask:
    """The grasping task over an engine."""
    encoder = encoder_name(scene.encoder) if task.observes_codes else ""
    return GraspTask(engine, task, seed, encoder)
