"""Trains a hyper-policy and what it needs: `python experiments/hyper.py --k 4`."""

import dataclasses
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from dexjax.errors import DexjaxError, main_guard
from dexjax.learners.learner import Policy
from dexjax.objects.grasp_file import count_valid, read_grasps
from dexjax.objects.handy import handy
from dexjax.objects.loading import load_object_set
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.assemble import (
    assemble_engine,
    load_config_objects,
    shipped_grasps,
    use_compilation_cache,
)
from dexjax.runs.codes import central_objects, load_encoder, object_codes
from dexjax.runs.config import check, for_many_objects, preset
from dexjax.runs.evaluation import drawn, evaluate, fresh_task
from dexjax.runs.folder import make_folder, read_json, write_json
from dexjax.runs.hyper import (
    Base,
    HyperConfig,
    MixtureConfig,
    check_bases,
    make_hyper,
)
from dexjax.runs.launch import launch, show
from dexjax.runs.policies import keep_bases, load_base, load_config, load_policy

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "policies" / "bases"
STAGES = {"1": ("stage1",), "2": ("stage2",), "both": ("stage1", "stage2")}
# Control steps of the stages.
ENV_STEPS = {
    "smoke": {"stage1": 40_960, "stage2": 40_960},
    "laptop": {"stage1": 2_000_000, "stage2": 20_000_000},
    "gpu": {"stage1": 50_000_000, "stage2": 200_000_000},
    "paper": {"stage1": 1_760_000_000, "stage2": 1_760_000_000},
}
# What is mixed is half-way to the goal already: it starts with less noise than a base
# policy, and the critic learns first.
INITIAL_STD = 0.3
CRITIC_FIRST = 30
# In which the base policies are compared.
TRANSFER_EPISODES = 512
# Objects of a cluster that a base policy is trained on in turn until one has learned:
# holds its own in this share of episodes.
CANDIDATES = {"smoke": 1, "laptop": 3, "gpu": 3, "paper": 1}
LEARNED = 0.5


@dataclasses.dataclass(frozen=True)
class Options:
    """Trains a hyper-policy; finds or trains its base policies first.

    Attributes:
        k: base policies.
        stage: "1" (follows grasp proposals), "2" (goes on from 1, free of them) or
            "both".
        objects: to train on.
        observation: "surface", or "full", which lacks the object's surface as it lies;
            by default "surface", but "full" with the preset "paper".
        preset: "smoke", "laptop", "gpu" or "paper".
        normalisation: of the weights: "norm" (eq. 4) or "softmax".
        residual: add an action of its own; --no-residual leaves the mixture alone.
        encoder: folder of the encoder of object codes; the shipped one by default.
        grasps: file of grasp proposals; those that come with dexjax by default.
        engine: "auto", "native", "mjx" or "warp".
        env_steps: control steps of each stage; the preset's by default.
        seed: of the stages.
        base_seed: of the clusters of objects and the base policies.
        bases: folder in which base policies are looked for, before those that come with
            dexjax, and trained.
        out: folder for the stages; runs/hyper/k<k>-seed<seed> by default.
        fresh: train the stages anew.
    """

    k: int = 4
    stage: str = "both"
    objects: str = "everyday/train"
    observation: str | None = None
    preset: str = "laptop"
    normalisation: str = "norm"
    residual: bool = True
    encoder: Path | None = None
    grasps: Path | None = None
    engine: str = "auto"
    env_steps: int | None = None
    seed: int = 0
    base_seed: int = 0
    bases: Path = Path("runs/base")
    out: Path | None = None
    fresh: bool = False


def base_objects(options: Options) -> list[list[str]]:
    """For each of k clusters of codes the objects nearest to its centre.

    Of those that are handy and have a grasp proposal that held in simulation, if a
    cluster has any: a base policy has minutes to find a grasp, and does not see how its
    object lies.
    """
    objects = load_object_set(options.objects)
    codes = object_codes(load_encoder(options.encoder), objects)
    grasps = options.grasps or shipped_grasps(preset(options.preset).hand)
    fit = 2 * handy(objects)
    if grasps is not None:
        fit += count_valid(objects, read_grasps(grasps)) > 0
    count = CANDIDATES[options.preset]
    clusters = central_objects(codes, options.k, options.base_seed, fit, count)
    return [[objects.names[i] for i in cluster] for cluster in clusters]


def find_learned(names: list[str], options: Options) -> Base:
    """A base policy of the first of these objects with which one has learned to grasp.

    Of the one that it holds most often, if there is none.
    """
    tried = []
    for name in names:
        base = find_base(name, options)
        held = read_json(base.folder / "summary.json")["success_held"]
        tried.append((held, base))
        if held >= LEARNED:
            break
        print(f"base policy of {name}: holds it in {held:.0%} of episodes only")
    return max(tried, key=lambda found: found[0])[1]


