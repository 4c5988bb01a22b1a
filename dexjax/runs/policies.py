"""Trained policies: read from a run's folder, or exported into a small one.

A policy's folder is that of a training run, finished or not, or one that
`export_policy` wrote: config.yaml, checkpoints/ and, once there, summary.json. That of
a hyper-policy has its base policies in bases/, each a folder of the same kind.
"""

import dataclasses
import json
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import yaml
from jax.tree_util import Partial

from dexjax.errors import DexjaxError
from dexjax.hands import Hand, load_hand
from dexjax.learners.dagger import DaggerConfig, Student
from dexjax.learners.learner import Policy
from dexjax.learners.mixture import MixtureTask
from dexjax.learners.ppo import init_policy, make_ppo
from dexjax.learners.ppo_config import PpoConfig
from dexjax.networks.actor_critic import ActorCritic
from dexjax.objects.object_set import CODE
from dexjax.runs import checkpoint
from dexjax.runs.config import BaseConfig, RunConfig, check
from dexjax.runs.evaluation import Act
from dexjax.runs.folder import read_config, read_json, write_json, write_text
from dexjax.runs.hyper import (
    Base,
    HyperConfig,
    MixtureConfig,
    PolicyAct,
    check_bases,
    make_mixture,
    mixed,
)
from dexjax.runs.student import StudentConfig
from dexjax.runs.training import identity
from dexjax.tasks.clouds import POINTS
from dexjax.tasks.grasp_config import GraspConfig
from dexjax.tasks.observations import Sensed, observe
from dexjax.tasks.task import Task

# Folder of a hyper-policy's base policies.
BASES = "bases"


class TrainedPolicy(NamedTuple):
    """A policy and where it comes from.

    Attributes:
        config: of the run that trained it.
        act: (…, observation) -> deterministic actions (…, actions).
        policy: its parameters.
        step: iteration of the checkpoint it was read from.
    """

    config: RunConfig
    act: Act
    policy: Policy
    step: int


class _Sizes(NamedTuple):
    """The part of a task that acting depends on."""

    observation_size: int
    action_size: int
    episode_steps: int


def load_config(folder: Path) -> RunConfig:
    """The configuration of the run in a folder.

    Raises:
        DexjaxError: if there is no run, or one of another version of dexjax.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DexjaxError(f"no run {folder}: give the folder of a trained policy")
    found = read_config(folder)
    parts: dict[str, type] = {"task": GraspConfig, "ppo": PpoConfig}
    kind: type = BaseConfig
    if "mixture" in found:
        parts["mixture"], kind = MixtureConfig, HyperConfig
    elif "dagger" in found:
        parts, kind = {"task": GraspConfig, "dagger": DaggerConfig}, StudentConfig
    for name, part in parts.items():
        found[name] = _build(part, found.get(name), f"{folder}/config.yaml: {name}")
    for name in ("dexgraspnet", "encoder", "grasps", "out", "start"):
        if found.get(name) is not None:
            found[name] = Path(found[name])
    config = _build(kind, found, f"{folder}/config.yaml")
    check(config)
    return config


def load_policy(folder: Path) -> TrainedPolicy:
    """Reads the newest intact checkpoint of a run, as far as acting needs it.

    Raises:
        DexjaxError: if there is none, or it is of another hand or network: says what
            differs.
    """
    folder = Path(folder)
    config = load_config(folder)
    act, blank = _acting(folder, config)
    step, policy, _ = checkpoint.restore(
        folder / "checkpoints",
        jax.eval_shape(blank, jax.random.key(0)),
        expect=identity(config),
        part="policy",
    )
    return TrainedPolicy(config, Partial(act, policy), policy, step)


def _acting(
    folder: Path, config: RunConfig
) -> tuple[PolicyAct, Callable[[jax.Array], Policy]]:
    """How a run's policy acts, and a blank one of a key."""
    # Acting needs no more of a task than its sizes.
    task = cast(Task, _sizes(config, load_hand(config.hand)))
    if isinstance(config, StudentConfig):
        student = Student(task, POINTS, config.dagger)
        return jax.jit(student.act), student.init_policy
    assert isinstance(config, BaseConfig)
    if isinstance(config, HyperConfig):
        task = make_mixture(task, load_bases(folder, config), config)
    network = ActorCritic(task.action_size, config.ppo.widths, config.ppo.initial_std)
    act = make_ppo(task, config.ppo).act
    if isinstance(task, MixtureTask):
        act = mixed(task, act)
    return act, partial(init_policy, network, task.observation_size)


