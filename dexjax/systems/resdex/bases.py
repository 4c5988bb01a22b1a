"""The base policies of a mixture: chosen, found or trained, and put in order."""

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from dexjax.errors import DexjaxError
from dexjax.evaluation.episodes import drawn, evaluate
from dexjax.objects.grasp_file import count_valid, read_grasps
from dexjax.objects.handy import handy
from dexjax.objects.loading import load_object_set
from dexjax.policies.actor import ActorPolicy
from dexjax.policies.mixture import BasePolicies, MixturePolicy
from dexjax.runs.assemble import (
    assemble_engine,
    fresh_task,
    load_scene_objects,
    shipped_grasps,
)
from dexjax.runs.encoder import load_encoder, object_codes
from dexjax.runs.run import GraspRun, PpoRun
from dexjax.runs.storage.digest import digest
from dexjax.runs.storage.files import make_folder, read_json, write_json
from dexjax.runs.stored import grasp_run, load_stored
from dexjax.shipped import shipped
from dexjax.systems.resdex.base import slug, train_base
from dexjax.systems.resdex.codes import central_objects
from dexjax.systems.resdex.presets import preset

# In which the base policies are compared.
TRANSFER_EPISODES = 512
# Objects of a cluster that a base policy is trained on in turn until one has learned:
# holds its own in this share of episodes.
CANDIDATES = {"smoke": 1, "laptop": 3, "gpu": 3, "paper": 1}
LEARNED = 0.5


@dataclasses.dataclass(frozen=True)
class Base:
    """A trained base policy as a mixture needs it.

    Attributes:
        folder: it was read from.
        run: that trained it.
        policy: what acts.
        summary: result of its run.
    """

    folder: Path
    run: GraspRun
    policy: ActorPolicy
    summary: dict

    @property
    def object(self) -> str:
        """What it was trained on."""
        return self.run.scene.object

    @cached_property
    def digest(self) -> str:
        """Short hash of its parameters and scaling."""
        return digest(BasePolicies.of([self.policy]).variables)


Bases = Sequence[Base]


def find_bases(run: PpoRun, k: int, seed: int, folder: Path) -> list[Base]:
    """The base policies of a hyper-policy, trained now where they are not there.

    Args:
        run: of the hyper-policy.
        k: how many.
        seed: of the clusters of objects, and of trainings.
        folder: in which they are looked for, before those that come with dexjax.
    """
    clusters = base_objects(run, k, seed)
    found = [find_learned(names, run, seed, folder) for names in clusters]
    check_bases(found, run)
    return most_general_first(found, run)


def base_objects(run: PpoRun, k: int, seed: int) -> list[list[str]]:
    """For each of k clusters of codes the objects nearest to its centre.

    Of those that are handy and have a grasp proposal that held in simulation, if a
    cluster has any: a base policy has minutes to find a grasp, and does not see how its
    object lies.
    """
    scene = run.scene
    # What is quick to be found missing comes first: there may be thousands of objects.
    encoder = load_encoder(scene.encoder)
    objects = load_object_set(scene.object, dexgraspnet=scene.dexgraspnet)
    codes = object_codes(encoder, objects)
    grasps = scene.grasps or shipped_grasps(scene.hand)
    fit = 2 * handy(objects)
    if grasps is not None:
        fit += count_valid(objects, read_grasps(grasps)) > 0
    clusters = central_objects(codes, k, seed, fit, CANDIDATES[run.preset])
    return [[objects.names[i] for i in cluster] for cluster in clusters]


def find_learned(names: list[str], run: PpoRun, seed: int, folder: Path) -> Base:
    """A base policy of the first of these objects with which one has learned to grasp.

    Of the one that it holds most often, if there is none.
    """
    tried = []
    for name in names:
        base = find_base(name, run, seed, folder)
        held = base.summary["success_held"]
        tried.append((held, base))
        if held >= LEARNED:
            break
        print(f"base policy of {name}: holds it in {held:.0%} of episodes only")
    return max(tried, key=lambda found: found[0])[1]


def find_base(name: str, run: PpoRun, seed: int, folder: Path) -> Base:
    """The base policy of an object, trained now if it is not there."""
    there = folder / f"{slug(name)}-seed{seed}"
    if (there / "summary.json").exists():
        print(f"base policy of {name}: reusing {there}")
        return load_base(there)
    wanted = base_run(name, run, seed, there)
    for base in shipped_bases():
        if base.object == name and seed == base.run.seed and _alike(base.run, wanted):
            print(f"base policy of {name}: the one that comes with dexjax")
            return base
    print(f"base policy of {name}: training it in {there}")
    train_base(wanted)
    return load_base(there)


