"""Transitions: experts rolled out over all objects and turns (DexterityGen, IV-A)."""

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import yaml
from tqdm import tqdm

from dexjax.data import (
    Steps,
    TransitionSpec,
    mark_safe,
    open_folder,
    spec_of,
    write_shard,
    written,
)
from dexjax.errors import DexjaxError
from dexjax.learners.worlds import batched
from dexjax.limits import Limits
from dexjax.networks.carry import begun_again
from dexjax.physics.choice import ENGINES
from dexjax.runs.assemble import assemble_engine, grasp_sets, load_run_objects
from dexjax.runs.kept import keep, with_kept
from dexjax.runs.records.provenance import provenance
from dexjax.runs.run import InhandRun
from dexjax.runs.storage.files import make_folder, write_json, write_text
from dexjax.runs.stored import StoredPolicy, load_stored
from dexjax.shipped import find
from dexjax.tasks.inhand import InhandTask
from dexjax.tasks.inhand.memory import DROPS, GOALS

# Folder beside the shards that says what the experts were trained for.
RUN = "run"


@dataclasses.dataclass(frozen=True)
class TransitionOptions:
    """Rolls experts out and keeps what they did, shard by shard.

    Attributes:
        experts: folders of experts, separated by commas; they take turns.
        steps: transitions in all.
        spread: standard deviation of noise on actions, of every other world; it leads
            the experts to where a person might.
        engine: "auto", "native", "mjx" or "warp".
        part: this process's share of the shards, of `parts` that run at once.
        parts: processes that work on one folder.
        worlds, shard_steps: of a shard, hands and control steps of each; the last two
            seconds of these tell nothing, see `mark_safe`.
        seed: of all draws.
        out: folder of the shards.
    """

    experts: str = "runs/dexgen/expert-0"
    steps: int = 10_000_000
    spread: float = 0.2
    engine: str = "auto"
    part: int = 0
    parts: int = 1
    worlds: int = 512
    shard_steps: int = 300
    seed: int = 0
    out: Path = Path("runs/dexgen/transitions")

    LIMITS: ClassVar[Limits] = {
        "steps": (1, 1_000_000_000_000),
        "spread": (0.0, 2.0),
        "engine": tuple(ENGINES),
        "part": (0, 10_000),
        "parts": (1, 10_000),
        "worlds": (2, 100_000),
        "shard_steps": (30, 100_000),
        "seed": (0, 2_000_000_000),
    }

    @property
    def shard(self) -> int:
        """Transitions of a shard."""
        return self.worlds * self.shard_steps

    def check_fit(self) -> None:
        """Refuses a part that there is not."""
        if self.part >= self.parts:
            raise DexjaxError(
                f"part is {self.part}, must be below parts = {self.parts}: they count "
                "from 0"
            )