def find_base(name: str, options: Options) -> Base:
    """The base policy of an object, trained now if it is not there."""
    own = f"{name.replace(':', '-')}-seed{options.base_seed}"
    folder, shipped = options.bases / own, SHIPPED / own
    if (folder / "summary.json").exists():
        print(f"base policy of {name}: reusing {folder}")
    elif shipped.is_dir() and load_config(shipped).preset == options.preset:
        print(f"base policy of {name}: the one that comes with dexjax, {shipped}")
        return load_base(shipped)
    else:
        print(f"base policy of {name}: training it in {folder}")
        command = [sys.executable, str(ROOT / "experiments" / "base.py")]
        command += ["--object", name, "--preset", options.preset]
        command += ["--seed", str(options.base_seed), "--engine", options.engine]
        command += ["--task.pose"]
        if subprocess.run([*command, "--out", str(folder)]).returncode:
            raise DexjaxError(f"the base policy of {name} was not trained: see above")
    return load_base(folder)


def most_general_first(bases: list[Base], options: Options) -> list[Base]:
    """Orders base policies by what each holds of the objects, untrained on them.

    A mixture starts as its first base policy alone. What was measured is kept beside
    the stages.
    """
    file = stage_folder(options, "stage1").parent / "bases.json"
    known = read_json(file) if file.exists() else {}
    missing = [base for base in bases if base.digest not in known]
    if missing and len(bases) > 1:
        measured = zip(missing, transfer(missing, options), strict=True)
        known |= {base.digest: row for base, row in measured}
        make_folder(file.parent)
        write_json(file, known)
    if len(bases) == 1:
        return bases
    for base in bases:
        held = known[base.digest]["success_held"]
        print(f"base policy of {base.config.object}: holds {held:.1%} of all objects")
    return sorted(bases, key=lambda base: -known[base.digest]["success_held"])


def transfer(bases: list[Base], options: Options) -> Iterator[dict]:
    """What each base policy holds of the objects to train on."""
    config = dataclasses.replace(
        bases[0].config, object=options.objects, engine=options.engine, size=None
    )
    engine = assemble_engine(config, load_config_objects(config))
    task = fresh_task(config, engine, 1)
    episodes = drawn(task, TRANSFER_EPISODES, options.seed)
    for base in bases:
        act = load_policy(base.folder).act
        found = evaluate(task, act, episodes, options.seed)
        yield {"object": base.config.object, **found.summary()}


def configuration(options: Options, bases: list[Base], reward: str) -> HyperConfig:
    """The configuration of one stage."""
    common = for_many_objects(preset(options.preset))
    ppo, papers = common.ppo, options.preset == "paper"
    observation = options.observation or ("full" if papers else "surface")
    task = dataclasses.replace(
        common.task, observation=observation, reward=reward, pose=False
    )
    if not papers:
        ppo = dataclasses.replace(
            ppo, initial_std=INITIAL_STD, critic_first=CRITIC_FIRST
        )
    steps = options.env_steps or ENV_STEPS[options.preset][reward]
    fields = {f.name: getattr(common, f.name) for f in dataclasses.fields(common)}
    fields |= {
        "object": options.objects,
        "engine": options.engine,
        "encoder": options.encoder,
        "grasps": options.grasps,
        "task": task,
        "ppo": ppo,
        "env_steps": steps,
        "stop_at": 0.0,
        "seed": options.seed,
        "fresh": options.fresh,
        "out": stage_folder(options, reward),
    }
    config = HyperConfig(
        **fields,
        mixture=MixtureConfig(
            bases=tuple(base.config.object for base in bases),
            digests=tuple(base.digest for base in bases),
            residual=options.residual,
            normalisation=options.normalisation,
        ),
        start=stage_folder(options, "stage1") if reward == "stage2" else None,
    )
    check(config)
    return config


def stage_folder(options: Options, reward: str) -> Path:
    """Where a stage's run is kept."""
    kind = "" if options.residual else "-no-residual"
    kind += "" if options.normalisation == "norm" else f"-{options.normalisation}"
    default = Path("runs/hyper") / f"k{options.k}{kind}-seed{options.seed}"
    return (options.out or default) / reward


def first_policy(config: HyperConfig) -> Policy | None:
    """The policy that a stage starts from."""
    if config.start is None:
        return None
    if not (config.start / "summary.json").exists():
        raise DexjaxError(
            f"stage 2 goes on from {config.start}, where there is no finished stage 1: "
            "train it with --stage 1 or both"
        )
    print(f"starting from {config.start}")
    return load_policy(config.start).policy


def run_stage(reward: str, options: Options, bases: list[Base]) -> None:
    """Trains one stage, or says that it is there."""
    started = time.monotonic()
    config = configuration(options, bases, reward)
    start = first_policy(config)

    def learner(task, mesh):
        assert config.out is not None
        keep_bases(config.out, bases)
        return make_hyper(task, bases, config, start, mesh)

    show(launch(config, learner, started))


@main_guard
def main() -> None:
    """Trains stage by stage; the same command again resumes."""
    options = parse_arguments(Options, sys.argv[1:], Options())
    if options.stage not in STAGES:
        raise DexjaxError(f"stage {options.stage!r}: choose from {', '.join(STAGES)}")
    use_compilation_cache()
    found = [find_learned(names, options) for names in base_objects(options)]
    check_bases(found, configuration(options, found, "stage1"))
    bases = most_general_first(found, options)
    for reward in STAGES[options.stage]:
        run_stage(reward, options, bases)


if __name__ == "__main__":
    main()
