"""Trained policies: read from a run's folder, or exported into a small one.

A policy's folder is that of a training run, finished or not, or one that
`export_policy` wrote: config.yaml, checkpoints/ and, once there, summary.json. A
checkpoint holds under "policy" all that acting needs, and in its meta what kind of
policy that is.
"""

import dataclasses
import json
import shutil
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import yaml
from flax import struct

from dexjax.errors import DexjaxError
from dexjax.policies import codec
from dexjax.policies.policy import Policy
from dexjax.runs.kept import KEPT, with_kept
from dexjax.runs.run import RUNS, Budget, GraspRun, InhandRun, SceneConfig
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.files import read_json, write_json, write_text
from dexjax.runs.storage.folder import read_config
from dexjax.spec import PolicySpec
from dexjax.tasks.grasp import GraspConfig
from dexjax.tasks.inhand import InhandConfig

# What an exported folder takes along beside what the run was made from: the results of
# a hyper-policy's base policies.
_RESULTS = ("bases.json",)
_TASKS: dict[str, type] = {own.KIND: own for own in (GraspConfig, InhandConfig)}


class StoredPolicy(struct.PyTreeNode):
    """A policy and where it comes from; acts as the policy does, see `Policy`.

    Attributes:
        policy: what acts.
        folder: it was read from.
        run: that trained it, as far as every run has it.
        step: iteration of the checkpoint it was read from.
    """

    policy: Policy
    folder: Path = struct.field(pytree_node=False)
    run: GraspRun | InhandRun = struct.field(pytree_node=False)
    step: int = struct.field(pytree_node=False)

    def __repr__(self) -> str:
        """In a line, without its parameters."""
        sees = ", ".join(own.name for own in self.spec.observations)
        kind = type(self.policy).__name__
        return f"<{kind} {self.folder}: moves the {self.spec.body}, sees {sees}>"

    @property
    def spec(self) -> PolicySpec:
        """What it acts on."""
        return self.policy.spec

    def init(self, batch: int) -> Any:
        """See `Policy.init`."""
        return self.policy.init(batch)

    def act(
        self, obs: Mapping[str, jax.Array], carry: Any, key: jax.Array | None = None
    ) -> tuple[jax.Array, Any]:
        """See `Policy.act`."""
        return self.policy.act(obs, carry, key)


def policy_meta(policy: Policy) -> dict:
    """What a checkpoint's meta says of the policy in it."""
    return {"policy": codec.describe(policy)}


def read_run(folder: Path) -> GraspRun | InhandRun:
    """The run in a folder: scene, task and budget; its learner is left out.

    Raises:
        DexjaxError: if there is no run, or one of another version of dexjax.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise DexjaxError(f"no run {folder}: give the folder of a trained policy")
    found = read_config(folder)
    where = f"{folder}/config.yaml"
    kind = found.get("kind", GraspConfig.KIND)
    if kind not in RUNS:
        raise DexjaxError(f"{where}: task {kind!r}, this dexjax has {', '.join(RUNS)}")
    parts: dict[str, type] = {
        "scene": SceneConfig,
        "task": _TASKS[kind],
        "budget": Budget,
    }
    own = {field.name for field in dataclasses.fields(RUNS[kind])}
    plain = {n: v for n, v in found.items() if n in own and n not in parts}
    built = {
        n: _build(part, found.get(n), f"{where}: {n}") for n, part in parts.items()
    }
    run = _build(RUNS[kind], plain | built, where)
    # What a run was made from may be gone.
    with_kept(folder, run).check()
    return run


def grasp_run(stored: StoredPolicy) -> GraspRun:
    """The run of a policy that grasps.

    Raises:
        DexjaxError: for a policy of another task.
    """
    if not isinstance(stored.run, GraspRun):
        raise DexjaxError(
            f"{stored.folder} holds a policy for the task {stored.run.task.KIND!r}: "
            "give one that grasps"
        )
    return stored.run


def load_stored(folder: Path) -> StoredPolicy:
    """Reads the newest intact checkpoint of a run, as far as acting needs it.

    Raises:
        DexjaxError: if there is none, or of a kind of policy that is not known: says
            what is wrong.
    """
    folder = Path(folder).expanduser()
    run = read_run(folder)
    checkpoints = folder / "checkpoints"
    step, meta = checkpoint.read_meta(checkpoints)
    if not isinstance(meta.get("policy"), dict):
        raise DexjaxError(
            f"{folder} holds no policy that this dexjax can read: train it anew"
        )
    template = codec.blank(meta["policy"])
    _, policy, _ = checkpoint.restore(checkpoints, template, step, part="policy")
    return StoredPolicy(policy, folder, run, step)


def export_policy(run: Path, folder: Path) -> None:
    """Copies a finished run's policy and result, without what only training needs.

    Args:
        run: the run's folder.
        folder: the new one; must be absent or empty.

    Raises:
        DexjaxError: if the run is not finished, or the folder is in use.
    """
    run, folder = Path(run).expanduser(), Path(folder).expanduser()
    stored = load_stored(run)
    summary = read_json(run / "summary.json")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise DexjaxError(f"{folder} is not empty: choose a new folder")
        config = _without_folders(read_config(run))
        write_text(folder / "config.yaml", yaml.safe_dump(config, sort_keys=False))
        for kept in (*KEPT, *_RESULTS):
            if (run / kept).is_dir():
                shutil.copytree(run / kept, folder / kept)
            elif (run / kept).exists():
                shutil.copy(run / kept, folder / kept)
    except OSError as error:
        raise DexjaxError(f"cannot write in {folder}: {error.strerror}") from error
    meta = policy_meta(stored.policy) | {"object": stored.run.scene.object}
    tree = {"policy": stored.policy}
    checkpoint.save(folder / "checkpoints", stored.step, tree, meta)
    write_json(folder / "summary.json", summary)


def _without_folders(config: dict) -> dict:
    """A plain configuration without folders, which mean nothing elsewhere."""
    plain = json.loads(json.dumps(config))
    for name in ("dexgraspnet", "encoder", "grasps"):
        plain["scene"][name] = None
    return plain | {name: None for name in ("out", "start") if name in plain}


def _build(kind: type, fields: Any, where: str) -> Any:
    """A configuration from plain fields, which must be exactly its own."""
    if not isinstance(fields, dict):
        raise DexjaxError(f"{where} is damaged: no fields in it")
    wanted = {field.name for field in dataclasses.fields(kind)}
    for name in sorted(wanted ^ {str(name) for name in fields}):
        what = "lacks" if name in wanted else "has"
        raise DexjaxError(
            f"{where} {what} the field {name!r}: the run is of another version of "
            "dexjax, train it anew"
        )
    kinds = typing.get_type_hints(kind)
    values = {n: _value(kinds[n], v, f"{where}: {n}") for n, v in fields.items()}
    return kind(**values)


def _value(kind: Any, value: Any, where: str) -> Any:
    """A plain value as the type that a field has.

    Raises:
        DexjaxError: if it cannot be one.
    """
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        kind = next(own for own in kind.__args__ if own is not type(None))
    if dataclasses.is_dataclass(kind):
        return value
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        return tuple(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    sound = isinstance(value, (int, float) if kind is float else kind)
    if not sound or (isinstance(value, bool) and kind is not bool):
        raise DexjaxError(f"{where} is {value!r}, must be of type {kind.__name__}")
    return value