def collect(options: TransitionOptions) -> dict:
    """Collects what is missing; again, it goes on. A summary.

    Raises:
        DexjaxError: for experts that do not fit together, or a folder of others.
    """
    experts = read_experts(options.experts)
    task = experts_task(experts[0], options.engine)
    spec = transition_spec(task, experts)
    open_folder(options.out, spec)
    keep_run(options.out / RUN, experts[0], task)
    total = -(-options.steps // options.shard)
    there = set(written(options.out))
    missing = [n for n in range(options.part, total, options.parts) if n not in there]
    began = time.monotonic()
    rollers = [roller(task, expert, options) for expert in experts]
    for number in tqdm(missing, unit=" shards", initial=0):
        which = number % len(experts)
        key = jax.random.fold_in(jax.random.key(options.seed), number)
        write_shard(options.out, number, spec, rollers[which](key, which))
    seconds = time.monotonic() - began
    return _summary(options, spec, task, len(missing), seconds)


def _summary(
    options: TransitionOptions,
    spec: TransitionSpec,
    task: InhandTask,
    shards: int,
    seconds: float,
) -> dict:
    """Says what there is; keeps the rate if anything was collected."""
    files = list(options.out.glob("shard-*.h5"))
    there = len(files) * options.shard
    size = sum(file.stat().st_size for file in files)
    found = {
        "transitions": there,
        "bytes_per_transition": round(size / max(there, 1), 1),
        "collected": shards * options.shard,
        "seconds": round(seconds, 1),
        "per_s": round(shards * options.shard / seconds, 1),
        "objects": len(spec.objects),
        "engine": task.engine.name,
        "seed": options.seed,
        **provenance(),
    }
    if shards:
        write_json(options.out / "summary.json", found)
    print(f"{there:,} transitions of {len(spec.objects)} objects in {options.out}")
    return found


def keep_run(folder: Path, expert: StoredPolicy, task: InhandTask) -> None:
    """Keeps scene and task of an expert, and what they are made from, once."""
    if (folder / "config.yaml").exists():
        return
    run = with_kept(expert.folder, expert.run)
    own = {f.name: getattr(run, f.name) for f in dataclasses.fields(InhandRun)}
    make_folder(folder)
    keep(folder, run, task.objects)
    plain = json.loads(json.dumps(InhandRun(**own).plain(), default=str))
    write_text(folder / "config.yaml", yaml.safe_dump(plain, sort_keys=False))


def read_experts(names: str) -> list[StoredPolicy]:
    """Experts of one hand by their folders.

    Raises:
        DexjaxError: for none, policies of another task, or different hands.
    """
    folders = [name.strip() for name in names.split(",") if name.strip()]
    if not folders:
        raise DexjaxError("no experts: give their folders, separated by commas")
    experts = [load_stored(find(folder)) for folder in folders]
    for expert in experts:
        if not isinstance(expert.run, InhandRun):
            raise DexjaxError(
                f"{expert.folder} is no expert: it was trained for the task "
                f"{expert.run.task.KIND!r}"
            )
        if expert.spec.body != experts[0].spec.body:
            raise DexjaxError(
                f"{expert.folder} moves the {expert.spec.body}, {experts[0].folder} "
                f"the {experts[0].spec.body}: one hand at a time"
            )
    return experts


def experts_task(expert: StoredPolicy, engine: str) -> InhandTask:
    """The task that an expert was trained for."""
    run = with_kept(expert.folder, expert.run)
    run = dataclasses.replace(run, scene=dataclasses.replace(run.scene, engine=engine))
    assert isinstance(run, InhandRun)
    made = assemble_engine(run, load_run_objects(run))
    return InhandTask(made, run.task, grasp_sets(run.scene))


def transition_spec(task: InhandTask, experts: list[StoredPolicy]) -> TransitionSpec:
    """What the transitions of experts in a task mean."""
    names = tuple(expert.folder.name for expert in experts)
    return spec_of(task.hand, task.objects.names, task.bank.turn_names, names)


def roller(
    task: InhandTask, expert: StoredPolicy, options: TransitionOptions
) -> Callable[[jax.Array, int], Steps]:
    """A function that rolls an expert out: (key, its number) -> a shard's steps.

    Args:
        task: what it acts in.
        expert: what acts.
        options: how many worlds and steps, and the noise on actions.
    """
    count, batch = options.worlds, batched(task)
    noisy = options.spread * (jnp.arange(count) % 2)[:, None]

    def step(now, key: jax.Array):
        worlds, carry = now
        act_key, noise_key = jax.random.split(key)
        action, carry = expert.act(worlds.obs, carry, act_key)
        action += noisy * jax.random.normal(noise_key, action.shape)
        before = _recorded(task, worlds)
        worlds = batch.restart(batch.advance(worlds, action))
        carry = begun_again(carry, expert.init(count), worlds.done)
        told = (worlds.metrics[GOALS] > 0, worlds.metrics[DROPS] > 0)
        return (worlds, carry), (before, told)

    @jax.jit
    def roll(key: jax.Array):
        start, steps = jax.random.split(key)
        worlds = jax.vmap(task.reset)(jax.random.split(start, count))
        keys = jax.random.split(steps, options.shard_steps)
        _, found = jax.lax.scan(step, (worlds, expert.init(count)), keys)
        return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), found)

    def shard(key: jax.Array, number: int) -> Steps:
        before, (reached, dropped) = jax.device_get(roll(key))
        shape = reached.shape
        return Steps(
            **before,
            expert=np.full(shape, number, np.uint8),
            reached=reached,
            safe=mark_safe(before["begins"], dropped),
        )

    return shard


def _recorded(task: InhandTask, worlds) -> dict[str, jax.Array]:
    """What of all worlds is kept before a step."""
    seen = jax.vmap(task.sight.see)(worlds.physics)
    half = jnp.float16
    model = worlds.physics.object_id
    return {
        "joints": seen.joints.astype(half),
        "targets": worlds.memory.targets.astype(half),
        "position": seen.position.astype(half),
        "quaternion": seen.quaternion.astype(half),
        "forces": seen.forces.reshape(len(model), -1).astype(half),
        "object": task.bank.object_of(model).astype(jnp.uint16),
        "turn": task.bank.turn_of(model).astype(jnp.uint8),
        "mode": worlds.memory.mode.astype(jnp.uint8),
        "begins": worlds.step == 0,
    }