def shipped_bases() -> list[Base]:
    """The base policies that come with dexjax: those in its hyper-policy."""
    folder = shipped("resdex/hyper")
    if not folder.is_dir():
        return []
    stored = load_stored(folder)
    assert isinstance(stored.policy, MixturePolicy)
    mixed = stored.policy.mixture.bases
    seen = mixed.network.sees
    spec = dataclasses.replace(
        stored.policy.spec,
        observations=tuple(
            own for own in stored.policy.spec.observations if own.name in seen
        ),
    )
    found = []
    for i, summary in enumerate(read_json(folder / "bases.json")):
        name, seed = summary["object"], summary["seed"]
        run = base_run(name, preset(summary["preset"]), seed, folder)
        found.append(Base(folder, run, mixed.policy(i, spec), summary))
    return found


def base_run(name: str, run: PpoRun, seed: int, out: Path) -> PpoRun:
    """The run of a base policy for a hyper-policy's run."""
    usual = preset(run.preset)
    scene = dataclasses.replace(run.scene, object=name, size=None)
    task = dataclasses.replace(usual.task, pose=True)
    return dataclasses.replace(
        usual, scene=scene, task=task, devices=run.devices, seed=seed, out=out
    )


def _alike(one: GraspRun, other: GraspRun) -> bool:
    """Whether two runs train the same hand for the same task."""
    hands = [(run.scene.hand, run.scene.wrist) for run in (one, other)]
    return hands[0] == hands[1] and one.task == other.task


def load_base(folder: Path) -> Base:
    """Reads a base policy.

    Raises:
        DexjaxError: if there is none, or a policy of another kind.
    """
    found = load_stored(folder)
    if not isinstance(found.policy, ActorPolicy):
        raise DexjaxError(f"{folder} holds no base policy")
    summary = read_json(Path(folder) / "summary.json")
    return Base(Path(folder), grasp_run(found), found.policy, summary)


def check_bases(bases: Bases, run: GraspRun) -> None:
    """Refuses base policies that do not fit together or to the hyper-policy.

    Raises:
        DexjaxError: says which, and in what.
    """
    first = bases[0].policy
    for base in bases:
        network = base.policy.network
        wanted = {
            "hand": (base.run.scene.hand, run.scene.hand),
            "wrist": (base.run.scene.wrist, run.scene.wrist),
            "observation": (base.run.task.observation, "geometry-unaware"),
            "relative": (base.run.task.relative, run.task.relative),
            "widths": (tuple(network.widths), tuple(first.network.widths)),
            "observation_clip": (base.policy.clip, first.clip),
        }
        for name, (found, needed) in wanted.items():
            if found != needed:
                raise DexjaxError(
                    f"base policy {base.folder} has {name} {found!r}, this "
                    f"hyper-policy needs {needed!r}"
                )


def most_general_first(bases: list[Base], run: PpoRun) -> list[Base]:
    """Orders base policies by what each holds of the objects, untrained on them.

    A mixture starts as its first base policy alone. What was measured is kept beside
    the stages.
    """
    if len(bases) == 1:
        return bases
    assert run.out is not None
    file = run.out / "bases.json"
    known = read_json(file) if file.exists() else {}
    missing = [base for base in bases if base.digest not in known]
    if missing:
        measured = zip(missing, transfer(missing, run), strict=True)
        known |= {base.digest: row for base, row in measured}
        make_folder(file.parent)
        write_json(file, known)
    for base in bases:
        held = known[base.digest]["success_held"]
        print(f"base policy of {base.object}: holds {held:.1%} of all objects")
    return sorted(bases, key=lambda base: -known[base.digest]["success_held"])


def transfer(bases: list[Base], run: PpoRun) -> Iterator[dict]:
    """What each base policy holds of the objects to train on."""
    own = bases[0].run
    scene = dataclasses.replace(
        own.scene, object=run.scene.object, engine=run.scene.engine, size=None
    )
    own = dataclasses.replace(own, scene=scene)
    engine = assemble_engine(own, load_scene_objects(scene, codes=False))
    task = fresh_task(own, engine, 1)
    episodes = drawn(task.episodes(1), TRANSFER_EPISODES, run.seed)
    for base in bases:
        found = evaluate(task, base.policy, episodes, run.seed)
        yield {"object": base.object, **found.summary()}