def load_base(folder: Path) -> Base:
    """Reads a base policy."""
    found = load_policy(folder)
    if not isinstance(found.config, BaseConfig):
        raise DexjaxError(f"{folder} holds no base policy")
    return Base(Path(folder), found.config, found.policy)


def load_bases(folder: Path, config: HyperConfig) -> list[Base]:
    """Reads the base policies in the folder of a hyper-policy.

    Raises:
        DexjaxError: if one is missing, or another than it was trained with.
    """
    bases = []
    for i, digest in enumerate(config.mixture.digests):
        own = Path(folder) / BASES / str(i)
        name = f"base policy {i} ({config.mixture.bases[i]})"
        if not own.is_dir():
            raise DexjaxError(f"hyper-policy {folder} lacks its {name}: no {own}")
        base = load_base(own)
        if base.digest != digest:
            raise DexjaxError(
                f"hyper-policy {folder} was trained with another {name}: {own} is "
                f"{base.digest}, it names {digest}"
            )
        bases.append(base)
    check_bases(bases, config)
    return bases


def keep_bases(folder: Path, bases: Sequence[Base]) -> None:
    """Copies base policies into the folder of a hyper-policy, once."""
    for i, base in enumerate(bases):
        own = Path(folder) / BASES / str(i)
        if not (own / "summary.json").exists():
            shutil.rmtree(own, ignore_errors=True)
            export_policy(base.folder, own)


def export_policy(run: Path, folder: Path) -> None:
    """Copies a finished run's policy and result, without what only training needs.

    Args:
        run: the run's folder.
        folder: the new one; must be absent or empty.

    Raises:
        DexjaxError: if the run is not finished, or the folder is in use.
    """
    run, folder = Path(run), Path(folder)
    trained = load_policy(run)
    summary = read_json(run / "summary.json")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise DexjaxError(f"{folder} is not empty: choose a new folder")
        # Folders of the machine that trained it mean nothing elsewhere.
        folders = ("out", "dexgraspnet", "encoder", "grasps", "start")
        there = {field.name for field in dataclasses.fields(trained.config)}
        none: dict[str, Any] = {name: None for name in folders if name in there}
        config = dataclasses.replace(trained.config, **none)
        plain = json.loads(json.dumps(dataclasses.asdict(config)))
        write_text(folder / "config.yaml", yaml.safe_dump(plain, sort_keys=False))
    except OSError as error:
        raise DexjaxError(f"cannot write in {folder}: {error.strerror}") from error
    meta = identity(trained.config) | {"object": config.object}
    tree = {"policy": trained.policy}
    checkpoint.save(folder / "checkpoints", trained.step, tree, meta)
    if (run / BASES).is_dir():
        shutil.copytree(run / BASES, folder / BASES)
    write_json(folder / "summary.json", summary)


def _build(kind: type, fields: Any, where: str) -> Any:
    """A configuration from plain fields, which must be exactly its own."""
    if not isinstance(fields, dict):
        raise DexjaxError(f"{where} is damaged: no fields in it")
    wanted = {field.name for field in dataclasses.fields(kind)}
    for name in sorted(wanted ^ set(fields)):
        what = "lacks" if name in wanted else "has"
        raise DexjaxError(
            f"{where} {what} the field {name!r}: the run is of another version of "
            "dexjax, train it anew"
        )
    values = {n: tuple(v) if isinstance(v, list) else v for n, v in fields.items()}
    return kind(**values)


def _sizes(config: RunConfig, hand: Hand) -> _Sizes:
    """The sizes of the task that a configuration makes, without making it."""
    frame = (3, 4, 3, 3)
    tips = [jnp.zeros((len(hand.fingertips), n)) for n in (*frame, 3, 3)]
    sensed = Sensed(
        *[jnp.zeros(len(hand.joints))] * 2,
        *map(jnp.zeros, frame),
        *tips,
        *map(jnp.zeros, frame),
    )
    obs = observe(
        hand,
        sensed,
        jnp.zeros(hand.action_size),
        jnp.zeros(3),
        jnp.zeros(CODE),
        config.task.observation,
        config.task.relative,
        jnp.zeros((POINTS, 3)),
    )
    return _Sizes(obs.size, hand.action_size, config.task.episode_steps)
